/** What a map says of one direction: a source, or where a simulated event truly came from. */

import { angleBetween, type Direction, nestedOf, pixelAt, vectorOf } from "../sky/healpix.ts";
import { cellArea, type DensityCell, uniqOf } from "./cells.ts";
import type { Localisation } from "./localisation.ts";
import { pixelWithFitAt } from "./result.ts";

export interface LookUp {
  readonly nside: number;
  /** RING. */
  readonly pixel: number;
  /** −ln L of the finest pixel with a fit there; null where none has. */
  readonly llh: number | null;
  /** Against the best direction. */
  readonly twice_delta_llh: number | null;
  /** Probability per sr. */
  readonly density: number;
  /** Probability of all cells that are denser, and of this one: the smallest credible region that holds it. */
  readonly searched_probability: number;
  /** Their solid angle, sq deg. */
  readonly searched_area_sqdeg: number;
  /** From the best direction. */
  readonly distance_deg: number;
}

const degrees = 180 / Math.PI;

export function lookUp({ result, best, cells }: Localisation, at: Direction): LookUp {
  const cell = cellAt(cells, at);
  const fit = pixelWithFitAt(result, at);
  const denser = cells.filter(
    (other) =>
      other.density > cell.density ||
      (other.density === cell.density && uniqOf(other) <= uniqOf(cell)),
  );
  const nside = 2 ** cell.order;
  return {
    nside: fit?.nside ?? nside,
    pixel: fit?.pixel ?? pixelAt(nside, at.ra, at.dec),
    llh: fit?.llh ?? null,
    twice_delta_llh: fit ? 2 * (fit.llh - best.llh) : null,
    density: cell.density,
    searched_probability: denser
      .map((other) => other.density * cellArea(other))
      .sort((a, b) => a - b)
      .reduce((sum, part) => sum + part, 0),
    searched_area_sqdeg: denser.reduce((sum, other) => sum + cellArea(other), 0) * degrees ** 2,
    distance_deg: angleBetween(vectorOf(at), vectorOf(best)) * degrees,
  };
}

function cellAt(cells: readonly DensityCell[], { ra, dec }: Direction): DensityCell {
  const orders = new Set(cells.map(({ order }) => order));
  const wanted = new Map(
    [...orders].map((order) => [order, nestedOf(2 ** order, pixelAt(2 ** order, ra, dec))]),
  );
  return cells.find(({ order, pixel }) => wanted.get(order) === pixel)!;
}
