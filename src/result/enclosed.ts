/** Whether a direction lies inside of a contour, anywhere on the sphere. */

import { type Direction, type Vector, vectorOf } from "../sky/healpix.ts";
import { dot, tangents } from "../sky/tangent_plane.ts";
import type { BestDirection } from "./best_direction.ts";
import type { Contour, ContourLine } from "./contours.ts";
import { pixelWithFitAt, type SkyScanResult } from "./result.ts";

const turn = 2 * Math.PI;
/** To (−π, π]. */
export const wrapped = (angle: number): number => angle - turn * Math.ceil(angle / turn - 0.5);

const antipode = ({ ra, dec }: Direction): Direction => ({ ra: ra + Math.PI, dec: -dec });

/** How often a closed line goes around a direction, anticlockwise as seen from outside; 0 for an open line. */
export function turnsAround({ isClosed, points }: ContourLine, centre: Direction): number {
  if (!isClosed) return 0;
  const [east, north] = tangents(vectorOf(centre));
  const bearing = (v: Vector) => Math.atan2(dot(v, north), dot(v, east));
  const bearings = points.map((point) => bearing(vectorOf(point)));
  const sum = bearings.reduce(
    (angle, from, i) => angle + wrapped(bearings[(i + 1) % bearings.length]! - from),
    0,
  );
  return Math.round(sum / turn);
}

/**
 * Whether a direction lies inside of a contour. Contours have their region on the right: around what is inside, and
 * whose antipode is not, they go clockwise. A region whose lines cancel holds both or neither, which only the map
 * can tell; as it must where the region is open.
 * @param result counted from the north
 */
export function isEnclosed(
  direction: Direction,
  { lines, level }: Contour,
  best: BestDirection,
  result: SkyScanResult,
): boolean {
  const net = lines.reduce((sum, line) => sum + turnsAround(line, direction), 0);
  const isClosed = lines.every((line) => line.isClosed);
  if (isClosed && net !== 0) return net < 0;
  const isBelow = (at: Direction): boolean => {
    const pixel = pixelWithFitAt(result, at);
    return pixel !== undefined && 2 * (pixel.llh - best.llh) < level;
  };
  return isBelow(direction) && (!isClosed || isBelow(antipode(direction)));
}
