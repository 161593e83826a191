import type { Polygon } from "geojson";
import { pixcoord2vec_nest, ring2nest } from "healpix-ts";
import { degreesPerRadian } from "../geometry/constants.ts";
import { npix } from "../sky/healpix.ts";

/**
 * Outlines stay this share of the pixel's size inside of it: a corner exactly on a pole or on the antimeridian would
 * leave d3-geo in doubt which side is the inside.
 */
const INSET = 1e-4;

/**
 * The true outline of a pixel (RING) as a closed ring of [RA, Dec], degrees; clockwise, as d3-geo wants it.
 * @param steps points per edge: edges are no great circles
 */
export function pixelBoundary(nside: number, pixel: number, steps: number): [number, number][] {
  const nested = nside === 1 ? pixel : ring2nest(nside, pixel);
  const ring: [number, number][] = [];
  const add = (northEast: number, northWest: number) => {
    const [x, y, z] = pixcoord2vec_nest(
      nside,
      nested,
      INSET + (1 - 2 * INSET) * northEast,
      INSET + (1 - 2 * INSET) * northWest,
    );
    ring.push([
      Math.atan2(y, x) * degreesPerRadian,
      Math.atan2(z, Math.hypot(x, y)) * degreesPerRadian,
    ]);
  };
  for (let i = 0; i < steps; i++) add(0, i / steps);
  for (let i = 0; i < steps; i++) add(i / steps, 1);
  for (let i = 0; i < steps; i++) add(1, 1 - i / steps);
  for (let i = 0; i < steps; i++) add(1 - i / steps, 0);
  ring.push([...ring[0]!]);
  return ring;
}

/** As a GeoJSON polygon. */
export const pixelPolygon = (nside: number, pixel: number, steps: number): Polygon => ({
  type: "Polygon",
  coordinates: [pixelBoundary(nside, pixel, steps)],
});

/** Around the poles edges stay curved at any nside: pixels of the first rings, and points per edge there. */
const POLAR_PIXELS = 144;
const POLAR_STEPS = 4;

/** Points per edge that keep outlines true to a fraction of a degree and of the pixel's size. */
export function stepsFor(nside: number, pixel: number): number {
  const isPolar = pixel < POLAR_PIXELS || pixel >= npix(nside) - POLAR_PIXELS;
  return Math.max(isPolar ? POLAR_STEPS : 1, Math.ceil(32 / nside));
}
