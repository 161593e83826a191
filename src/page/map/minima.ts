/** The local minima of a map as far as it is: pixels below all that lie around them. */
import { neighbours, pixelCentre } from "../../sky/healpix.ts";
import { FAILED, type Hit } from "./cells.ts";
import type { SkyMap } from "./sky_map.ts";

/** The finest pixels with a fit, coarse ones first. */
export function fittedPixels(map: SkyMap): Hit[] {
  const found: Hit[] = [];
  map.cells.forEach((nside, pixel, value) => {
    if (value === FAILED) return;
    // What finer pixels refine is not what is shown there.
    const shown = map.at(pixelCentre(nside, pixel));
    if (shown?.nside === nside && shown.pixel === pixel) found.push({ nside, pixel, value });
  });
  return found;
}

/** Lowest first. A failed neighbour is no wall: there is a minimum beside it only if all others are higher. */
export function localMinima(map: SkyMap): Hit[] {
  const isMinimum = ({ nside, pixel, value }: Hit) =>
    neighbours(nside, pixel).every((other) => {
      const beside = map.at(pixelCentre(nside, other));
      return beside !== undefined && !(beside.value < value);
    });
  return fittedPixels(map)
    .filter(isMinimum)
    .sort((a, b) => a.value - b.value || a.nside - b.nside || a.pixel - b.pixel);
}
