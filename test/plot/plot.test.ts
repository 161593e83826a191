import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { paletteNamed, paletteNames } from "../../src/plot/colour.ts";
import { plotFiles, writePicture } from "../../src/plot/files.ts";
import { plotSky } from "../../src/plot/plot.ts";
import { toPng } from "../../src/plot/png.ts";
import { niceStep, probabilityScale, squareRootScale } from "../../src/plot/scale.ts";
import { zoomScale } from "../../src/plot/zoom.ts";
import { readResult } from "../../src/result/files.ts";
import { resultFromScan } from "../../src/result/result.ts";
import type { PixelResult } from "../../src/scan/task.ts";
import { angleBetween, discStrict, npix, pixelVector, vectorOf } from "../../src/sky/healpix.ts";
import { event, pixel } from "../result/examples.ts";
import { withFolder } from "../result/python.ts";
import { shared } from "../shared.ts";

const degrees = 180 / Math.PI;

/** A Gaussian map around a direction in degrees; every `skip`-th pixel has no fit. */
function gaussian(ra: number, dec: number, skip = 1e9, eventType = "neutrino") {
  const centre = vectorOf({ ra: ra / degrees, dec: dec / degrees });
  const pixels = (nside: number, numbers: Iterable<number>): PixelResult[] =>
    [...numbers].map((index) => {
      const distance = angleBetween(pixelVector(nside, index), centre) * degrees;
      return pixel(nside, index, {
        llh: index % skip === 0 ? Number.NaN : 1000 + distance ** 2 / 2,
      });
    });
  return resultFromScan(
    new Map([
      [8, pixels(8, Array(npix(8)).keys())],
      [64, pixels(64, discStrict(64, centre, 4 / degrees))],
    ]),
    { ...event, eventType },
    false,
  );
}

const texts = (svg: string) =>
  [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, content]) =>
    content!.replaceAll("\u00a0", " "),
  );

describe("plotSky", () => {
  test("says what the map shows", () => {
    const lines = texts(plotSky(gaussian(224.1, 41.3), { caption: "splinempe, embedded light" }));
    expect(lines).toContain(
      "Run 136766  event 7637140  ·  2022-06-24 16:13:16.40 UTC  ·  neutrino",
    );
    expect(lines).toContain("splinempe, embedded light  ·  MJD 59754.675884  ·  scan not complete");
    expect(lines.find((line) => line.startsWith("Best fit"))).toMatch(
      /RA 22[34]\.\d\d° {2}Dec \+4[01]\.\d\d°/,
    );
    // σ = 1°: areas πσ²·1.39 = 4.37 and πσ²·4.61 = 14.5 square degrees.
    expect(lines.find((line) => line.startsWith("50 %"))).toMatch(
      /^50 % {2}\(−2 Δ ln L = 1\.39\): {2}4\.\d\d deg², circularised radius 1\.[12]°/,
    );
    expect(lines.find((line) => line.startsWith("90 %"))).toMatch(
      /: {2}1[45]\.\d deg², circularised radius 2\.[12]°/,
    );
  });

  test("labels the neighbourhood of the best fit", () => {
    const labels = (ra: number, dec: number) => texts(plotSky(gaussian(ra, dec)));
    expect(labels(10, -30)).toEqual(expect.arrayContaining(["10°", "−30°", "Declination (ICRS)"]));
    expect(labels(0, 10)).toEqual(expect.arrayContaining(["358°", "0°", "2°", "+10°"]));
    expect(labels(75, 89.5)).toEqual(expect.arrayContaining(["+88°", "+86°"]));
    expect(labels(75, 89.5)).not.toContain("Declination (ICRS)");
    expect(labels(75, -89.5)).toEqual(expect.arrayContaining(["−88°"]));
  });

  test("has a place for maps without any fit, of one pixel, with texts from elsewhere", () => {
    const map = (pixels: PixelResult[]) => resultFromScan(new Map([[1, pixels]]), event, false);
    expect(texts(plotSky(map([pixel(1, 3, { llh: Number.NaN })])))).toContain(
      "No pixel has a fit.",
    );
    expect(texts(plotSky(map([pixel(1, 3)])))).toContain(
      "Best fit  RA 315.00°  Dec +41.81°  −ln L = 1850.43",
    );
    expect(plotSky(gaussian(1, 1, 7, `<b>&"`))).toContain("&lt;b&gt;&amp;&quot;</text>");
    expect(plotSky(gaussian(1, 1, 7))).not.toMatch(/NaN|undefined|Infinity/);
  });

  test("is the same each time", () => {
    expect(plotSky(gaussian(50, -20, 5))).toBe(plotSky(gaussian(50, -20, 5)));
  });
});

describe("PNG", () => {
  test("has the picture's shape, whatever the map", async () => {
    for (const result of [gaussian(0, 89.9), gaussian(180, -60, 3)]) {
      const png = Buffer.from(await toPng(plotSky(result)));
      expect(png.subarray(0, 8).toString("latin1")).toBe("\x89PNG\r\n\x1a\n");
      // 1.6 pixels for each of the drawing's.
      const height = Number(/viewBox="0 0 1560 ([\d.]+)"/.exec(plotSky(result))![1]);
      const size = [png.readUInt32BE(16), png.readUInt32BE(20)];
      expect(size).toEqual([2496, Math.ceil(1.6 * height)]);
    }
  });

  test("has a glyph for every letter of a map", async () => {
    const letters = new Set(
      texts(plotSky(gaussian(0, -89.9, 5, "~!§ß"), { caption: "α → β, ≈ 1.5 °" }))
        .join("")
        .replaceAll(" ", ""),
    );
    const draw = (content: string, weight: string) =>
      toPng(
        `<svg xmlns="http://www.w3.org/2000/svg" width="30" height="30"><text x="5" y="20" font-family="DejaVu Sans" font-weight="${weight}">${content}</text></svg>`,
      );
    for (const weight of ["normal", "bold"]) {
      const nothing = Buffer.from(await draw(" ", weight));
      for (const letter of letters) {
        if (letter === "&") continue;
        expect({ letter, empty: nothing.equals(await draw(letter, weight)) }).toEqual({
          letter,
          empty: false,
        });
      }
    }
  });
});

describe.each([...paletteNames])("colours %s", (name) => {
  const colourOf = paletteNamed(name);

  test("darken evenly and end where they should", () => {
    const lightness = Array.from({ length: 101 }, (_, i) => {
      const [r, g, b] = [1, 3, 5].map((at) => {
        const value = Number.parseInt(colourOf(i / 100).slice(at, at + 2), 16) / 255;
        return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
      }) as [number, number, number];
      // CIE L* of the luminance: another measure than the one the colours are made with.
      return 116 * Math.cbrt(0.2126 * r + 0.7152 * g + 0.0722 * b) - 16;
    });
    const steps = lightness.slice(1).map((value, i) => lightness[i]! - value);
    expect(Math.min(...steps)).toBeGreaterThan(0);
    expect(Math.max(...steps)).toBeLessThan((3 * (lightness[0]! - lightness[100]!)) / 100);
    expect(colourOf(-1)).toBe(colourOf(0));
    expect(colourOf(7)).toBe(colourOf(1));
  });
});

test("there is no other palette", () => {
  expect(() => paletteNamed("jet")).toThrow("there are dusk, viridis, grey");
  expect(() => paletteNamed("toString")).toThrow("there are");
});

describe("scale", () => {
  const labels = (max: number, isCut: boolean) =>
    squareRootScale(max, isCut)
      .ticks(6)
      .map(({ label }) => label);
  test.each<[number, boolean, string[]]>([
    [40, true, ["0", "1", "4", "10", "20", "30", "≥ 40"]],
    [84, true, ["0", "2", "9", "20", "40", "60", "≥ 84"]],
    [9143, false, ["0", "300", "1000", "2000", "4000", "6000", "9000"]],
    [305_000, false, ["0", "8000", "3e4", "8e4", "1e5", "2e5", "3e5"]],
    [0, false, ["0", "0.03", "0.1", "0.3", "0.4", "0.7", "1"]],
  ])("to %p has labels", (max, isCut, expected) => {
    expect(labels(max, isCut)).toEqual(expected);
  });

  test("goes with the root of −2 Δ ln L, and with the logarithm of probability", () => {
    const root = squareRootScale(40);
    expect([0, 10, 40, 90].map(root.share)).toEqual([0, 0.5, 1, 1]);
    // A density of 5 per deg²; a tenth of it is 2 ln 10 away in −2 Δ ln L.
    const probability = probabilityScale(5, 4);
    expect(probability.share(2 * Math.LN10)).toBeCloseTo(0.25, 12);
    const [first] = probability.ticks(6);
    expect(first!.label).toBe("1");
    expect(first!.share).toBeCloseTo(Math.log10(5) / 4, 12);
  });

  test("reaches beyond the outermost contour", () => {
    const contours = [{ level: 22.2 }, { level: 64.2 }] as never;
    expect(zoomScale({ contours }).share(64.2)).toBeLessThan(0.95);
    expect(zoomScale({ contours: [] }).share(40)).toBe(1);
  });
});

test.each([
  [3, 6, 0.5],
  [3.1, 6, 1],
  [30, 6, 5],
  [179, 2, 90],
])("%p in %p steps: %p", (range, count, step) => {
  expect(niceStep(range, count)).toBe(step);
});

describe("published map", () => {
  test("is drawn within the picture, in a picture of reasonable size", async () => {
    const result = await readResult(
      shared("events", "run00136766-evt000007637140-GOLD-8_64_512.npz"),
    );
    const svg = plotSky(result, { title: "GOLD" });
    expect(texts(svg)).toEqual(
      expect.arrayContaining(["GOLD", "Best fit  RA 224.12°  Dec +41.31°  −ln L = 1847.16"]),
    );
    expect(svg.length).toBeLessThan(1e6);
    const numbers = [...svg.matchAll(/ d="([^"]*)"/g)].flatMap(([, d]) =>
      d!.match(/-?[\d.]+/g)!.map(Number),
    );
    expect(numbers.every((value) => value >= 0 && value <= 1560)).toBe(true);
    await withFolder(async (folder) => {
      const { png, svg } = await plotFiles(
        folder,
        { ...result, metadata: { ...event, complete: true } },
        { caption: "a" },
      );
      expect(readdirSync(folder).sort()).toEqual([
        "run00136766.evt000007637140.neutrino_8_64_512.png",
        "run00136766.evt000007637140.neutrino_8_64_512.svg",
      ]);
      expect([png, svg].every((path) => Bun.file(path).size > 1e5)).toBe(true);
      expect(writePicture(join(folder, "map.gif"), "<svg/>")).rejects.toThrow(".png, .svg or .pdf");
    });
  });
});
