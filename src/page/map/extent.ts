/** How far a contour reaches from the best fit in right ascension and declination, as circulars state it. */
import type { Contour } from "../../result/contours.ts";
import { type Direction, vectorOf } from "../../sky/healpix.ts";

/** rad, none negative; RA not multiplied by cos δ. */
export interface Extent {
  readonly raPlus: number;
  readonly raMinus: number;
  readonly decPlus: number;
  readonly decMinus: number;
  /** The region goes around a pole: RA says nothing. */
  readonly hasPole: boolean;
}

export function extentOf({ lines }: Contour, best: Direction): Extent | undefined {
  const points = lines.flatMap(({ points }) => points);
  if (points.length === 0) return undefined;
  const ras = points.map(({ ra }) => turned(ra - best.ra));
  const decs = points.map(({ dec }) => dec - best.dec);
  return {
    raPlus: Math.max(0, ...ras),
    raMinus: Math.max(0, ...ras.map((ra) => -ra)),
    decPlus: Math.max(0, ...decs),
    decMinus: Math.max(0, ...decs.map((dec) => -dec)),
    hasPole: lines.some(({ points, isClosed }) => isClosed && Math.abs(windings(points)) === 1),
  };
}

/** −π to π. */
const turned = (angle: number): number => angle - 2 * Math.PI * Math.round(angle / (2 * Math.PI));

/** How often a closed line goes around the axis. */
function windings(points: readonly Direction[]): number {
  let turn = 0;
  points.forEach(({ ra }, i) => {
    turn += turned(points[(i + 1) % points.length]!.ra - ra);
  });
  return Math.round(turn / (2 * Math.PI));
}

/** Angle between two directions, rad. */
export function separation(a: Direction, b: Direction): number {
  const [u, v] = [vectorOf(a), vectorOf(b)];
  const half = Math.hypot(u[0] - v[0], u[1] - v[1], u[2] - v[2]) / 2;
  return 2 * Math.asin(Math.min(1, half));
}

/** Half the field, in reaches of the outermost contour. */
const MARGIN = 1.2;
/** Cells of the best fit's nside across the view, at least. */
const CELLS = 9;
/** Beyond it a local view is all edge. */
const WIDEST = 100 * (Math.PI / 180);

/** The view's field that shows all contours around the best fit, rad. */
export function fieldFor(
  contours: readonly Contour[],
  best: Direction & { readonly nside?: number },
): number {
  const degree = Math.PI / 180;
  let reach = 0;
  for (const { lines } of contours)
    for (const { points } of lines)
      for (const point of points) reach = Math.max(reach, separation(best, point));
  // Of a coarse map alone, single cells would fill the window.
  const cell = Math.sqrt(Math.PI / 3) / (best.nside ?? Number.POSITIVE_INFINITY);
  return Math.max(
    Math.min(WIDEST, CELLS * cell),
    2 * Math.min(15 * degree, Math.max(1.2 * degree, MARGIN * reach)),
  );
}
