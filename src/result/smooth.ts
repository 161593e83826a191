/** Widening a probability map by a Gaussian, for errors that the likelihood does not know. */

import { InputError } from "../config/errors.ts";
import { degreesPerRadian } from "../geometry/constants.ts";
import { angleBetween, pixelArea, type Vector } from "../sky/healpix.ts";
import { cellArea, cellVector, type DensityCell, hpdRegions, normalised } from "./cells.ts";

/** The probability that is spread; the rest stays where it is. */
const SPREAD_SHARE = 1 - 1e-6;
/** Cells are no wider than so many σ where the density bends. */
const WIDEST = 0.5;
/** Where the Gaussian ends, in σ: beyond lie 3e-6 of it. */
const REACH = 5;
/** Pairs of cells, about ten seconds of them. */
const MOST_PAIRS = 5e8;
/** A cell made takes as long as so many pairs, and memory. */
const CELL_COST = 500;
/** The kernel is that of the plane: at 10° it is 0.5 % off. */
const LARGEST_SIGMA = 10 / degreesPerRadian;

const widthOf = (order: number): number => Math.sqrt(pixelArea(2 ** order));

/**
 * The map convolved with a Gaussian on the sphere. Cells are split where they are too wide to follow it.
 * @param sigma rad, up to 10°
 * @throws InputError for a σ so small that the map would need too many cells
 */
export function smoothed(cells: readonly DensityCell[], sigma: number): DensityCell[] {
  if (!(sigma > 0 && sigma <= LARGEST_SIGMA))
    throw new InputError("--smooth: expected degrees above 0, up to 10");
  const [core] = hpdRegions(cells, [SPREAD_SHARE]);
  const isTooWide = ({ order }: { order: number }) => widthOf(order) > WIDEST * sigma;
  let budget = MOST_PAIRS;
  const spend = (pairs: number) => {
    budget -= pairs;
    if (budget < 0)
      throw new InputError(
        `--smooth ${sigma * degreesPerRadian}: too narrow for a map as wide as this one`,
      );
  };
  const sources = core!.cells.flatMap((cell) => split(cell, isTooWide, spend)).map(placed);
  const targets = cells.flatMap((cell) =>
    split(
      cell,
      (part) => {
        if (!isTooWide(part)) return false;
        spend(sources.length);
        // Pixels reach no farther than their width from their centre.
        const reach = REACH * sigma + widthOf(part.order);
        const centre = cellVector(part);
        return sources.some(({ vector }) => angleBetween(vector, centre) < reach);
      },
      spend,
    ),
  );
  const kernel = (angle: number) =>
    Math.exp(-0.5 * (angle / sigma) ** 2) / (2 * Math.PI * sigma ** 2);
  const spread = targets.map(placed).map(({ cell, vector }) => {
    spend(sources.length);
    let density = 0;
    let isReached = false;
    for (const source of sources) {
      const angle = angleBetween(source.vector, vector);
      if (angle > REACH * sigma) continue;
      isReached = true;
      density += source.probability * kernel(angle);
    }
    return isReached ? { ...cell, density } : cell;
  });
  return normalised(spread).sort((a, b) => a.order - b.order || a.pixel - b.pixel);
}

/** A cell's parts of the same density, split as long as a test asks for it. */
function split(
  cell: DensityCell,
  isToSplit: (part: DensityCell) => boolean,
  spend: (cells: number) => void,
): DensityCell[] {
  spend(CELL_COST);
  if (!isToSplit(cell)) return [cell];
  const { order, pixel, density } = cell;
  return [0, 1, 2, 3].flatMap((child) =>
    split({ order: order + 1, pixel: 4 * pixel + child, density }, isToSplit, spend),
  );
}

const placed = (cell: DensityCell): { cell: DensityCell; vector: Vector; probability: number } => ({
  cell,
  vector: cellVector(cell),
  probability: cell.density * cellArea(cell),
});
