/** A map's likelihood between its pixels: what its contours are drawn on. */

import Delaunator from "delaunator";
import type { PixelResult } from "../scan/task.ts";
import { pixelVector, type Vector, vectorOf } from "../sky/healpix.ts";
import { dot, tangents } from "../sky/tangent_plane.ts";
import { type BestDirection, bestDirection } from "./best_direction.ts";
import { finestPixels } from "./finest.ts";
import { perMap } from "./per_map.ts";

/** Linear on every triangle of the mesh. Points, vectors, values and pixels are numbered alike. */
export interface Surface {
  readonly best: BestDirection;
  readonly mesh: Delaunator;
  readonly vectors: readonly Vector[];
  /** Heights of 2·Δllh. */
  readonly values: readonly number[];
  /** Absent for a minimum that is none of these pixels. */
  readonly pixels: readonly (PixelResult | undefined)[];
  /** The height at which 2·Δllh is drawn. */
  readonly height: (value: number) => number;
}

/**
 * The Delaunay triangulation of the scanned pixels' centres on the sphere, the finest available everywhere, and of the
 * minimum where that is none of them; failed pixels are bridged.
 * @returns undefined for a map of fewer than three pixels
 */
export const surfaceOf = perMap((result): Surface | undefined => {
  const best = bestDirection(result);
  if (best === undefined) return undefined;
  const toPlane = stereographic(vectorOf(best));
  const vectors: Vector[] = [];
  const values: number[] = [];
  const pixels: (PixelResult | undefined)[] = [];
  const coordinates: number[] = [];
  // Around a known minimum the root of 2·Δllh is nearly linear, 2·Δllh itself is not: contours no wider than a few
  // pixels would come out too small. Maps without it are drawn as the programs that made them draw them.
  const height = best.isSubPixel ? (value: number) => Math.sqrt(Math.max(0, value)) : identity;
  const add = (vector: Vector, llh: number, pixel?: PixelResult) => {
    const point = toPlane(vector);
    if (point === undefined) return;
    vectors.push(vector);
    values.push(height(2 * (llh - best.llh)));
    pixels.push(pixel);
    coordinates.push(...point);
  };
  for (const pixel of finestPixels(result))
    add(pixelVector(pixel.nside, pixel.pixel), pixel.llh, pixel);
  // A minimum narrower than pixels may lie at the centre of one that finer ones around it replace: without it nothing
  // of the map would be below any level.
  if (best.isSubPixel || !values.includes(0)) add(vectorOf(best), best.llh);
  if (vectors.length < 3) return undefined;
  const mesh = new Delaunator(coordinates);
  return mesh.triangles.length === 0 ? undefined : { best, mesh, vectors, values, pixels, height };
});

const identity = (value: number): number => value;

/**
 * Stereographic projection around a centre. It maps circles to circles: a Delaunay triangulation in its plane is one
 * on the sphere. Undefined at the antipode.
 */
function stereographic(centre: Vector): (v: Vector) => [number, number] | undefined {
  const [east, north] = tangents(centre);
  return (v) => {
    const depth = 1 + dot(v, centre);
    return depth < 1e-12 ? undefined : [dot(v, east) / depth, dot(v, north) / depth];
  };
}
