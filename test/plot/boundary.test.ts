import { describe, expect, test } from "bun:test";
import { geoPath } from "d3-geo";
import { allSkyProjection } from "../../src/plot/all_sky.ts";
import { pixelBoundary, pixelPolygon, stepsFor } from "../../src/plot/boundary.ts";
import { zoomProjection } from "../../src/plot/zoom.ts";
import { npix, pixelArea, pixelAt, pixelCentre } from "../../src/sky/healpix.ts";
import { python, testWithNumpy } from "../result/python.ts";

const degrees = 180 / Math.PI;
/** Large, so that d3-geo's precision of a third of a pixel does not matter. */
const place = { x: 0, y: 0, width: 10_000 };

/** Pixels around both poles and along RA 180° and 0°, where outlines are cut. */
function awkwardPixels(nside: number): number[] {
  const ofMeridian = [0, Math.PI].flatMap((ra) =>
    [-1.5, -1, -0.7, -0.3, 0, 0.2, 0.7, 1.2, 1.55].map((dec) => pixelAt(nside, ra, dec)),
  );
  const caps = Array.from({ length: 12 }, (_, i) => [i, npix(nside) - 1 - i]).flat();
  return [...new Set([...caps, ...ofMeridian])];
}

describe("pixel outlines", () => {
  testWithNumpy("have healpy's corners and edges", () => {
    const cases = [1, 2, 8, 64, 512].flatMap((nside) =>
      awkwardPixels(nside).map((pixel) => [nside, pixel]),
    );
    const program = `
import sys, json
try:
    import healpy
except ImportError:
    print("null"); sys.exit()
print(json.dumps([healpy.boundaries(n, p, step=4).T.tolist() for n, p in json.loads(sys.argv[1])]))`;
    const expected = JSON.parse(python(program, JSON.stringify(cases))) as number[][][] | null;
    if (expected === null) return console.warn("skipped, needs healpy: outlines");
    cases.forEach(([nside, pixel], i) => {
      const ring = pixelBoundary(nside!, pixel!, 4).slice(0, -1);
      expect(ring).toHaveLength(16);
      for (const [x, y, z] of expected[i]! as [number, number, number][]) {
        const nearest = Math.min(
          ...ring.map(([ra, dec]) => {
            const [a, d] = [ra / degrees, dec / degrees];
            return Math.hypot(
              Math.cos(d) * Math.cos(a) - x,
              Math.cos(d) * Math.sin(a) - y,
              Math.sin(d) - z,
            );
          }),
        );
        // Outlines keep 1e-4 of a pixel's size inside of it.
        expect(nearest).toBeLessThan(4e-4 / nside!);
      }
    });
  });

  // Mollweide's and Lambert's projections keep areas: every pixel of an nside covers the same area, and one whose
  // inside is mistaken for its outside would cover the whole sky.
  const sky = (Math.PI * place.width ** 2) / 8;
  test.each([1, 2, 4, 8, 16])("cover equal areas of the whole sky at nside %p", (nside) => {
    const path = geoPath(allSkyProjection(place));
    for (let pixel = 0; pixel < npix(nside); pixel++) {
      const share =
        (path.area(pixelPolygon(nside, pixel, stepsFor(nside, pixel))) / sky) * npix(nside);
      expect(Math.abs(share - 1)).toBeLessThan(0.05);
    }
  });
  test.each([32, 64, 128, 512, 1024])("keep inside and outside apart at nside %p", (nside) => {
    const path = geoPath(allSkyProjection(place));
    for (const pixel of awkwardPixels(nside))
      expect(path.area(pixelPolygon(nside, pixel, stepsFor(nside, pixel)))).toBeLessThan(
        (10 * sky) / npix(nside),
      );
  });
  test.each([1, 4, 8, 64, 512])("cover equal areas of the zoom at nside %p", (nside) => {
    for (const pixel of awkwardPixels(nside)) {
      const centre = pixelCentre(nside, pixel);
      const halfWidth = Math.min(90, 100 / nside);
      const path = geoPath(zoomProjection(centre, halfWidth, place));
      const scale = place.width / 2 / (2 * Math.sin(halfWidth / degrees / 2));
      const share =
        path.area(pixelPolygon(nside, pixel, stepsFor(nside, pixel))) /
        (pixelArea(nside) * scale ** 2);
      expect(Math.abs(share - 1)).toBeLessThan(0.03);
    }
  });
});
