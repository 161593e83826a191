/**
 * The disjoint multi-order cover of a map: every direction of the sky lies in exactly one cell, at the finest order
 * that was scanned there. Everything that leaves a scan for others (FITS, HPD areas, MOC) is made of it.
 */

import {
  MAX_NSIDE,
  neighbours,
  nestedOf,
  npix,
  pixelArea,
  pixelVector,
  ringOf,
  type Vector,
} from "../sky/healpix.ts";
import { northFirst } from "./orientation.ts";
import { perMap } from "./per_map.ts";

/**
 * Where a cell's llh comes from: a fit of its own; the finest coarser pixel around it, where only its siblings were
 * scanned; its neighbours (or that coarser pixel), as its own fit failed; or nowhere, as nothing was scanned there.
 */
export type CellOrigin = "fit" | "coarser" | "failed" | "none";

/** Where one cell lies: nside = 2^order, pixel number in the NESTED order. */
export interface CellPlace {
  readonly order: number;
  readonly pixel: number;
}

/** One cell of a likelihood map; llh is NaN where nothing is known. */
export interface Cell extends CellPlace {
  readonly llh: number;
  readonly origin: CellOrigin;
}

/** One cell of a probability map. */
export interface DensityCell extends CellPlace {
  /** Probability per sr. */
  readonly density: number;
}

/** The one number that names a cell, 4·4^order + pixel (IVOA MOC standard 2.0, section 4.3.1: NUNIQ). */
export const uniqOf = ({ order, pixel }: CellPlace): number => 4 ** (order + 1) + pixel;

/** @param uniq at least 4 */
export function placeOf(uniq: number): CellPlace {
  const order = Math.floor(Math.log2(uniq / 4) / 2);
  return { order, pixel: uniq - 4 ** (order + 1) };
}

/** Solid angle of a cell, sr. */
export const cellArea = ({ order }: CellPlace): number => pixelArea(2 ** order);

/** Unit vector to a cell's centre. */
export const cellVector = ({ order, pixel }: CellPlace): Vector =>
  pixelVector(2 ** order, ringOf(2 ** order, pixel));

/**
 * The cover of a result's sky, sorted by UNIQ. A pixel with anything scanned inside is replaced by its four
 * children, down to the order of what was scanned: nothing is lost where siblings are missing.
 */
export const cellsOf = perMap((result): readonly Cell[] => {
  const { nsides } = northFirst(result);
  const orders = [...nsides.keys()].map(Math.log2).sort((a, b) => a - b);
  const [coarsest] = orders;
  if (coarsest === undefined) return [];
  /** Per order: the llh of what was scanned by NESTED number, and what has something scanned inside. */
  const scanned = new Map<number, Map<number, number>>();
  const refined = new Map<number, Set<number>>();
  for (const order of orders) {
    const nside = 2 ** order;
    const values = new Map<number, number>();
    for (const { pixel, llh } of nsides.get(nside)!) values.set(nestedOf(nside, pixel), llh);
    scanned.set(order, values);
    for (const pixel of values.keys()) markAncestors(refined, order, pixel, coarsest);
  }

  const cells: Cell[] = [];
  const cover = (order: number, pixel: number, ancestor: number): void => {
    const own = scanned.get(order)?.get(pixel);
    const llh =
      own === undefined
        ? ancestor
        : Number.isNaN(own)
          ? (meanOfNeighbours(scanned.get(order)!, order, pixel) ?? ancestor)
          : own;
    if (refined.get(order)?.has(pixel)) {
      for (let child = 0; child < 4; child++) cover(order + 1, 4 * pixel + child, llh);
      return;
    }
    const origin = own === undefined ? "coarser" : Number.isNaN(own) ? "failed" : "fit";
    const isKnown = own !== undefined || !Number.isNaN(llh);
    cells.push({ order, pixel, llh, origin: isKnown ? origin : "none" });
  };
  for (let pixel = 0; pixel < npix(2 ** coarsest); pixel++) cover(coarsest, pixel, Number.NaN);
  return cells.sort((a, b) => a.order - b.order || a.pixel - b.pixel);
});

function markAncestors(
  refined: Map<number, Set<number>>,
  order: number,
  pixel: number,
  coarsest: number,
): void {
  let inside = pixel;
  for (let above = order - 1; above >= coarsest; above--) {
    inside = Math.floor(inside / 4);
    const known = refined.get(above) ?? new Set();
    refined.set(above, known);
    if (known.has(inside)) return;
    known.add(inside);
  }
}

/**
 * Of a failed pixel. Its neighbours before the coarser pixel: that one's centre may lie nearer to the source, and
 * the failed pixel would turn into a false peak.
 */
function meanOfNeighbours(
  values: ReadonlyMap<number, number>,
  order: number,
  pixel: number,
): number | undefined {
  const nside = 2 ** order;
  const around = neighbours(nside, ringOf(nside, pixel))
    .map((ring) => values.get(nestedOf(nside, ring)))
    .filter((llh): llh is number => llh !== undefined && !Number.isNaN(llh));
  if (around.length === 0) return undefined;
  return around.reduce((sum, llh) => sum + llh, 0) / around.length;
}

/**
 * Probability densities of a cover for a flat prior on the sphere: ρ ∝ exp(−β·(llh − llh_min)), Σ ρ·Ω = 1. Cells
 * about which nothing is known have none. Empty where no cell has a value.
 * @param temper β: below 1 it widens the map, for systematic errors
 */
export function densitiesOf(cells: readonly Cell[], temper = 1): DensityCell[] {
  let lowest = Number.POSITIVE_INFINITY;
  for (const { llh } of cells) if (llh < lowest) lowest = llh;
  if (lowest === Number.POSITIVE_INFINITY) return [];
  return normalised(
    cells.map(({ order, pixel, llh }) => ({
      order,
      pixel,
      density: Number.isNaN(llh) ? 0 : Math.exp(-temper * (llh - lowest)),
    })),
  );
}

/** The same cells with Σ ρ·Ω = 1; empty where the sum is nothing. */
export function normalised(cells: readonly DensityCell[]): DensityCell[] {
  // From the smallest on: a thousand small cells count beside one large.
  const shares = cells.map((cell) => cell.density * cellArea(cell)).sort((a, b) => a - b);
  const total = shares.reduce((sum, share) => sum + share, 0);
  if (!(total > 0)) return [];
  return cells.map((cell) => ({ ...cell, density: cell.density / total }));
}

/** The smallest region that holds a share of the probability (highest probability density). */
export interface HpdRegion {
  /** 0 to 1. */
  readonly share: number;
  /** Density of the cell in which the share is reached, 1/sr: inside, it is at least this. */
  readonly level: number;
  /** Solid angle, sr; of the cell in which the share is reached the part that is needed. */
  readonly area: number;
  /** The cells inside, densest first; the last is the one in which the share is reached. */
  readonly cells: readonly DensityCell[];
}

/** @param shares 0 to 1 each */
export function hpdRegions(cells: readonly DensityCell[], shares: readonly number[]): HpdRegion[] {
  const ordered = [...cells].sort((a, b) => b.density - a.density || uniqOf(a) - uniqOf(b));
  return shares.map((share) => {
    let held = 0;
    let area = 0;
    for (const [i, cell] of ordered.entries()) {
      const size = cellArea(cell);
      const part = cell.density * size;
      if (held + part >= share || i === ordered.length - 1) {
        const needed = part > 0 ? Math.min(1, Math.max(0, (share - held) / part)) : 0;
        const inside = ordered.slice(0, i + 1);
        return { share, level: cell.density, area: area + needed * size, cells: inside };
      }
      held += part;
      area += size;
    }
    return { share, level: 0, area: 0, cells: [] };
  });
}

/** A map whose best cell holds more than this, or whose 50 % region is smaller than so many of its finest cells, is too coarse for its peak. */
const LARGEST_SHARE = 0.2;
export const FEWEST_CELLS = 4;

/** Whether the peak is wider than the finest cells: if not, areas say more about the pixels than about the event. */
export function isResolved(cells: readonly DensityCell[]): boolean {
  const [half] = hpdRegions(cells, [0.5]);
  if (half === undefined || half.area < FEWEST_CELLS * finestArea(cells)) return false;
  return cells.every((cell) => cell.density * cellArea(cell) <= LARGEST_SHARE);
}

/** Solid angle of the smallest cell, sr. */
export function finestArea(cells: readonly CellPlace[]): number {
  let order = 0;
  for (const cell of cells) if (cell.order > order) order = cell.order;
  return cellArea({ order, pixel: 0 });
}

/** Largest order there can be here. */
export const MAX_ORDER = Math.log2(MAX_NSIDE);
