/** Which parts of a growing map's contours are known, and which bridge ground that nobody has fitted yet. */
import type { Contour } from "../../result/contours.ts";
import { type Direction, vectorOf } from "../../sky/healpix.ts";
import type { Cells } from "./cells.ts";
import { faceOf } from "./faces.ts";

/** A contour as it is drawn: its lines, cut where what they pass over begins or ceases to be known. */
export interface KnownContour extends Contour {
  readonly known: readonly (readonly Direction[])[];
  readonly bridged: readonly (readonly Direction[])[];
}

/** Cuts a contour's lines. A pixel whose fits failed is known to have none, and makes no gap. */
export function knownContour(contour: Contour, cells: Cells): KnownContour {
  const known: Direction[][] = [];
  const bridged: Direction[][] = [];
  for (const { points, isClosed } of contour.lines) {
    const path = isClosed && points.length > 0 ? [...points, points[0]!] : points;
    let before: boolean | undefined;
    path.slice(1).forEach((to, i) => {
      const from = path[i]!;
      const isGap = isBridge(from, to, cells);
      const parts = isGap ? bridged : known;
      if (isGap === before) parts.at(-1)!.push(to);
      else parts.push([from, to]);
      before = isGap;
    });
  }
  return { ...contour, known, bridged };
}

/** Contours are straight between two pixels' centres: one whose middle is on unknown ground spans a gap. */
function isBridge(from: Direction, to: Direction, cells: Cells): boolean {
  const [a, b] = [vectorOf(from), vectorOf(to)];
  const place = new Float64Array(3);
  const length = Math.hypot(a[0] + b[0], a[1] + b[1], a[2] + b[2]);
  faceOf((a[0] + b[0]) / length, (a[1] + b[1]) / length, (a[2] + b[2]) / length, place, 0);
  return cells.isUnknown(place[0]!, place[1]!, place[2]!);
}
