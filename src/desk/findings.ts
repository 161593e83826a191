// What a finished map says: the areas inside of its contours, and the direction that is published.
import { degreesPerRadian } from "../geometry/constants.ts";
import { type BestDirection, bestDirection } from "../result/best_direction.ts";
import { type Contour, traceContours } from "../result/contours.ts";
import type { Levels } from "../result/levels.ts";
import { northFirst } from "../result/orientation.ts";
import { rectangleOf } from "../result/rectangle.ts";
import type { SkyScanResult } from "../result/result.ts";
import type { ScanFacts } from "./archive.ts";
import type { Place } from "./messages.ts";

/** @param levels default: the map's own */
export function findingsOf(
  map: SkyScanResult,
  levels?: Levels,
): Pick<ScanFacts, "areas" | "place"> {
  const result = northFirst(map);
  const contours = traceContours(result, levels);
  const best = bestDirection(result);
  const ninety = contours.find(({ percent }) => percent === 90);
  return {
    areas: contours.map(({ percent, level, area, radius, isOpen, resolvedArea }) => ({
      ...{ percent, level, is_open: isOpen },
      area_sqdeg: area * degreesPerRadian ** 2,
      radius_deg: radius * degreesPerRadian,
      resolved_sqdeg: resolvedArea * degreesPerRadian ** 2,
    })),
    ...(best && {
      place: { ra: best.ra, dec: best.dec, errors: errorsOf(ninety, best, result) },
    }),
  };
}

/** As circulars do, none where the map does not resolve its contour. */
function errorsOf(
  ninety: Contour | undefined,
  best: BestDirection,
  result: SkyScanResult,
): Place["errors"] {
  if (ninety === undefined || (ninety.area < ninety.resolvedArea && !ninety.isOpen)) return null;
  const { raPlus, raMinus, decPlus, decMinus, containsPole } = rectangleOf(ninety, best, result);
  return {
    ...{ ra_plus: raPlus, ra_minus: raMinus, dec_plus: decPlus, dec_minus: decMinus },
    contains_pole: containsPole,
  };
}
