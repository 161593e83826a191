/** The ellipse that stands for a localisation where only three numbers are asked for. */

import { angleBetween, type Direction, vectorOf } from "../sky/healpix.ts";
import { cellArea, cellVector, type DensityCell, hpdRegions } from "./cells.ts";

export interface Ellipse {
  /** Semi-axes, rad: a ≥ b. */
  readonly a: number;
  readonly b: number;
  /** Position angle of the longer one, east of north, rad, in [0, π). */
  readonly positionAngle: number;
}

/** Share of the probability whose shape the ellipse has. */
const SHARE = 0.9;

/**
 * The ellipse with the second moments of the probability in the tangent plane at a direction, within the 90 %
 * credible region, scaled to an area (sr). Each cell also has the moments of its own extent, so that a region of one
 * cell has a shape. Undefined without cells, or an area.
 */
export function ellipseOf(
  cells: readonly DensityCell[],
  centre: Direction,
  area: number,
): Ellipse | undefined {
  const [region] = hpdRegions(cells, [SHARE]);
  let [weight, ee, nn, en] = [0, 0, 0, 0];
  for (const cell of region!.cells) {
    const size = cellArea(cell);
    const [east, north] = inTangentPlane(cell, centre);
    const part = cell.density * size;
    weight += part;
    // A square of that area has a variance of a twelfth of it along each axis.
    ee += part * (east * east + size / 12);
    nn += part * (north * north + size / 12);
    en += part * east * north;
  }
  if (!(weight > 0 && area > 0)) return undefined;
  const mean = (ee + nn) / 2;
  const spread = Math.hypot((ee - nn) / 2, en);
  const ratio = Math.sqrt((mean + spread) / Math.max(mean - spread, Number.MIN_VALUE));
  const angle = Math.atan2(en, (nn - ee) / 2) / 2;
  return {
    a: Math.sqrt((area / Math.PI) * ratio),
    b: Math.sqrt(area / Math.PI / ratio),
    positionAngle: angle < 0 ? angle + Math.PI : angle,
  };
}

/** East and north of a centre, rad, at its true distance: an offset, as astronomers give it, works near poles too. */
function inTangentPlane(cell: DensityCell, { ra, dec }: Direction): [number, number] {
  const vector = cellVector(cell);
  const [x, y, z] = vector;
  const east = -Math.sin(ra) * x + Math.cos(ra) * y;
  const north = -Math.sin(dec) * (Math.cos(ra) * x + Math.sin(ra) * y) + Math.cos(dec) * z;
  const length = Math.hypot(east, north);
  if (length === 0) return [0, 0];
  const stretch = angleBetween(vector, vectorOf({ ra, dec })) / length;
  return [east * stretch, north * stretch];
}
