import { beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Resvg } from "@resvg/resvg-wasm";
import { loadEvent } from "../../src/event/load.ts";
import { writePicture } from "../../src/plot/files.ts";
import { landmarksOf } from "../../src/plot/landmarks.ts";
import { type PlotOptions, plotSky } from "../../src/plot/plot.ts";
import { drawWith, toPng } from "../../src/plot/png.ts";
import { nativeRasteriser } from "../../src/plot/rasteriser_native.ts";
import { wasmRasteriser } from "../../src/plot/rasteriser_wasm.ts";
import { ic160427aLevels } from "../../src/result/levels.ts";
import { resultFromScan, type SkyScanResult } from "../../src/result/result.ts";
import {
  angleBetween,
  discStrict,
  npix,
  pixelAt,
  pixelVector,
  vectorOf,
} from "../../src/sky/healpix.ts";
import { testFolder } from "../folder.ts";
import { event, pixel } from "../result/examples.ts";

const degrees = 180 / Math.PI;

/** A Gaussian map of width sigma around a direction, degrees; every `skip`-th fine pixel has no fit. */
function gaussian(ra: number, dec: number, sigma: number, skip = 1e9): SkyScanResult {
  const centre = vectorOf({ ra: ra / degrees, dec: dec / degrees });
  const fits = (nside: number, numbers: Iterable<number>) =>
    [...numbers].map((index) => {
      const distance = (angleBetween(pixelVector(nside, index), centre) * degrees) / sigma;
      const hasFailed = nside > 8 && index % skip === 0;
      return pixel(nside, index, { llh: hasFailed ? Number.NaN : 1000 + distance ** 2 / 2 });
    });
  const fine = [64, 512].map((nside) => {
    const radius = (nside === 64 ? 12 : 1.5) / degrees;
    return [nside, fits(nside, discStrict(nside, centre, radius))] as const;
  });
  return resultFromScan(new Map([[8, fits(8, Array(npix(8)).keys())], ...fine]), event, true);
}

const maps: readonly (readonly [string, SkyScanResult])[] = [
  ["RA 0°", gaussian(0, 5, 0.4)],
  ["the north pole", gaussian(40, 89.7, 0.4)],
  ["the south pole", gaussian(210, -89.3, 0.4)],
  ["wide", gaussian(300, -20, 2.6)],
  ["all over the sky", gaussian(0, 30, 12)],
  ["tiny", gaussian(100, 20, 0.03)],
  ["failed pixels", gaussian(100, 20, 0.4, 19)],
];

const folder = resolve(import.meta.dir, "../../src/plot/font");
const fontBuffers = ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf"].map(
  (name) => new Uint8Array(readFileSync(join(folder, name))),
);
const svgNamespace = 'xmlns="http://www.w3.org/2000/svg"';

interface Box {
  content: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Where the rasteriser puts the letters of every upright text of a picture. */
function boxes(svg: string): Box[] {
  const all = [...svg.matchAll(/<text([^>]*)>([^<]*)<\/text>/g)];
  const upright = all.filter(([, list]) => !/transform=|aria-hidden/.test(list!));
  return upright.map(([element, , content]) => {
    const one = `<svg ${svgNamespace} viewBox="0 0 1600 1000" font-family="DejaVu Sans" font-size="13">${element}</svg>`;
    const box = new Resvg(one, {
      font: { fontBuffers, defaultFontFamily: "DejaVu Sans" },
    }).getBBox()!;
    return { content: content!, x: box.x, y: box.y, width: box.width, height: box.height };
  });
}

const touch = (a: Box, b: Box): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

/** The rasteriser's WebAssembly is loaded with the first picture. */
beforeAll(async () => {
  await drawWith(`<svg ${svgNamespace} width="1" height="1"/>`)(wasmRasteriser);
});

test("the native rasteriser and the one for machines without libgcc_s draw the same bytes", async () => {
  const draw = drawWith(plotSky(maps[0]![1], { name: "IceCube-220624A" }));
  const [native, portable] = [await draw(nativeRasteriser), await draw(wasmRasteriser)];
  expect(Buffer.compare(native, portable)).toBe(0);
});

describe.each(maps)("a map of %s", (_name, map) => {
  const drawings: readonly (readonly [string, PlotOptions])[] = [
    ["both panels", {}],
    ["hours, systematics", { isInHours: true, levels: ic160427aLevels }],
    ["the sky", { panel: "sky" }],
    ["the neighbourhood, probability", { panel: "zoom", view: "probability", widthMm: 85 }],
  ];

  test.each(drawings)("has no two texts that touch, and none cut: %s", (_what, options) => {
    const svg = plotSky(map, { name: "IceCube-220624A", ...options });
    const [, width, height] = /viewBox="0 0 ([\d.]+) ([\d.]+)"/.exec(svg)!.map(Number);
    const placed = boxes(svg);
    const collisions = placed.flatMap((a, i) =>
      placed.slice(i + 1).flatMap((b) => (touch(a, b) ? [`${a.content} | ${b.content}`] : [])),
    );
    expect(collisions).toEqual([]);
    const cut = placed.filter(
      (box) => box.x < 0 || box.y < 0 || box.x + box.width > width! || box.y + box.height > height!,
    );
    expect(cut).toEqual([]);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });
});

describe("pixels without a fit", () => {
  /** The colours of the pixels' outlines of the zoom that hold a point, last drawn last. */
  const coloursAt = (svg: string, x: number, y: number): string[] =>
    [...svg.matchAll(/<path d="([^"]*)" fill="(#[0-9a-f]{6})" stroke="\2"\/>/g)].flatMap(
      ([, d, fill]) =>
        d!
          .split("Z")
          .filter((ring) => ring !== "" && holds(ring, x, y))
          .map(() => fill!),
    );
  const holds = (ring: string, x: number, y: number): boolean => {
    const numbers = ring.match(/-?[\d.]+/g)!.map(Number);
    const points = numbers.flatMap((value, i) => (i % 2 === 0 ? [[value, numbers[i + 1]!]] : []));
    let isInside = false;
    points.forEach(([ax, ay], i) => {
      const [bx, by] = points[(i + 1) % points.length]!;
      if (ay! > y !== by! > y && x < ax! + ((y - ay!) / (by! - ay!)) * (bx! - ax!))
        isInside = !isInside;
    });
    return isInside;
  };

  test("are grey, not of the coarser pixel's colour", () => {
    // The best pixel itself would be too easy: one beside it.
    const centre = { ra: 100 / degrees, dec: 20 / degrees };
    const failed = pixelAt(512, centre.ra, centre.dec + 0.3 / degrees);
    const map = gaussian(100, 20, 0.4);
    const fine = map.nsides
      .get(512)!
      .map((p) => (p.pixel === failed ? { ...p, llh: Number.NaN } : p));
    const broken = { ...map, nsides: new Map([...map.nsides, [512, fine]]) };
    const [best] = [...fine].sort((a, b) => a.llh - b.llh);
    const [from, to] = [pixelVector(512, best!.pixel), pixelVector(512, failed)];
    const svg = plotSky(broken, { panel: "zoom", window: 2 });
    const [, x, y, size] =
      /<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="\3" fill="#d5d5d8"/
        .exec(svg)!
        .map(Number);
    // In so small a window the plane is flat: north is up, 2° are its width.
    const north = (Math.asin(to[2]) - Math.asin(from[2])) * degrees;
    const east =
      (Math.atan2(to[1], to[0]) - Math.atan2(from[1], from[0])) * degrees * Math.cos(centre.dec);
    const at = (scale: number) =>
      [x! + size! * (0.5 - (scale * east) / 2), y! + size! * (0.5 - (scale * north) / 2)] as const;
    expect(coloursAt(svg, ...at(1)).at(-1)).toBe("#d5d5d8");
    expect(coloursAt(svg, ...at(0)).at(-1)).not.toBe("#d5d5d8");
    expect(svg).toContain("no fit: 1 pixels");
  });
});

test("of a probability map no likelihood is claimed, and probability is what is coloured", () => {
  const map = { ...gaussian(100, 20, 0.4), isProbability: true };
  const svg = plotSky(map);
  expect(svg).not.toContain("−ln L =");
  expect(svg).toContain("probability density [1/deg²]");
  expect(svg).toContain("from a probability map");
});

test("the whole sky alone gives the rectangle's numbers without its line", () => {
  const svg = plotSky(gaussian(100, 20, 0.4), { panel: "sky" });
  expect(svg).toContain("90 % rectangle: RA");
  expect(svg).not.toContain("#00707a");
});

describe("what else is known", () => {
  const simulated = join(import.meta.dir, "../data/simulated_muon.json");

  test("a simulated alert's true direction and its online track are on its map, with their distance", async () => {
    const landmarks = landmarksOf(await loadEvent(simulated));
    const { truth, online } = landmarks;
    expect(truth).toBeDefined();
    expect(online!.name).toBe("l2_online_SplineMPE");
    const map = gaussian(truth!.ra * degrees, truth!.dec * degrees, 0.4);
    const svg = plotSky(map, { landmarks });
    expect(svg).toMatch(/true direction, 0\.0\d° away/);
    expect(svg).toMatch(/l2_online_SplineMPE, \d+\.\d\d° away/);
  });

  test("circles of the online error hold 50 and 90 % of a Gaussian", () => {
    const online = {
      ra: 1.7,
      dec: 0.35,
      name: "online",
      radius50: 0.3 / degrees,
      error: "bootstrap",
    };
    const svg = plotSky(gaussian(1.7 * degrees, 0.35 * degrees, 0.4), {
      landmarks: { online },
      panel: "zoom",
      window: 4,
    });
    const blue = [
      ...svg.matchAll(/<path d="([^"]*)"[^>]*stroke="#0a63d6"[^>]*stroke-width="1.3"/g),
    ];
    const radii = blue.map(([, d]) => {
      const xs = d!.match(/-?[\d.]+,/g)!.map((text) => Number(text.slice(0, -1)));
      return (Math.max(...xs) - Math.min(...xs)) / 2;
    });
    // P(r) = 1 − exp(−r²/2σ²): of 50 and 90 %.
    expect(radii).toHaveLength(2);
    expect(radii[1]! / radii[0]!).toBeCloseTo(Math.sqrt(Math.log(10) / Math.log(2)), 2);
    // 385 px are 4°.
    expect(radii[0]!).toBeCloseTo((0.3 / 4) * 385, 0);
  });

  test("the rectangle is where the 90 % contour ends", () => {
    const svg = plotSky(gaussian(100, 20, 0.4), { panel: "zoom", window: 4 });
    const extent = (pattern: RegExp) => {
      const d = pattern.exec(svg)![1]!;
      const ys = [...d.matchAll(/,(-?[\d.]+)/g)].map(([, y]) => Number(y));
      return [Math.min(...ys), Math.max(...ys)];
    };
    const box = extent(/<path d="([^"]*)"[^>]*stroke="#00707a"/);
    const contour = extent(
      /<path d="([^"]*)"[^>]*stroke="#000" stroke-width="1.8" stroke-dasharray="7 4"/,
    );
    // Parallels are bent by a few hundredths of a degree: 385 px are 4°.
    expect(Math.abs(box[0]! - contour[0]!)).toBeLessThan(3);
    expect(Math.abs(box[1]! - contour[1]!)).toBeLessThan(3);
  });

  test("around a pole the 90 % line is closed", () => {
    const svg = plotSky(gaussian(40, 89.7, 0.4), { panel: "zoom" });
    const [, d] =
      /<path d="([^"]*)"[^>]*stroke="#000" stroke-width="1.8" stroke-dasharray="7 4"/.exec(svg)!;
    const points = d!.match(/-?[\d.]+,-?[\d.]+/g)!;
    expect(d!.match(/M/g)).toHaveLength(1);
    expect(d!.endsWith("Z") || points[0] === points.at(-1)).toBe(true);
    expect(svg).toContain("90 % rectangle: every RA");
  });
});

describe("sources", () => {
  const sources = [
    { name: "inside", ra: 0.2 / degrees, dec: 5 / degrees },
    { name: "outside", ra: 1.5 / degrees, dec: 5.5 / degrees },
    { name: "across", ra: 359.9 / degrees, dec: 4.6 / degrees },
    { name: "far away", ra: 90 / degrees, dec: 5 / degrees },
  ];
  const crowd = Array.from({ length: 60 }, (_, i) => ({
    name: `crowd ${i}`,
    ra: (0.4 + 0.002 * i) / degrees,
    dec: 5.3 / degrees,
  }));

  test("have a marker, and their name where there is room: those inside in bold", () => {
    const overlay = [{ name: "4FGL-DR4", sources }];
    const svg = plotSky(gaussian(0, 5, 0.4), { catalogues: overlay, window: 4 });
    expect(svg).toContain("4FGL-DR4: 2 inside 90 %");
    expect(svg).toMatch(/font-weight="bold"[^>]*>inside</);
    expect(svg).toMatch(/font-weight="bold"[^>]*>across</);
    expect(svg).toMatch(/>outside</);
    expect(svg).not.toMatch(/font-weight="bold"[^>]*>outside</);
    expect(svg).not.toContain("far away");
  });

  test("of a crowd those names that have room are written", () => {
    const overlay = [{ name: "crowd", sources: crowd }];
    const svg = plotSky(gaussian(0, 5, 0.4), { catalogues: overlay, window: 4 });
    const names = boxes(svg).filter(({ content }) => content.startsWith("crowd "));
    expect(names.length).toBeGreaterThan(2);
    expect(names.length).toBeLessThan(60);
    expect(names.some((a, i) => names.slice(i + 1).some((b) => touch(a, b)))).toBe(false);
  });
});

describe("files", () => {
  const out = testFolder();
  const pdftotext = Bun.which("pdftotext");
  const svg = plotSky(gaussian(0, 5, 0.4), { widthMm: 180, name: "IceCube-220624A" });

  test("SVG has its width in mm, and is XML that a strict reader takes", () => {
    expect(svg).toMatch(/^<svg [^>]*width="180mm" height="[\d.]+mm"/);
    const file = join(out, "map.svg");
    writeFileSync(file, svg);
    const reader = Bun.which("python3");
    if (reader === null) return console.warn("skipped, needs python3: XML");
    const program = "import sys, xml.dom.minidom as m; m.parse(sys.argv[1])";
    expect(Bun.spawnSync([reader, "-c", program, file]).exitCode).toBe(0);
  });

  test("PNG of a width in mm has 400 dots per inch", async () => {
    const png = Buffer.from(await toPng(svg));
    expect(png.readUInt32BE(16)).toBe(Math.round((180 / 25.4) * 400));
  });

  test("PDF is of that width, its text is text, and it is the same each time", async () => {
    const [first, second] = [join(out, "a.pdf"), join(out, "b.pdf")];
    await writePicture(first, svg);
    await writePicture(second, svg);
    const bytes = readFileSync(first);
    expect(bytes.subarray(0, 5).toString("latin1")).toBe("%PDF-");
    expect(bytes.equals(readFileSync(second))).toBe(true);
    expect(bytes.length).toBeLessThan(400_000);
    const [, width] = /MediaBox \[0 0 ([\d.]+) /.exec(bytes.toString("latin1"))!;
    expect(Number(width)).toBeCloseTo((180 / 25.4) * 72, 1);
    if (pdftotext === null) return console.warn("skipped, needs pdftotext: text of the PDF");
    const text = Bun.spawnSync([pdftotext, "-layout", first, "-"]).stdout.toString();
    expect(text).toContain("IceCube-220624A");
    expect(text).toMatch(/−2 Δ ln L = 4\.61/);
  });
});
