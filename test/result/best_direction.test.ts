import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { fitParaboloid } from "../../src/geometry/paraboloid.ts";
import { bestDirection, pixelWidth, withBestDirection } from "../../src/result/best_direction.ts";
import { traceContours } from "../../src/result/contours.ts";
import { readResult } from "../../src/result/files.ts";
import { wilksLevels } from "../../src/result/levels.ts";
import { readNpz, writeNpz } from "../../src/result/npz.ts";
import { resultFromScan, type SkyScanResult } from "../../src/result/result.ts";
import {
  angleBetween,
  discStrict,
  pixelVector,
  type Vector,
  vectorOf,
} from "../../src/sky/healpix.ts";
import { tangentPlane } from "../../src/sky/tangent_plane.ts";
import { shared } from "../shared.ts";
import { event, pixel } from "./examples.ts";

/** llh = (u/a)²/2 + (v/b)²/2 along two axes turned by `turn`, about a centre, scanned at one nside around it. */
function ellipse(
  centre: Vector,
  nside: number,
  { a, b, turn = 0.5 }: { a: number; b: number; turn?: number },
): SkyScanResult {
  const plane = tangentPlane(centre);
  const pixels = discStrict(nside, centre, 5 * Math.max(a, b)).map((index) => {
    const [x, y] = plane.toPlane(pixelVector(nside, index))!;
    const u = x * Math.cos(turn) + y * Math.sin(turn);
    const v = y * Math.cos(turn) - x * Math.sin(turn);
    return pixel(nside, index, { llh: 1000 + (u / a) ** 2 / 2 + (v / b) ** 2 / 2 });
  });
  return resultFromScan(new Map([[nside, pixels]]), event, true);
}

const anywhere = fc
  .record({
    ra: fc.double({ min: 0, max: 6.28, noNaN: true }),
    z: fc.double({ min: -1, max: 1, noNaN: true }),
  })
  .map(({ ra, z }) => vectorOf({ ra, dec: Math.asin(z) }));

describe("the best direction", () => {
  test("of a paraboloid is its minimum, wherever it lies between the pixels", () => {
    const nside = 512;
    const shape = { a: 1.5 * pixelWidth(nside), b: pixelWidth(nside) };
    fc.assert(
      fc.property(anywhere, (centre) => {
        const found = bestDirection(withBestDirection(ellipse(centre, nside, shape)))!;
        expect(found.isSubPixel).toBe(true);
        expect(angleBetween(vectorOf(found), centre)).toBeLessThan(1e-3 * pixelWidth(nside));
        expect(found.llh).toBeCloseTo(1000, 3);
      }),
      { numRuns: 50 },
    );
  });

  // The finer map has pixels four times smaller; the coarser ones are a quarter of the contour's radius.
  test.each([1, 1.4])("areas are within 5 %% of a map four times finer, axes 1 to %d", (ratio) => {
    const nside = 256;
    const b = (4 * pixelWidth(nside)) / Math.sqrt(4.61 * ratio);
    fc.assert(
      fc.property(anywhere, (centre) => {
        const shape = { a: ratio * b, b };
        const [coarse, fine] = [nside, 4 * nside].map((n) =>
          traceContours(withBestDirection(ellipse(centre, n, shape)), wilksLevels).map(
            ({ area }) => area,
          ),
        );
        for (const i of [0, 1, 2]) expect(Math.abs(coarse![i]! / fine![i]! - 1)).toBeLessThan(0.05);
      }),
      { numRuns: 15 },
    );
  });

  test("is carried by the file", () => {
    const map = withBestDirection(
      ellipse(vectorOf({ ra: 1, dec: 0.3 }), 128, { a: 0.01, b: 0.02 }),
    );
    const read = readNpz(writeNpz(map), "map.npz");
    expect(bestDirection(read)).toEqual(bestDirection(map)!);
  });

  test("is the best pixel's centre where the surface is too rough, or no neighbour has a fit", () => {
    const smooth = ellipse(vectorOf({ ra: 1, dec: 0.3 }), 128, { a: 0.1, b: 0.2 });
    const pixels = smooth.nsides.get(128)!;
    const rough = pixels.map((one, i) => ({ ...one, llh: 1000 + ((i * 7919) % 101) }));
    const lonely = pixels.map((one, i) => (i === 40 ? one : { ...one, llh: Number.NaN }));
    for (const map of [rough, lonely]) {
      const result = { ...smooth, nsides: new Map([[128, map]]) };
      expect(withBestDirection(result)).toBe(result);
      expect(bestDirection(result)!.isSubPixel).toBe(false);
    }
  });

  test("in a file whose pixels have changed since is not believed", () => {
    const map = withBestDirection(
      ellipse(vectorOf({ ra: 1, dec: 0.3 }), 128, { a: 0.01, b: 0.02 }),
    );
    const other = ellipse(vectorOf({ ra: 1.1, dec: 0.3 }), 128, { a: 0.01, b: 0.02 });
    expect(bestDirection({ ...map, nsides: other.nsides })!.isSubPixel).toBe(false);
  });

  test("of other programs' files is their best pixel: they draw contours from there", async () => {
    const file = shared("events", "run00136766-evt000007637140-GOLD-8_64_512.npz");
    expect(bestDirection(await readResult(file))!.isSubPixel).toBe(false);
  });
});

describe("a paraboloid", () => {
  const at = (x: number, y: number) => ({
    x,
    y,
    value: 7 + 2 * (x - 0.3) ** 2 + (x - 0.3) * (y + 0.2) + 3 * (y + 0.2) ** 2,
  });
  const grid = [-1, 0, 1].flatMap((x) => [-1, 0, 1].map((y) => at(x, y)));

  test("goes through the samples of one", () => {
    const found = fitParaboloid(grid)!;
    expect(found.x).toBeCloseTo(0.3, 12);
    expect(found.y).toBeCloseTo(-0.2, 12);
    expect(found.least).toBeCloseTo(7, 12);
    expect(found.rms).toBeLessThan(1e-12);
    for (const [i, value] of [4, 1, 6].entries())
      expect(found.curvature[i]!).toBeCloseTo(value, 11);
  });

  test.each([
    ["too few samples", grid.slice(0, 5)],
    ["samples on a line", [1, 2, 3, 4, 5, 6, 7].map((x) => at(x, 2 * x))],
    ["a saddle", grid.map(({ x, y }) => ({ x, y, value: x * x - y * y }))],
    ["a hill", grid.map(({ x, y, value }) => ({ x, y, value: -value }))],
    ["a plane", grid.map(({ x, y }) => ({ x, y, value: x + y }))],
    ["no numbers", grid.map(({ x, y }) => ({ x, y, value: Number.NaN }))],
  ])("has no minimum in %s", (_, samples) => {
    expect(fitParaboloid(samples)).toBeUndefined();
  });
});
