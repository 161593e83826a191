import type { PixelResult } from "../scan/task.ts";
import { columnsOf, type PixelColumn, type SkyScanResult } from "./result.ts";

/** The columns that have a tolerance: all but the index, which is exact. */
export type ComparedColumn = Exclude<PixelColumn, "index">;
export type Tolerances = Readonly<Record<ComparedColumn, number>>;

/** skyreader's relative tolerances. */
export const defaultTolerances: Tolerances = {
  llh: 1e-4,
  E_in: 1e-2,
  E_tot: 1e-2,
  X: 1e-3,
  Y: 1e-3,
  Z: 1e-3,
  T: 1e-3,
};

/** Allowed on top of any relative tolerance; numpy.isclose's. */
const ABSOLUTE_TOLERANCE = 1e-8;

/** One column's disagreement at one nside. */
export interface ColumnDifference {
  readonly column: ComparedColumn;
  /** Pixels beyond the tolerance. */
  readonly count: number;
  /** The worst of them, by |a − b| / |b|; a NaN on one side only is worst. */
  readonly worst: { readonly pixel: number; readonly a: number; readonly b: number };
}

export interface NsideComparison {
  readonly nside: number;
  /** Pixels in both. */
  readonly common: number;
  /** Indices in one of the two only. */
  readonly onlyInA: readonly number[];
  readonly onlyInB: readonly number[];
  readonly columns: readonly ColumnDifference[];
}

export interface Comparison {
  /** Every common nside has the same pixels, all of them close. Without a common nside: false. */
  readonly close: boolean;
  readonly nsides: readonly NsideComparison[];
  /** Nsides in one of the two only: said, but no difference, as in skyreader. */
  readonly nsidesOnlyInA: readonly number[];
  readonly nsidesOnlyInB: readonly number[];
}

/**
 * Compares two results as skyreader's is_close does: |a − b| ≤ 1e-8 + rtol·|b|, NaN equals NaN, the index is exact,
 * an energy of zero on either side is close to anything. Columns only one of them has are not compared.
 */
export function compareResults(
  a: SkyScanResult,
  b: SkyScanResult,
  tolerances: Tolerances = defaultTolerances,
): Comparison {
  const columns = columnsOf(a.version === 1 && b.version === 1 ? 1 : 0);
  const nsides: NsideComparison[] = [];
  for (const [nside, pixelsOfA] of a.nsides) {
    const pixelsOfB = b.nsides.get(nside);
    if (pixelsOfB === undefined) continue;
    const byIndex = new Map(pixelsOfB.map((pixel) => [pixel.pixel, pixel]));
    const pairs: [PixelResult, PixelResult][] = [];
    const onlyInA: number[] = [];
    for (const pixel of pixelsOfA) {
      const partner = byIndex.get(pixel.pixel);
      if (partner === undefined) onlyInA.push(pixel.pixel);
      else pairs.push([pixel, partner]);
      byIndex.delete(pixel.pixel);
    }
    const differences = columns.flatMap(([column, key]) => {
      if (column === "index") return [];
      const difference = compareColumn(pairs, column, key, tolerances[column]);
      return difference ? [difference] : [];
    });
    nsides.push({
      nside,
      common: pairs.length,
      onlyInA,
      onlyInB: [...byIndex.keys()],
      columns: differences,
    });
  }
  return {
    close:
      nsides.length > 0 &&
      nsides.every((n) => n.onlyInA.length + n.onlyInB.length + n.columns.length === 0),
    nsides,
    nsidesOnlyInA: [...a.nsides.keys()].filter((nside) => !b.nsides.has(nside)),
    nsidesOnlyInB: [...b.nsides.keys()].filter((nside) => !a.nsides.has(nside)),
  };
}

function compareColumn(
  pairs: readonly [PixelResult, PixelResult][],
  column: ComparedColumn,
  key: keyof PixelResult,
  rtol: number,
): ColumnDifference | undefined {
  const isEnergy = column === "E_in" || column === "E_tot";
  let count = 0;
  let worst: ColumnDifference["worst"] | undefined;
  let worstRatio = -1;
  for (const [pixelOfA, pixelOfB] of pairs) {
    const [a, b] = [pixelOfA[key], pixelOfB[key]];
    if (isClose(a, b, rtol) || (isEnergy && (a === 0 || b === 0))) continue;
    count++;
    const difference = Math.abs(a - b) / Math.abs(b);
    const ratio = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
    if (ratio > worstRatio) {
      worstRatio = ratio;
      worst = { pixel: pixelOfA.pixel, a, b };
    }
  }
  return worst && { column, count, worst };
}

function isClose(a: number, b: number, rtol: number): boolean {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return true;
  return Number.isFinite(b) && Math.abs(a - b) <= ABSOLUTE_TOLERANCE + rtol * Math.abs(b);
}
