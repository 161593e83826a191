import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { pix2vec_ring } from "healpix-ts";
import {
  angleBetween,
  childrenOf,
  discStrict,
  isNside,
  neighbours,
  npix,
  parentOf,
  pixelArea,
  pixelAt,
  pixelCentre,
  pixelVector,
  vectorOf,
} from "../../src/sky/healpix.ts";

interface Case {
  nside: number;
  area: number;
  pixels: number[];
  ra: number[];
  dec: number[];
  vectors: number[][];
  neighbours: number[][];
  directions: [number, number][];
  at: number[];
  parents: number[];
  discs: { centre: [number, number, number]; radius: number; inside: number[] }[];
}

/** healpy (Debian's python3-healpy) is the truth where it is installed. */
function askHealpy(): Case[] | undefined {
  try {
    const run = Bun.spawnSync(["/usr/bin/python3", `${import.meta.dir}/healpix_truth.py`]);
    if (run.exitCode === 0) return JSON.parse(run.stdout.toString());
  } catch {}
  console.warn("skipped, needs /usr/bin/python3 with healpy: HEALPix against healpy");
  return undefined;
}

const cases = askHealpy();

(cases ? describe : describe.skip)("HEALPix against healpy", () => {
  for (const known of cases ?? [])
    describe(`nside ${known.nside}`, () => {
      const { nside, pixels } = known;

      test("area", () => expect(pixelArea(nside)).toBeCloseTo(known.area, 15));

      test("centres and vectors", () => {
        for (const [i, pixel] of pixels.entries()) {
          const centre = pixelCentre(nside, pixel);
          // On the sky: next to a pole longitudes lose digits and meaning alike.
          expect(Math.abs(centre.ra - known.ra[i]!) * Math.cos(centre.dec)).toBeLessThan(1e-12);
          // acos() near a pole keeps about ten digits of the distance from it.
          expect(Math.abs(centre.dec - known.dec[i]!)).toBeLessThan(1e-11);
          expect(
            angleBetween(pixelVector(nside, pixel), known.vectors[i] as [number, number, number]),
          ).toBeLessThan(1e-11);
        }
      });

      test("the pixel of a direction, and of its own centre", () => {
        expect(known.directions.map(([ra, dec]) => pixelAt(nside, ra, dec))).toEqual(known.at);
        for (const [i, pixel] of pixels.entries())
          expect(pixelAt(nside, known.ra[i]!, known.dec[i]!)).toBe(pixel);
      });

      test("neighbours, in their order", () => {
        for (const [i, pixel] of pixels.entries())
          expect(neighbours(nside, pixel)).toEqual(known.neighbours[i]!.filter((n) => n >= 0));
      });

      test("parents", () => {
        const coarse = Math.max(1, nside / 4);
        expect(pixels.map((pixel) => parentOf(nside, pixel, coarse))).toEqual(known.parents);
      });

      test("discs", () => {
        for (const { centre, radius, inside } of known.discs)
          expect(discStrict(nside, centre, radius)).toEqual(inside);
      });
    });
});

describe("HEALPix", () => {
  const nsides = fc.integer({ min: 0, max: 9 }).map((order) => 2 ** order);
  const pixelOf = nsides.chain((nside) =>
    fc.tuple(fc.constant(nside), fc.integer({ min: 0, max: npix(nside) - 1 })),
  );

  test("a pixel contains its centre", () => {
    fc.assert(
      fc.property(pixelOf, ([nside, pixel]) => {
        const { ra, dec } = pixelCentre(nside, pixel);
        expect(pixelAt(nside, ra, dec)).toBe(pixel);
        expect(pixelAt(nside, ra - 4 * Math.PI, dec)).toBe(pixel);
        expect(angleBetween(vectorOf({ ra, dec }), pixelVector(nside, pixel))).toBeLessThan(1e-11);
      }),
    );
  });

  test("a pixel's vector is the library's, to the last bit", () => {
    fc.assert(
      fc.property(pixelOf, ([nside, pixel]) => {
        expect(pixelVector(nside, pixel)).toStrictEqual(pix2vec_ring(nside, pixel));
      }),
    );
  });

  test("neighbours know each other", () => {
    fc.assert(
      fc.property(pixelOf, ([nside, pixel]) => {
        const around = neighbours(nside, pixel);
        expect(new Set(around).size).toBe(around.length);
        for (const neighbour of around) expect(neighbours(nside, neighbour)).toContain(pixel);
      }),
    );
  });

  test("three pixels meet at 8 corners of the base faces: 24 pixels have 7 neighbours", () => {
    for (const nside of [2, 4, 8, 16]) {
      const counts = Array.from({ length: npix(nside) }, (_, p) => neighbours(nside, p).length);
      expect(counts.filter((count) => count === 7)).toHaveLength(24);
      expect(counts.filter((count) => count === 8)).toHaveLength(npix(nside) - 24);
    }
  });

  test("children are the pixels whose parent one is, and tile it", () => {
    for (const [nside, fine] of [
      [1, 8],
      [2, 4],
      [8, 8],
      [8, 64],
    ] as const) {
      const seen = new Set<number>();
      for (let pixel = 0; pixel < npix(nside); pixel++)
        for (const child of childrenOf(nside, pixel, fine)) {
          expect(parentOf(fine, child, nside)).toBe(pixel);
          seen.add(child);
        }
      expect(seen.size).toBe(npix(fine));
    }
  });

  test("a disc holds exactly the centres nearer than its radius", () => {
    const direction = fc.record({
      ra: fc.double({ min: 0, max: 6.28, noNaN: true }),
      dec: fc.double({ min: -Math.PI / 2, max: Math.PI / 2, noNaN: true }),
    });
    fc.assert(
      fc.property(
        fc.constantFrom(1, 2, 4, 8, 16),
        direction,
        fc.double({ min: 0, max: 3.2, noNaN: true }),
        (nside, centre, radius) => {
          const vector = vectorOf(centre);
          const wanted = Array.from({ length: npix(nside) }, (_, pixel) => pixel).filter(
            (pixel) => angleBetween(pixelVector(nside, pixel), vector) < radius,
          );
          expect(discStrict(nside, vector, radius)).toEqual(wanted);
        },
      ),
    );
  });

  test("which numbers are an nside", () => {
    for (const good of [1, 2, 8, 512, 32768]) expect(isNside(good)).toBe(true);
    for (const bad of [0, -1, 3, 12, 0.5, 65536, Number.NaN, Number.POSITIVE_INFINITY])
      expect(isNside(bad)).toBe(false);
  });
});
