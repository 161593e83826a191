import { beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { publisher } from "../../src/publish/formats.ts";
import { readResult, writeResult } from "../../src/result/files.ts";
import { testFolder } from "../folder.ts";
import { skyscan } from "../programs.ts";
import { gaussianMap } from "../publish/maps.ts";

const directory = testFolder();
const at = (name: string) => join(directory, name);
const map = gaussianMap(1, 0.3);
beforeAll(async () => {
  await writeResult(at("map.npz"), map);
  writeFileSync(at("density.multiorder.fits"), publisher(map)("multiorder.fits"));
  const bytes = publisher(map)("llh.multiorder.fits") as Uint8Array;
  writeFileSync(at("short.fits.gz"), bytes.slice(0, 500));
  writeFileSync(at("sources.csv"), "name,ra,dec\nhere,57.3,17.2\nfar,200,10\n");
  writeFileSync(at("wrong.csv"), "name,ra,dec\nA,400,0\n");
});

const run = (...args: (string | number)[]) => skyscan(["result", ...args]).exited;

describe("bad input ends with one line and code 2, and nothing is written", () => {
  const out = at("out");
  const cases: [string, (string | number)[], RegExp][] = [
    ["a damaged FITS file", ["info", at("short.fits.gz")], /short\.fits\.gz: cannot be unpacked/],
    ["a catalogue as a map", ["info", at("sources.csv")], /sources\.csv: no JSON/],
    ["RA of 400°", ["at", 400, 0, at("map.npz")], /RA of "400"/],
    [
      "a source's RA of 400°",
      ["sources", at("map.npz"), "--sources", at("wrong.csv")],
      /line 2: RA is "400"/,
    ],
    [
      "no such column",
      ["sources", at("map.npz"), "--sources", at("sources.csv"), "--source-columns", "a,b,c"],
      /no column "a"/,
    ],
    ["another ending", ["contours", at("map.npz"), "--out", `${out}.pdf`], /contours end in/],
    ["no stream", ["notice", at("map.npz"), "--out", `${out}.json`], /--stream is needed/],
    [
      "another day",
      [
        "notice",
        at("map.npz"),
        "--stream",
        "gold",
        "--name",
        "IceCube-200101A",
        "--out",
        `${out}.json`,
      ],
      /the event is of 220624/,
    ],
    [
      "a likelihood from a density",
      ["convert", at("density.multiorder.fits"), `${out}.json`],
      /the likelihood is lost/,
    ],
    [
      "2Δllh from a density",
      ["convert", at("density.multiorder.fits"), `${out}.fits`, "--what", "llh"],
      /the likelihood is lost/,
    ],
    ["a truth of one number", ["stats", at("map.npz"), "--true", "12"], /expected RA,DEC/],
    [
      "an nside of 100",
      ["flatten", at("map.npz"), "--out", `${out}.fits`, "--nside", 100],
      /nside 100/,
    ],
  ];
  test.each(cases)(
    "%s",
    async (_, args, message) => {
      const before = readdirSync(directory).sort();
      const { code, stdout, stderr } = await run(...args);
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr.trim().split("\n")).toHaveLength(1);
      expect(stderr).toMatch(message);
      expect(readdirSync(directory).sort()).toEqual(before);
    },
    60_000,
  );
});

test("the same file gives the same map, byte for byte, with the date of the file", async () => {
  const files = ["one.multiorder.fits.gz", "two.multiorder.fits.gz"].map(at);
  utimesSync(at("map.npz"), 1.7e9, 1.7e9);
  for (const file of files) expect((await run("convert", at("map.npz"), file)).code).toBe(0);
  const [one, two] = files.map((file) => readFileSync(file));
  expect(one!.equals(two!)).toBe(true);
  const back = await readResult(files[0]!);
  expect(back.isProbability).toBe(true);
}, 120_000);

test("two maps of one source combine to one that is narrower; info reads it", async () => {
  const both = at("both.multiorder.fits");
  expect(
    (await run("combine", at("map.npz"), at("density.multiorder.fits"), "--out", both)).code,
  ).toBe(0);
  const area = async (file: string): Promise<number> =>
    JSON.parse((await run("info", file, "--json")).stdout).hpd[1].area_sqdeg;
  // The product of two equal Gaussians has half their variance.
  expect((await area(both)) / (await area(at("map.npz")))).toBeCloseTo(0.5, 1);
}, 120_000);

test("at, stats and sources agree on one direction", async () => {
  const seen = JSON.parse((await run("at", 57.3, 17.2, at("map.npz"), "--json")).stdout);
  const stats = JSON.parse(
    (await run("stats", at("map.npz"), "--true", "57.3,17.2", "--json")).stdout,
  );
  expect(stats.searched_probability).toBe(seen.searched_probability);
  const [{ inside, nearest_outside }] = JSON.parse(
    (await run("sources", at("map.npz"), "--sources", at("sources.csv"), "--json")).stdout,
  );
  expect(inside.map(({ name }: { name: string }) => name)).toEqual(["here"]);
  expect(nearest_outside.name).toBe("far");
  expect(inside[0].distance_deg).toBeCloseTo(seen.distance_deg, 9);
}, 120_000);
