/** The errors in RA and Dec around the best fit that circulars quote: the rectangle around a contour. */

import { type Direction, type Vector, vectorOf } from "../sky/healpix.ts";
import { cross, dot } from "../sky/tangent_plane.ts";
import type { BestDirection } from "./best_direction.ts";
import type { Contour, ContourLine } from "./contours.ts";
import { pixelWithFitAt, type SkyScanResult } from "./result.ts";

/** All rad and, but where the best fit lies outside of its own contour, positive; RA in radians of RA, not of arc. */
export interface Rectangle {
  readonly raPlus: number;
  readonly raMinus: number;
  readonly decPlus: number;
  readonly decMinus: number;
  /** The region holds a pole: every RA lies in it. */
  readonly containsPole: boolean;
}

const turn = 2 * Math.PI;
/** To (−π, π]. */
const wrapped = (angle: number): number => angle - turn * Math.ceil(angle / turn - 0.5);

/**
 * The rectangle around all pieces of a contour. Around a pole it is every RA, and ends there in Dec.
 * @param result counted from the north
 */
export function rectangleOf(
  { lines, level }: Contour,
  best: BestDirection,
  result: SkyScanResult,
): Rectangle {
  let [raPlus, raMinus, decPlus, decMinus] = [0, 0, 0, 0];
  for (const { points, isClosed } of lines)
    for (const [i, point] of points.entries()) {
      const east = wrapped(point.ra - best.ra);
      raPlus = Math.max(raPlus, east);
      raMinus = Math.max(raMinus, -east);
      const next = points[i + 1] ?? (isClosed ? points[0]! : point);
      for (const dec of declinations(point, next)) {
        decPlus = Math.max(decPlus, dec - best.dec);
        decMinus = Math.max(decMinus, best.dec - dec);
      }
    }
  const { north, south, isAllAround } = polesInside(
    lines,
    (pole) =>
      2 * ((pixelWithFitAt(result, pole)?.llh ?? Number.POSITIVE_INFINITY) - best.llh) < level,
  );
  return {
    raPlus: isAllAround ? Math.PI : raPlus,
    raMinus: isAllAround ? Math.PI : raMinus,
    decPlus: north ? Math.PI / 2 - best.dec : decPlus,
    decMinus: south ? best.dec + Math.PI / 2 : decMinus,
    containsPole: north || south,
  };
}

/** The declination at which a stretch of a contour, part of a great circle, begins, and its extreme on the way. */
function declinations(from: Direction, to: Direction): number[] {
  const [a, b] = [vectorOf(from), vectorOf(to)];
  const normal = cross(a, b);
  const length = Math.hypot(...normal);
  if (length < 1e-12) return [from.dec];
  // The points of the circle nearest to the poles lie across its normal's projection; on the stretch itself where
  // they are beyond `from` and before `to`.
  const ahead = cross(normal, a);
  const behind = cross(b, normal);
  const extremes: number[] = [from.dec];
  for (const sign of [1, -1]) {
    const height = (normal[0] ** 2 + normal[1] ** 2) / length ** 2;
    const nearest: Vector = [
      (-sign * normal[2] * normal[0]) / length ** 2,
      (-sign * normal[2] * normal[1]) / length ** 2,
      sign * height,
    ];
    if (dot(nearest, ahead) > 0 && dot(nearest, behind) > 0)
      extremes.push(sign * Math.acos(Math.min(1, Math.abs(normal[2]) / length)));
  }
  return extremes;
}

const northPole: Direction = { ra: 0, dec: Math.PI / 2 };
const southPole: Direction = { ra: 0, dec: -Math.PI / 2 };

/**
 * Which poles a region holds. Its contours go around it clockwise, the region on their right: around the north
 * pole westward, around the south pole eastward. A region whose lines go as often east as west around the sky holds
 * both poles or none, which only the map can tell; as it must where the region is not closed.
 */
function polesInside(lines: readonly ContourLine[], isInside: (pole: Direction) => boolean) {
  const turns = lines.map(turnsEastward);
  const net = turns.reduce((sum, n) => sum + n, 0);
  const isAllAround = turns.some((n) => n !== 0);
  if (net < 0) return { north: true, south: false, isAllAround };
  if (net > 0) return { north: false, south: true, isAllAround };
  const [north, south] = [isInside(northPole), isInside(southPole)];
  const both = north && south;
  if (lines.every(({ isClosed }) => isClosed))
    return { north: both, south: both, isAllAround: isAllAround || both };
  return { north, south, isAllAround: isAllAround || north || south };
}

/** How often a closed line goes around the sky, eastward positive. */
function turnsEastward({ isClosed, points }: ContourLine): number {
  if (!isClosed) return 0;
  let sum = 0;
  for (const [i, { ra }] of points.entries())
    sum += wrapped(points[(i + 1) % points.length]!.ra - ra);
  return Math.round(sum / turn);
}
