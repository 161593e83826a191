/** What two maps of one event say of each other. */
import { npix, pixelCentre } from "../../sky/healpix.ts";
import { FAILED } from "./cells.ts";
import { separation } from "./extent.ts";
import { fittedPixels } from "./minima.ts";
import type { SkyMap } from "./sky_map.ts";

/** A map, and the 2Δllh of its 90 % contour. */
export interface Judged {
  readonly map: SkyMap;
  readonly level: number;
}

export interface Agreement {
  /** Between the two best fits, rad. */
  readonly apart: number;
  /** 2Δllh of the one's best fit in the other's map; undefined where that has no fit there. */
  readonly firstInSecond: number | undefined;
  readonly secondInFirst: number | undefined;
  /** Shares of the one's 90 % area that lie in the other's; undefined where it has no area. */
  readonly firstWithin: number | undefined;
  readonly secondWithin: number | undefined;
}

/** undefined as long as either has no fit. */
export function agreementOf(first: Judged, second: Judged): Agreement | undefined {
  const [a, b] = [first.map.best, second.map.best];
  if (a === undefined || b === undefined) return undefined;
  const [atA, atB] = [pixelCentre(a.nside, a.pixel), pixelCentre(b.nside, b.pixel)];
  return {
    apart: separation(atA, atB),
    firstInSecond: deltaAt(second.map, atA),
    secondInFirst: deltaAt(first.map, atB),
    firstWithin: shareWithin(first, second),
    secondWithin: shareWithin(second, first),
  };
}

function deltaAt(map: SkyMap, direction: { ra: number; dec: number }): number | undefined {
  const hit = map.at(direction);
  return hit === undefined || hit.value === FAILED ? undefined : map.delta(hit.value);
}

/** Of a map's pixels below its level, by area: those whose middle is below the other's. */
function shareWithin({ map, level }: Judged, other: Judged): number | undefined {
  let area = 0;
  let within = 0;
  for (const { nside, pixel, value } of fittedPixels(map)) {
    if (map.delta(value) > level) continue;
    area += 1 / npix(nside);
    const there = deltaAt(other.map, pixelCentre(nside, pixel));
    if (there !== undefined && there <= other.level) within += 1 / npix(nside);
  }
  return area === 0 ? undefined : within / area;
}
