import { describe, expect, test } from "bun:test";
import { pixelWidth, withBestDirection } from "../../src/result/best_direction.ts";
import { coarsenessOf } from "../../src/result/coarseness.ts";
import { wilksLevels } from "../../src/result/levels.ts";
import { resultFromScan } from "../../src/result/result.ts";
import { discStrict, pixelVector, vectorOf } from "../../src/sky/healpix.ts";
import { parseProgression } from "../../src/sky/progression.ts";
import { tangentPlane } from "../../src/sky/tangent_plane.ts";
import { event, pixel } from "./examples.ts";

/** A round Gaussian map of one nside whose 90 % contour has this radius, in pixel widths. */
function map(nside: number, radius: number) {
  const centre = vectorOf({ ra: 1, dec: 0.3 });
  const sigma = (radius * pixelWidth(nside)) / Math.sqrt(4.61);
  const plane = tangentPlane(centre);
  const pixels = discStrict(nside, centre, 12 * pixelWidth(nside)).map((index) => {
    const [x, y] = plane.toPlane(pixelVector(nside, index))!;
    return pixel(nside, index, { llh: 100 + (x * x + y * y) / sigma ** 2 / 2 });
  });
  return withBestDirection(resultFromScan(new Map([[nside, pixels]]), event, true));
}

describe("a map is too coarse", () => {
  test.each([
    [6, undefined],
    [4.4, undefined],
    [3, 1024],
    [1.2, 2048],
  ])("for a contour of a radius of %d pixels: %p", (radius, nside) => {
    const found = coarsenessOf(map(512, radius), wilksLevels);
    if (nside === undefined) {
      expect(found).toBeUndefined();
      return;
    }
    const [, stage] = parseProgression(`512:0 ${found!.stage}`);
    expect(stage!.nside).toBe(nside);
    // What is refined covers the contour, and its pixels are fine enough.
    const covered = Math.sqrt((stage!.extension * pixelWidth(512) ** 2) / Math.PI);
    expect(covered).toBeGreaterThan(found!.radius);
    expect(pixelWidth(nside)).toBeLessThanOrEqual(found!.radius / 4);
  });

  test("never, where there is no contour", () => {
    const one = resultFromScan(new Map([[1, [pixel(1, 0)]]]), event, true);
    expect(coarsenessOf(one)).toBeUndefined();
  });
});
