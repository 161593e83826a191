/** The errors in RA and Dec around the best fit that circulars quote: the rectangle around a contour. */

import { type Direction, type Vector, vectorOf } from "../sky/healpix.ts";
import { cross, dot } from "../sky/tangent_plane.ts";
import type { BestDirection } from "./best_direction.ts";
import type { Contour } from "./contours.ts";
import { isEnclosed, turnsAround, wrapped } from "./enclosed.ts";
import type { SkyScanResult } from "./result.ts";

/** All rad and, but where the best fit lies outside of its own contour, positive; RA in radians of RA, not of arc. */
export interface Rectangle {
  readonly raPlus: number;
  readonly raMinus: number;
  readonly decPlus: number;
  readonly decMinus: number;
  /** The region holds a pole: every RA lies in it. */
  readonly containsPole: boolean;
}

/**
 * The rectangle around all pieces of a contour. Around a pole it is every RA, and ends there in Dec.
 * @param result counted from the north
 */
export function rectangleOf(
  contour: Contour,
  best: BestDirection,
  result: SkyScanResult,
): Rectangle {
  let [raPlus, raMinus, decPlus, decMinus] = [0, 0, 0, 0];
  for (const { points, isClosed } of contour.lines)
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
  const [north, south] = [northPole, southPole].map((pole) =>
    isEnclosed(pole, contour, best, result),
  );
  const isAllAround =
    north || south || contour.lines.some((line) => turnsAround(line, northPole) !== 0);
  return {
    raPlus: isAllAround ? Math.PI : raPlus,
    raMinus: isAllAround ? Math.PI : raMinus,
    decPlus: north ? Math.PI / 2 - best.dec : decPlus,
    decMinus: south ? best.dec + Math.PI / 2 : decMinus,
    containsPole: (north || south) ?? false,
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
