/** Two maps of the sky together: their common cells, their product, how much they agree. */

import { InputError } from "../config/errors.ts";
import { noFit } from "../scan/fit_values.ts";
import type { PixelResult } from "../scan/task.ts";
import { ringOf } from "../sky/healpix.ts";
import { type Cell, type CellPlace, cellArea, cellsOf, densitiesOf, MAX_ORDER } from "./cells.ts";
import { eventOf, type SkyScanResult } from "./result.ts";

/** Where two covers overlap: the finer of the two cells, and what either says there. */
export interface CellPair<T extends CellPlace> extends CellPlace {
  readonly a: T;
  readonly b: T;
}

/** The common refinement of two covers. Work and result are of the order of both together. */
export function overlapOf<T extends CellPlace>(a: readonly T[], b: readonly T[]): CellPair<T>[] {
  const sortedA = bySky(a);
  const sortedB = bySky(b);
  const pairs: CellPair<T>[] = [];
  for (let i = 0, j = 0; i < sortedA.length && j < sortedB.length; ) {
    const [inA, inB] = [sortedA[i]!, sortedB[j]!];
    if (inA.start < inB.end && inB.start < inA.end) {
      const { order, pixel } = inA.cell.order >= inB.cell.order ? inA.cell : inB.cell;
      pairs.push({ order, pixel, a: inA.cell, b: inB.cell });
    }
    if (inA.end <= inB.end) i++;
    if (inB.end <= inA.end) j++;
  }
  return pairs;
}

/** Cells with the stretch of the finest order's numbers that is theirs, along it. */
function bySky<T extends CellPlace>(
  cells: readonly T[],
): { cell: T; start: number; end: number }[] {
  return cells
    .map((cell) => {
      const length = 4 ** (MAX_ORDER - cell.order);
      return { cell, start: cell.pixel * length, end: (cell.pixel + 1) * length };
    })
    .sort((x, y) => x.start - y.start);
}

export interface Combination {
  /** The product as a probability map. */
  readonly product: SkyScanResult;
  /** 4π ∫ ρ_A ρ_B dΩ: 1 where one of them says nothing, above where they agree. */
  readonly overlap: number;
}

/** What a map lacks this much against its best, in ln, it excludes: doubles end there. */
const EXCLUDED = 700;

/**
 * The product of two maps, as of two independent measurements of one source.
 * @throws InputError where one excludes what the other allows, or one has no value
 */
export function combined(a: SkyScanResult, b: SkyScanResult): Combination {
  const [cellsA, cellsB] = [cellsOf(a), cellsOf(b)];
  const [lowestA, lowestB] = [lowestOf(cellsA), lowestOf(cellsB)];
  const pairs = overlapOf(cellsA, cellsB);
  const nsides = new Map<number, PixelResult[]>();
  let isExcluded = true;
  for (const { order, pixel, a: inA, b: inB } of pairs) {
    const nside = 2 ** order;
    const llh = inA.llh - lowestA + (inB.llh - lowestB);
    if (inA.llh - lowestA < EXCLUDED && inB.llh - lowestB < EXCLUDED) isExcluded = false;
    const pixels = nsides.get(nside) ?? [];
    nsides.set(nside, pixels);
    pixels.push({ ...noFit, nside, pixel: ringOf(nside, pixel), llh });
  }
  if (isExcluded) throw new InputError("the two maps exclude each other: no direction is in both");
  for (const pixels of nsides.values()) pixels.sort((x, y) => x.pixel - y.pixel);
  const event = eventOf(a) ?? eventOf(b);
  return {
    product: {
      version: 0,
      from: "north",
      isProbability: true,
      nsides: new Map([...nsides].sort(([x], [y]) => x - y)),
      metadata: { ...event },
    },
    overlap: overlapIntegral(a, b),
  };
}

function lowestOf(cells: readonly Cell[]): number {
  let lowest = Number.POSITIVE_INFINITY;
  for (const { llh } of cells) if (llh < lowest) lowest = llh;
  if (lowest === Number.POSITIVE_INFINITY)
    throw new InputError("one of the maps has no value in any pixel");
  return lowest;
}

const overlapIntegral = (a: SkyScanResult, b: SkyScanResult): number =>
  4 *
  Math.PI *
  overlapOf(densitiesOf(cellsOf(a)), densitiesOf(cellsOf(b)))
    .map((pair) => pair.a.density * pair.b.density * cellArea(pair))
    .sort((x, y) => x - y)
    .reduce((sum, part) => sum + part, 0);
