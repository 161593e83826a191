import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { colourOf, failedColour } from "../../src/plot/colour.ts";
import { barTicks } from "../../src/plot/colour_bar.ts";
import { plotFile, plotFiles } from "../../src/plot/files.ts";
import { textWidth, touch } from "../../src/plot/labels.ts";
import { fromGalactic } from "../../src/plot/marks.ts";
import { toPdf } from "../../src/plot/pdf.ts";
import { plotSky } from "../../src/plot/plot.ts";
import { toPng } from "../../src/plot/png.ts";
import { logarithmicScale, niceStep, squareRootScale } from "../../src/plot/scale.ts";
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
        llh: index % skip === skip - 1 ? Number.NaN : 1000 + distance ** 2 / 2,
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
    expect(lines).toContain("Run 136766  ·  event 7637140");
    expect(lines).toContain("2022-06-24 16:13:16.41 UTC  ·  MJD 59754.675884  ·  neutrino");
    expect(lines).toContain("splinempe  ·  embedded light  ·  scan not complete");
    expect(lines.find((line) => line.startsWith("Best fit"))).toMatch(
      /RA 22[34]\.\d\d° {2}Dec \+4[01]\.\d\d°/,
    );
    // σ = 1°: areas πσ²·1.39 = 4.37 and πσ²·4.61 = 14.5 square degrees.
    expect(lines.find((line) => line.startsWith("50 %"))).toMatch(
      /: {2}4\.\d\d deg², circularised radius 1\.[12]°/,
    );
    expect(lines.find((line) => line.startsWith("90 %"))).toMatch(
      /: {2}1[45]\.\d deg², circularised radius 2\.[12]°/,
    );
  });

  test("labels the neighbourhood of the best fit", () => {
    const labels = (ra: number, dec: number) => texts(plotSky(gaussian(ra, dec)));
    expect(labels(10, -30)).toEqual(expect.arrayContaining(["10°", "−30°", "Declination (J2000)"]));
    expect(labels(0, 10)).toEqual(expect.arrayContaining(["358°", "0°", "2°", "+10°"]));
    expect(labels(75, 89.5)).toEqual(expect.arrayContaining(["+88°", "+86°"]));
    expect(labels(75, 89.5)).not.toContain("Declination (J2000)");
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
    expect(plotSky(gaussian(1, 1, 7, `<b>&"`))).toContain("·\u00a0 &lt;b&gt;&amp;&quot;");
    expect(plotSky(gaussian(1, 1, 7))).not.toMatch(/NaN|undefined|Infinity/);
  });

  test("is the same each time", () => {
    expect(plotSky(gaussian(50, -20, 5))).toBe(plotSky(gaussian(50, -20, 5)));
  });
});

describe("a map with failed fits", () => {
  // Every eleventh fine pixel failed; coarse ones around them did not.
  const map = gaussian(99, 20, 11);
  const fills = (svg: string) =>
    [...svg.matchAll(/<path d="([^"]*)" fill="(#[0-9a-f]{6})"/g)].map(([, d, fill]) => ({
      d: d!,
      fill: fill!,
    }));

  test("shows them grey, not as their coarse parent", () => {
    const shown = plotSky(map, { panel: "zoom", window: 3 });
    const failed = fills(shown).filter(({ fill }) => fill === failedColour);
    const outlines = failed.flatMap(({ d }) => d.match(/M/g) ?? []).length;
    // 36 square degrees of 0.84 each: about 43 pixels, 4 of them failed, and some at the edge.
    expect(outlines).toBeWithin(3, 12);
    expect(texts(shown)).toContain("The fit failed");
    expect(texts(plotSky(gaussian(99, 20)))).not.toContain("The fit failed");
  });
});

describe("labels", () => {
  const scales = [40, 83, 700, 9143, 24_000, 95_000, 1.2e6].map(squareRootScale);
  const bars = [
    { x: 0, y: 0, width: 595, height: 14 },
    { x: 0, y: 0, width: 14, height: 440 },
    { x: 0, y: 0, width: 14, height: 150 },
  ];

  test.each([...scales, logarithmicScale(3.7), logarithmicScale(4100)])(
    "of a colour bar stand apart, the ends among them: %#",
    (scale) => {
      for (const bar of bars) {
        const ticks = barTicks(bar, scale, "≥");
        for (const [i, a] of ticks.entries())
          for (const b of ticks.slice(i + 1)) expect(touch(a.box, b.box, 2)).toBe(false);
        expect(ticks.length).toBeGreaterThan(2);
        expect(ticks.some(({ at }) => at === Math.min(...ticks.map((tick) => tick.at)))).toBe(true);
      }
    },
  );

  test("of large and small numbers are short", () => {
    const { label } = squareRootScale(1);
    expect([0, 0.03, 40, 9143, 20_000, 1e5, 1e-5].map(label)).toEqual([
      ...["0", "0.03", "40", "9143", "2e4", "1e5", "1e−5"],
    ]);
  });

  test("are as wide as they are taken to be, at most", async () => {
    // Measured on the picture: the last column with ink of each text.
    for (const content of ["−2 Δ ln L = 64.2", "4FGL J1458.8+4052", "90 % rectangle"]) {
      const width = Math.ceil(textWidth(content, 13));
      const svg = (x: number) =>
        `<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><text x="${x}" y="15" font-size="13" font-family="DejaVu Sans">${content}</text></svg>`;
      const [beyond, nothing] = [await toPng(svg(-width)), await toPng(svg(99))];
      expect(Buffer.from(beyond).equals(Buffer.from(nothing))).toBe(true);
    }
  });
});

describe("marks", () => {
  test("online track, truth and sources are drawn and explained, labels apart", () => {
    const near = (name: string, ra: number, dec: number) => ({
      name,
      ...{ ra: ra / degrees, dec: dec / degrees },
    });
    const marks = {
      online: { ra: 359.5 / degrees, dec: 10.5 / degrees, r50: 0.01, r90: 0.02, kind: "SplineMPE" },
      truth: { ra: 0.4 / degrees, dec: 9.7 / degrees },
    };
    const catalogues = [
      {
        name: "4FGL",
        sources: [
          near("inside", 0.2, 10.4),
          near("at RA 359.9", 359.9, 10.2),
          near("outside", 3, 12),
          near("far away", 180, -40),
        ],
      },
    ];
    const svg = plotSky(gaussian(0, 10), { marks, catalogues });
    const lines = texts(svg);
    expect(lines).toEqual(
      expect.arrayContaining([
        ...["inside", "at RA 359.9", "outside", "4FGL:  2 within 90 %"],
        ...["Online: SplineMPE, 50 and 90 % circles", "True direction (simulated)"],
      ]),
    );
    expect(lines).not.toContain("far away");
    expect(svg).toMatch(/font-weight="bold"[^>]*>inside</);
    expect(svg).not.toMatch(/font-weight="bold"[^>]*>outside</);
  });

  test.each([
    // astropy 5.2.1: SkyCoord(l, b, frame="galactic").icrs
    [0, 0, 266.404988, -28.936178],
    [90, 0, 318.004378, 48.329585],
    [180, 0, 86.404988, 28.936178],
    [123, 27.4, 180.321423, 89.721597],
    [30, -60, 339.521732, -24.686611],
  ])("galactic (%p, %p)", (l, b, ra, dec) => {
    const found = fromGalactic(l / degrees, b / degrees);
    const angle = angleBetween(vectorOf(found), vectorOf({ ra: ra / degrees, dec: dec / degrees }));
    expect(angle * degrees).toBeLessThan(0.001);
  });
});

test("a picture for paper is as wide as the paper, with all its text, and the same each time", async () => {
  const svg = plotSky(gaussian(0, 10), { panel: "zoom", widthMm: 85 });
  expect(svg).toMatch(/^<svg[^>]* width="85mm" height="[\d.]+mm"/);
  const [once, again] = [await toPdf(svg), await toPdf(svg)];
  expect(Buffer.from(once).equals(Buffer.from(again))).toBe(true);
  const pdf = Buffer.from(once).toString("latin1");
  const [, width] = /MediaBox \[0 0 ([\d.]+) /.exec(pdf)!;
  expect(Number(width)).toBeCloseTo((85 / 25.4) * 72, 3);
  expect(pdf).toContain("DejaVuSans");
  const png = Buffer.from(await toPng(svg));
  expect(Math.abs(png.readUInt32BE(16) - (300 * 85) / 25.4)).toBeLessThan(1);
});

test("one panel has one, and the palette asked for", () => {
  const map = gaussian(40, 20);
  const sky = plotSky(map, { panel: "sky", palette: "viridis" });
  expect(sky).toContain("all-sky-colours");
  expect(sky).not.toContain("zoom-colours");
  expect(sky).toContain(colourOf(0, "viridis"));
  const zoom = plotSky(map, { panel: "zoom", view: "probability" });
  expect(zoom).not.toContain("all-sky-colours");
  expect(texts(zoom)).toContain("Probability per deg²");
  expect(texts(zoom).find((line) => line.startsWith("90 %"))).toMatch(/HPD/);
});

describe("PNG", () => {
  test("has the picture's shape, whatever the map", async () => {
    for (const result of [gaussian(0, 89.9), gaussian(180, -60, 3)]) {
      const svg = plotSky(result);
      const png = Buffer.from(await toPng(svg));
      expect(png.subarray(0, 8).toString("latin1")).toBe("\x89PNG\r\n\x1a\n");
      const [, width, height] = /viewBox="0 0 (\S+) (\S+)"/.exec(svg)!;
      expect(png.readUInt32BE(16)).toBe(1.6 * Number(width));
      expect(Math.abs(png.readUInt32BE(20) - 1.6 * Number(height))).toBeLessThan(1);
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

test("colours darken evenly and end where they should", () => {
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

test.each([
  [40, [0, 1, 4, 10, 20, 30, 40]],
  [9143, [0, 300, 1000, 2000, 4000, 6000, 9000]],
  [0, [0, 0.03, 0.1, 0.3, 0.4, 0.7, 1]],
])("scale to %p has labels %j", (max, ticks) => {
  const scale = squareRootScale(max);
  expect(scale.ticks(6)).toEqual(ticks);
  expect(scale.share(0)).toBe(0);
  expect(scale.share(2 * scale.end)).toBe(1);
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
      expect(plotFile("map.npz", join(folder, "map.gif"), { title: "map" })).rejects.toThrow(
        "a picture ends in .png, .svg, .pdf",
      );
    });
  });
});
