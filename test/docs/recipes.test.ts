import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { publisher } from "../../src/publish/formats.ts";
import { writeNpz } from "../../src/result/npz.ts";
import { resultFromScan } from "../../src/result/result.ts";
import { angleBetween, discStrict, npix, pixelVector, vectorOf } from "../../src/sky/healpix.ts";
import { event, pixel } from "../result/examples.ts";
import { withFolder } from "../result/python.ts";

const page = readFileSync(resolve(import.meta.dir, "../../src/docs/recipes.md"), "utf8");
const degrees = 180 / Math.PI;

/** A Gaussian of 0.8° around RA 120°, Dec +5°. */
const centre = vectorOf({ ra: 120 / degrees, dec: 5 / degrees });
const pixels = (nside: number, numbers: Iterable<number>) =>
  [...numbers].map((index) => {
    const distance = angleBetween(pixelVector(nside, index), centre) * degrees;
    return pixel(nside, index, { llh: 500 + (distance / 0.8) ** 2 / 2 });
  });
const map = resultFromScan(
  new Map([
    [8, pixels(8, Array(npix(8)).keys())],
    [128, pixels(128, discStrict(128, centre, 5 / degrees))],
  ]),
  event,
  true,
);

const python = "/usr/bin/python3";
const has = (modules: string) =>
  Bun.which(python) !== null &&
  Bun.spawnSync([python, "-c", `import ${modules}`], { stderr: "ignore" }).exitCode === 0;

/** The programs of one section, as a reader would run them one after the other. */
const programOf = (title: string): string => {
  const section = page.split(/^## /m).find((text) => text.startsWith(title))!;
  return [...section.matchAll(/```python\n([\s\S]*?)```/g)].map(([, code]) => code).join("\n");
};

/** The area, deg², within r of a Gaussian's 90 % radius: 2π σ² ln 10. */
const ninety = 2 * Math.PI * 0.8 ** 2 * Math.log(10);

test.each([
  ["numpy", "numpy", [/^\(?\d+.* 500\.\d+/]],
  ["healpy", "healpy", [/^1(19|20)\.\d+ [45]\.\d+ (1\.0|0\.9999)/, /^0\.5[0-9]|^0\.[67]/]],
  [
    "astropy",
    "astropy, astropy_healpix",
    [
      /^(1\.0|0\.9999999)/,
      (line: string) => Math.abs(Number.parseFloat(line) / ninety - 1) < 0.1,
      /deg2/,
    ],
  ],
])(
  "the recipe for %s does what it says",
  async (title, modules, expected) => {
    if (!has(modules)) {
      console.warn(`skipped, needs ${python} with ${modules}: recipes`);
      return;
    }
    await withFolder(async (folder) => {
      const publish = publisher(map);
      const unpacked = (bytes: string | Uint8Array) =>
        Bun.gunzipSync(bytes as Uint8Array<ArrayBuffer>);
      await Bun.write(join(folder, "map.npz"), writeNpz(map));
      await Bun.write(join(folder, "map.fits"), unpacked(publish("flat.fits")));
      await Bun.write(join(folder, "map.multiorder.fits"), unpacked(publish("multiorder.fits")));
      const run = Bun.spawnSync([python, "-c", programOf(title)], { cwd: folder });
      expect(run.stderr.toString()).not.toMatch(/Error/);
      const lines = run.stdout.toString().trim().split("\n");
      expect(lines.length).toBe(expected.length);
      for (const [i, wanted] of expected.entries())
        if (typeof wanted === "function") expect(wanted(lines[i]!)).toBe(true);
        else expect(lines[i]).toMatch(wanted);
    });
  },
  120_000,
);
