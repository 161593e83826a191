/** Whether a map's pixels are small enough for its 90 % contour, and which would be. */

import { MAX_NSIDE, pixelArea } from "../sky/healpix.ts";
import { pixelWidth } from "./best_direction.ts";
import { type Contour, traceContours } from "./contours.ts";
import type { Levels } from "./levels.ts";
import { northFirst } from "./orientation.ts";
import type { SkyScanResult } from "./result.ts";

export interface Coarseness {
  /** Circularised, of the 90 % contour, rad. */
  readonly radius: number;
  /** Side of the finest pixels, rad. */
  readonly pixel: number;
  /** The next stage that would do, as --nsides takes it: "2048:30". */
  readonly stage: string;
}

/** Areas are within 5 % of a finer map's where the radius is at least so many pixels. */
export const PIXELS_IN_RADIUS = 4;
/** What is refined reaches so far beyond the contour, in its radii. */
const MARGIN = 1.5;

/** @returns undefined for a map that is fine enough, or has no closed 90 % contour */
export function coarsenessOf(result: SkyScanResult, levels?: Levels): Coarseness | undefined {
  const contours: Contour[] = traceContours(northFirst(result), levels);
  const ninety = contours.find(({ percent }) => percent === 90);
  if (ninety === undefined || ninety.isOpen || ninety.area === 0) return undefined;
  const finest = Math.max(...result.nsides.keys());
  const pixel = pixelWidth(finest);
  const { radius } = ninety;
  if (pixel <= radius / PIXELS_IN_RADIUS) return undefined;
  const wanted = finest * 2 ** Math.ceil(Math.log2((PIXELS_IN_RADIUS * pixel) / radius));
  const nside = Math.min(MAX_NSIDE, wanted);
  const reach = Math.max(MARGIN * radius, 2 * pixel);
  const extension = Math.ceil((Math.PI * reach * reach) / pixelArea(finest));
  return { radius, pixel, stage: `${nside}:${extension}` };
}
