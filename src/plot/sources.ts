/** Sources of catalogues on the map: a marker each, and a name where there is room for it. */

import type { GeoProjection } from "d3-geo";
import { degreesPerRadian } from "../geometry/constants.ts";
import type { Direction } from "../sky/healpix.ts";
import { type Box, boxOf, drawLabel, type Label, touches } from "./labels.ts";
import { type MarkerShape, marker } from "./markers.ts";

export interface SourceOverlay {
  /** Of the catalogue. */
  readonly name: string;
  readonly sources: readonly OverlaidSource[];
}

/** A direction in rad, and whether it lies within the 90 % contour. */
export interface OverlaidSource extends Direction {
  readonly name: string;
  readonly isInside: boolean;
}

/** The shapes of catalogues' markers, in the order in which these are given. */
const shapes: readonly MarkerShape[] = ["circle", "triangle", "square"];
export const shapeOf = (index: number): MarkerShape => shapes[index % shapes.length]!;

const NAME_SIZE = 9.5;
const RADIUS = 4.5;
/** Where a name may stand beside its marker: right, left, above, below, then between. */
const places = [
  [1, 0],
  [-1, 0],
  [0, -1],
  [0, 1],
  [1, -1],
  [1, 1],
  [-1, -1],
  [-1, 1],
] as const;

/**
 * The markers in a frame with their names. The names of sources inside go first; one without room is left out.
 * @param taken where no name may stand
 */
export function drawSources(
  overlays: readonly SourceOverlay[],
  projection: GeoProjection,
  frame: Box,
  taken: readonly Box[] = [],
): string {
  const shown = overlays
    .flatMap(({ sources }, i) => sources.map((source) => ({ source, shape: shapeOf(i) })))
    .flatMap(({ source, shape }) => {
      const at = projection([source.ra * degreesPerRadian, source.dec * degreesPerRadian]);
      const isIn = at && isWithin({ x: at[0], y: at[1], width: 0, height: 0 }, frame);
      return isIn ? [{ source, shape, x: at[0], y: at[1] }] : [];
    })
    .sort((a, b) => Number(b.source.isInside) - Number(a.source.isInside));
  const boxes: Box[] = [
    ...taken,
    ...shown.map(({ x, y }) => ({
      x: x - RADIUS,
      y: y - RADIUS,
      width: 2 * RADIUS,
      height: 2 * RADIUS,
    })),
  ];
  const names = shown.flatMap(({ source, x, y }) => {
    const free = places
      .map(([right, down]) => nameAt(source, x, y, right, down))
      .find((label) => {
        const box = boxOf(label);
        return isWithin(box, frame) && !boxes.some((other) => touches(box, other));
      });
    if (free) boxes.push(boxOf(free));
    return free ? [drawLabel(free)] : [];
  });
  return [...shown.map(({ shape, x, y }) => marker(shape, x, y, RADIUS)), ...names].join("");
}

const nameAt = (
  source: OverlaidSource,
  x: number,
  y: number,
  right: number,
  down: number,
): Label => ({
  x: x + right * (RADIUS + 4) * (down === 0 ? 1 : 0.7),
  y: y + NAME_SIZE * 0.36 + down * (RADIUS + 7),
  content: source.name,
  anchor: right > 0 ? "start" : right < 0 ? "end" : "middle",
  size: NAME_SIZE,
  isBold: source.isInside,
  isOnMap: true,
});

const isWithin = (box: Box, frame: Box): boolean =>
  box.x >= frame.x &&
  box.y >= frame.y &&
  box.x + box.width <= frame.x + frame.width &&
  box.y + box.height <= frame.y + frame.height;
