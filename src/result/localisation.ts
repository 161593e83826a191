/** What a map says of where its event came from: everything that is published is worded from this. */

import { InputError } from "../config/errors.ts";
import type { EventMetadata } from "../event/event.ts";
import { type BestDirection, bestDirection } from "./best_direction.ts";
import { cellsOf, type DensityCell, densitiesOf, isResolved } from "./cells.ts";
import { type Contour, traceContours } from "./contours.ts";
import { type Ellipse, ellipseOf } from "./ellipse.ts";
import { hpdLevels, type Levels, levelsOf } from "./levels.ts";
import { northFirst } from "./orientation.ts";
import { perMap } from "./per_map.ts";
import { type Rectangle, rectangleOf } from "./rectangle.ts";
import { bestFit, eventOf, type SkyScanResult } from "./result.ts";

/** A contour with the rectangle around it. */
export interface Region extends Contour, Rectangle {}

/** The best direction and the pixel it lies in or beside; llh is the direction's. */
export interface BestFit extends BestDirection {
  readonly nside: number;
  /** RING. */
  readonly pixel: number;
}

export interface Localisation {
  /** Counted from the north. */
  readonly result: SkyScanResult;
  readonly event?: EventMetadata;
  readonly best: BestFit;
  readonly levels: Levels;
  /** By those levels, ascending. */
  readonly contours: readonly Region[];
  /** The credible regions of 50 and 90 %. */
  readonly hpd: readonly Region[];
  /** Of the 90 % contour; absent where there is none. */
  readonly ellipse?: Ellipse;
  /** The probability map. */
  readonly cells: readonly DensityCell[];
  /** Its pixels resolve its peak. */
  readonly isResolved: boolean;
  /** Pixels, and those of them without a fit. */
  readonly pixels: number;
  readonly failed: number;
}

/**
 * @param levels default: those of the algorithm that made the map
 * @throws InputError where no pixel has a fit
 */
export const localise = (map: SkyScanResult, levels?: Levels): Localisation =>
  levels === undefined ? localiseByOwn(map) : localiseBy(map, levels);

const localiseByOwn = perMap((map) => localiseBy(map, levelsOf(map)));

function localiseBy(map: SkyScanResult, levels: Levels): Localisation {
  const result = northFirst(map);
  const [lowest, direction] = [bestFit(result), bestDirection(result)];
  if (lowest === undefined || direction === undefined)
    throw new InputError("no pixel of the map has a fit: there is nothing to publish");
  const best = { nside: lowest.nside, pixel: lowest.pixel, ...direction };
  const cells = densitiesOf(cellsOf(result));
  const regions = (by: Levels): Region[] =>
    traceContours(result, by).map((contour) => ({
      ...contour,
      ...rectangleOf(contour, best, result),
    }));
  const contours = regions(levels);
  const ninety = contours.find(({ percent }) => percent === 90);
  const ellipse = ninety && ellipseOf(cells, best, ninety.area);
  const event = eventOf(result);
  const pixels = [...result.nsides.values()].flat();
  return {
    ...{ result, best, levels, contours, hpd: regions(hpdLevels), cells },
    ...(event && { event }),
    ...(ellipse && { ellipse }),
    isResolved: isResolved(cells),
    pixels: pixels.length,
    failed: pixels.filter(({ llh }) => Number.isNaN(llh)).length,
  };
}

/** The region of that many percent. */
export const regionOf = (regions: readonly Region[], percent: number): Region | undefined =>
  regions.find((region) => region.percent === percent);
