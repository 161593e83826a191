import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { traceContours } from "../../src/result/contours.ts";
import { readResult } from "../../src/result/files.ts";
import { finestPixels } from "../../src/result/finest.ts";
import { mirroredPixel, northFirst } from "../../src/result/orientation.ts";
import { bestFit, resultFromScan, type SkyScanResult } from "../../src/result/result.ts";
import type { PixelResult } from "../../src/scan/task.ts";
import {
  angleBetween,
  discStrict,
  npix,
  pixelCentre,
  pixelVector,
  type Vector,
  vectorOf,
} from "../../src/sky/healpix.ts";
import { shared } from "../shared.ts";
import { event, pixel } from "./examples.ts";

const degrees = 180 / Math.PI;

/** A map of llh = (θ/σ)²/2 around a centre: nside 8 everywhere, 256 within 6σ. */
function gaussian(centre: Vector, sigma: number, keep = (_: Vector) => true): SkyScanResult {
  const pixels = (nside: number, numbers: Iterable<number>): PixelResult[] =>
    [...numbers]
      .filter((index) => keep(pixelVector(nside, index)))
      .map((index) =>
        pixel(nside, index, {
          llh: 100 + (angleBetween(pixelVector(nside, index), centre) / sigma) ** 2 / 2,
        }),
      );
  return resultFromScan(
    new Map([
      [8, pixels(8, Array(npix(8)).keys())],
      [256, pixels(256, discStrict(256, centre, 6 * sigma))],
    ]),
    event,
    true,
  );
}

describe("contours", () => {
  test.each([
    ["at the equator", 1, 0],
    ["across RA 0", 0, 0.7],
    ["at the north pole", 2, Math.PI / 2],
    ["at the south pole", 3, -1.56],
  ])("of a Gaussian %s are its circles", (_, ra, dec) => {
    const centre = vectorOf({ ra, dec });
    const sigma = 1.2 / degrees;
    const contours = traceContours(gaussian(centre, sigma));
    expect(contours.map(({ percent }) => percent)).toEqual([50, 90, 99.73]);
    for (const { level, area, radius, lines, isOpen } of contours) {
      expect(isOpen).toBe(false);
      expect(lines).toHaveLength(1);
      expect(lines[0]!.isClosed).toBe(true);
      // The lowest pixel is not the centre: its 2·Δllh there is up to (0.11°/σ)²; linear interpolation between
      // pixels 0.23° apart puts the rest within 2 %.
      const circle = 2 * Math.PI * (1 - Math.cos(sigma * Math.sqrt(level)));
      expect(Math.abs(area / circle - 1)).toBeLessThan(0.02);
      expect(radius).toBeCloseTo(Math.sqrt(area / Math.PI), 12);
      for (const point of lines[0]!.points) {
        const distance = angleBetween(vectorOf(point), centre);
        expect(Math.abs(distance / (sigma * Math.sqrt(level)) - 1)).toBeLessThan(0.03);
      }
    }
  });

  test("that reach the edge of a partial map are open, and their area what lies inside", () => {
    const centre = vectorOf({ ra: 1, dec: 0 });
    const sigma = 1.2 / degrees;
    const half = gaussian(centre, sigma, (v) => v[2] >= 0);
    const whole = gaussian(centre, sigma);
    const [a, b] = [traceContours(half)[1]!, traceContours(whole)[1]!];
    expect(a.isOpen).toBe(true);
    expect(a.lines.some((line) => !line.isClosed)).toBe(true);
    expect(Math.abs(a.area / (b.area / 2) - 1)).toBeLessThan(0.05);
  });

  test("bridge failed pixels", () => {
    const centre = vectorOf({ ra: 1, dec: 0.4 });
    const whole = gaussian(centre, 0.02);
    let count = 0;
    const holes = new Map(
      [...whole.nsides].map(([nside, pixels]) => [
        nside,
        pixels.map((p) => (p.llh > 100.2 && count++ % 7 === 0 ? { ...p, llh: Number.NaN } : p)),
      ]),
    );
    const [a, b] = [traceContours({ ...whole, nsides: holes })[1]!, traceContours(whole)[1]!];
    expect(a.lines).toHaveLength(1);
    expect(Math.abs(a.area / b.area - 1)).toBeLessThan(0.02);
  });

  test("enclose a best pixel that finer ones around it replace", () => {
    const centre = vectorOf({ ra: 1, dec: 0.4 });
    const whole = gaussian(centre, 0.02);
    // A valley narrower than the finer pixels, which the centre of a coarse one happened to hit.
    const [coarse] = discStrict(8, centre, 0.08);
    const map = new Map(whole.nsides).set(8, [
      ...whole.nsides.get(8)!.filter(({ pixel }) => pixel !== coarse),
      pixel(8, coarse!, { llh: 90 }),
    ]);
    const { area, lines } = traceContours({ ...whole, nsides: map })[0]!;
    expect(lines).toHaveLength(1);
    expect(area).toBeGreaterThan(0);
    expect(area).toBeLessThan((4 * Math.PI) / npix(256));
  });

  test("need three pixels with a fit", () => {
    const map = (pixels: PixelResult[]) => resultFromScan(new Map([[8, pixels]]), event, true);
    expect(traceContours(map([]))).toEqual([]);
    expect(traceContours(map([pixel(8, 1), pixel(8, 2)]))).toEqual([]);
    expect(traceContours(map([1, 2, 3].map((i) => pixel(8, i, { llh: Number.NaN }))))).toEqual([]);
  });
});

test("finest pixels: refined ones go, failed fine ones leave their parent", () => {
  const fine = [0, 1, 2, 3].map((i) => pixel(2, i));
  const failed = [4, 5, 12, 13].map((i) => pixel(2, i, { llh: Number.NaN }));
  const coarse = Array.from({ length: 12 }, (_, i) => pixel(1, i));
  const result = resultFromScan(
    new Map([
      [1, coarse],
      [2, [...fine, ...failed]],
    ]),
    event,
    true,
  );
  expect(finestPixels(result).map((p) => [p.nside, p.pixel])).toEqual([
    ...[0, 1, 2, 3].map((i) => [2, i]),
    ...[4, 5, 6, 7, 8, 9, 10, 11].map((i) => [1, i]),
  ]);
});

test("a mirrored pixel has the same RA and the opposite Dec", () => {
  const anyPixel = fc
    .integer({ min: 0, max: 12 })
    .map((order) => 2 ** order)
    .chain((nside) => fc.tuple(fc.constant(nside), fc.integer({ min: 0, max: npix(nside) - 1 })));
  fc.assert(
    fc.property(anyPixel, ([nside, index]) => {
      const [a, b] = [pixelCentre(nside, index), pixelCentre(nside, mirroredPixel(nside, index))];
      expect(b.ra).toBeCloseTo(a.ra, 9);
      expect(b.dec).toBeCloseTo(-a.dec, 9);
    }),
  );
});

describe("published maps", () => {
  // Best fits as published in the alerts' circulars; the sub-contours skyreader finds at 90 % in run 136662 have
  // 74 points, each repeating its first, the smaller one 7.
  test.each([
    ["run00136662-evt000035405932-BRONZE-8_64_512.npz", 47.2, -3.28, [7, 67]],
    ["run00136766-evt000007637140-GOLD-8_64_512.npz", 224.12, 41.31, undefined],
  ])("%s", async (name, ra, dec, points) => {
    const result = northFirst(await readResult(shared("events", name)));
    const best = bestFit(result)!;
    const centre = pixelCentre(best.nside, best.pixel);
    expect(centre.ra * degrees).toBeCloseTo(ra, 1);
    expect(centre.dec * degrees).toBeCloseTo(dec, 1);
    const contours = traceContours(result);
    expect(contours.every(({ isOpen }) => !isOpen)).toBe(true);
    if (points)
      expect(
        contours[1]!.lines.map((line) => line.points.length + 1).sort((a, b) => a - b),
      ).toEqual(points);
  });
});
