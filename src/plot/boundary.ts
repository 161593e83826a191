import type { Polygon } from "geojson";
import { pixcoord2vec_nest, ring2nest } from "healpix-ts";

const degrees = 180 / Math.PI;

/**
 * The true outline of a pixel (RING) as a GeoJSON polygon, degrees; clockwise, as d3-geo wants it.
 * @param steps points per edge: edges are no great circles
 */
export function pixelBoundary(nside: number, pixel: number, steps: number): Polygon {
  const nested = nside === 1 ? pixel : ring2nest(nside, pixel);
  const ring: [number, number][] = [];
  const add = (northEast: number, northWest: number) => {
    const [x, y, z] = pixcoord2vec_nest(nside, nested, northEast, northWest);
    ring.push([Math.atan2(y, x) * degrees, Math.atan2(z, Math.hypot(x, y)) * degrees]);
  };
  for (let i = 0; i < steps; i++) add(0, i / steps);
  for (let i = 0; i < steps; i++) add(i / steps, 1);
  for (let i = 0; i < steps; i++) add(1, 1 - i / steps);
  for (let i = 0; i < steps; i++) add(1 - i / steps, 0);
  ring.push([...ring[0]!]);
  return { type: "Polygon", coordinates: [ring] };
}

/** Points per edge that keep a pixel's outline true to a tenth of its size and to fractions of a degree. */
export const stepsFor = (nside: number): number => Math.max(1, Math.ceil(32 / nside));
