import { describe, expect, test } from "bun:test";
import { randomIntegers } from "../../src/config/random.ts";
import { withBestDirection } from "../../src/result/best_direction.ts";
import { coarsenessOf } from "../../src/result/coarseness.ts";
import { reachOf, traceContours } from "../../src/result/contours.ts";
import { wilksLevels } from "../../src/result/levels.ts";
import { refinementOf } from "../../src/result/refinement.ts";
import { resultFromScan, type SkyScanResult } from "../../src/result/result.ts";
import { type Further, Scan } from "../../src/scan/scan.ts";
import type { PixelResult, ReleasedTask } from "../../src/scan/task.ts";
import {
  angleBetween,
  discStrict,
  pixelVector,
  type Vector,
  vectorOf,
} from "../../src/sky/healpix.ts";
import { parseProgression } from "../../src/sky/progression.ts";
import { tangentPlane } from "../../src/sky/tangent_plane.ts";
import { event, pixel } from "./examples.ts";

const degree = Math.PI / 180;
const centre = vectorOf({ ra: 3.912, dec: 0.7208 });
const plane = tangentPlane(centre);

/** llh of a direction, given east and north of the centre, degrees. */
type Shape = (x: number, y: number) => number;
const fieldOf =
  (shape: Shape) =>
  (v: Vector): number => {
    const angle = angleBetween(v, centre);
    const [x, y] = plane.toPlane(v) ?? [1, 0];
    const along = Math.hypot(x, y) || 1;
    const llh = shape(((x / along) * angle) / degree, ((y / along) * angle) / degree);
    // Far away likelihoods rise no further: the scan refines cliffs wherever they are.
    return 3000 * Math.log1p(llh / 3000);
  };

/** A paraboloid with an area of π·radius² inside of its 90 % contour; axes as 1 to `ratio`. */
const bowl = (radius: number, ratio = 1, x0 = 0, y0 = 0): Shape => {
  const sigma = radius / Math.sqrt(4.61);
  return (x, y) => {
    const [u, v] = [0.8 * (x - x0) + 0.6 * (y - y0), 0.8 * (y - y0) - 0.6 * (x - x0)];
    return (u * u * ratio + (v * v) / ratio) / sigma ** 2 / 2;
  };
};

const further: Further = (pixels) => refinementOf(mapOf(pixels), wilksLevels);
const mapOf = (pixels: ReadonlyMap<number, readonly PixelResult[]>): SkyScanResult =>
  withBestDirection(resultFromScan(pixels, event, true));

const settings = { progression: parseProgression("8:0 64:12 512:24"), variations: 1, seed: 1 };

/** Scans a shape. @param pick which of so many waiting tasks is done next */
function scanOf(shape: Shape, more: { further?: Further } = {}, pick = (_: number) => 0) {
  const field = fieldOf(shape);
  const scan = new Scan({ ...settings, ...more });
  const results: PixelResult[] = [];
  const waiting: ReleasedTask[] = scan.start();
  while (waiting.length > 0) {
    const [task] = waiting.splice(pick(waiting.length), 1) as [ReleasedTask];
    const llh = 1000 + field(pixelVector(task.nside, task.pixel));
    const result = { ...pixel(task.nside, task.pixel, { llh }), posvar: 0 };
    results.push(result);
    waiting.push(...scan.add(result));
  }
  expect(scan.isComplete).toBe(true);
  return { scan, results, map: mapOf(scan.pixels()) };
}

/** Areas inside the 50 and 90 % contours, sq deg. */
const areasOf = (map: SkyScanResult): number[] =>
  traceContours(map, wilksLevels)
    .slice(0, 2)
    .map(({ area }) => area / degree ** 2);

/** The same map with pixels four times smaller, everywhere in and around its contour. */
function fourTimesFiner(map: SkyScanResult, shape: Shape): SkyScanResult {
  const field = fieldOf(shape);
  const nside = 4 * Math.max(...map.nsides.keys());
  const ninety = traceContours(map, wilksLevels)[1]!;
  const reach = 1.3 * reachOf(ninety, { ra: 3.912, dec: 0.7208 });
  const finer = discStrict(nside, centre, reach).map((index) =>
    pixel(nside, index, { llh: 1000 + field(pixelVector(nside, index)) }),
  );
  return mapOf(new Map([...map.nsides, [nside, finer]]));
}

const shapes: readonly (readonly [string, Shape])[] = [
  ["a circle of 0.05°", bowl(0.05)],
  ["a circle of 0.2°", bowl(0.2)],
  ["an ellipse of 0.1°, 3 to 1", bowl(0.1, 3)],
  ["an ellipse of 0.3°, 4 to 1", bowl(0.3, 4)],
  // 10° long: it leaves what the last stage covers.
  ["an ellipse of 1.8°, 8 to 1", bowl(1.8, 8)],
  ["a banana", (x, y) => bowl(0.2, 2)(x, y - 0.7 * x * x)],
  ["a round foot and straight walls", (x, y) => 4 * (Math.hypot(1, x / 0.06, y / 0.1) - 1)],
  // The second lies beyond what the last stage covers; it belongs to the 90 % contour alone.
  ["two valleys, 4° apart", (x, y) => Math.min(bowl(0.6)(x, y), 1 + bowl(1, 1, 4)(x, y))],
];

/** By which share areas differ from those of a map four times finer, at most. */
function errorOf(map: SkyScanResult, finer: SkyScanResult): number {
  const [found, true_] = [areasOf(map), areasOf(finer)];
  return Math.max(...found.map((area, i) => Math.abs(area / true_[i]! - 1)));
}

describe("a scan refined to its contour", () => {
  test.each(shapes)("%s: areas are within 5 %% of a map four times finer", (_, shape) => {
    const { map } = scanOf(shape, { further });
    const finer = fourTimesFiner(map, shape);
    expect(coarsenessOf(map, wilksLevels)).toBeUndefined();
    expect(errorOf(map, finer)).toBeLessThan(0.05);
    // As it stands without.
    expect(errorOf(scanOf(shape).map, finer)).toBeGreaterThan(0.1);
  });

  test("takes what the contour needs, and no more", () => {
    const { scan } = scanOf(bowl(0.2), { further });
    expect(scan.nsides).toEqual([8, 64, 512, 1024, 2048]);
    const pixels = scan.pixels().get(2048)!;
    // A radius of seven pixels, with one ring of the coarser ones around it.
    expect(pixels.length).toBeGreaterThan(Math.PI * 7 ** 2);
    expect(pixels.length).toBeLessThan(Math.PI * 11 ** 2);
    expect(scanOf(bowl(0.8), { further }).scan.nsides).toEqual([8, 64, 512]);
  });

  test("is the same map whatever the order of its results, and goes on from any of them", () => {
    const shape = bowl(0.1, 3);
    const { scan, results } = scanOf(shape, { further });
    const next = randomIntegers(7);
    const other = scanOf(shape, { further }, (count) => next() % count);
    expect(other.map).toEqual(mapOf(scan.pixels()));
    expect(other.results).not.toEqual(results);

    const again = new Scan({ ...settings, further });
    again.start();
    for (const result of results) again.add({ ...result, posvar: 0 });
    expect(again.isComplete).toBe(true);
    expect(again.progress()).toEqual(scan.progress());
    expect(again.pixels()).toEqual(scan.pixels());
  });

  test("ends where no pixel is fine enough", () => {
    const { scan } = scanOf(bowl(1e-4), { further });
    expect(scan.nsides.at(-1)).toBe(16384);
    expect(scan.progress().pixelsDone).toBeLessThan(8000);
  });

  test("ends where every fit of the contour fails", () => {
    const steep = bowl(0.1);
    const holes: Shape = (x, y) => (Math.hypot(x, y) < 0.2 ? Number.NaN : steep(x, y));
    expect(scanOf(holes, { further }).scan.isComplete).toBe(true);
    expect(scanOf(() => Number.NaN, { further }).scan.nsides).toEqual([8, 64, 512]);
  });
});
