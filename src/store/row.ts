import type { FirstDirection } from "../geometry/first_direction.ts";
import { type FitValues, fitTuple, fitValues, forFitValues } from "../scan/fit_values.ts";
import { fitsOf, type TaskResult } from "../scan/task.ts";

/** A task's result as it is remembered. */
export interface StoredResult extends TaskResult {
  /** On the worker, s; and from lease to result, s. */
  readonly seconds: number;
  readonly roundTrip: number;
  /** Likelihood calls. */
  readonly evaluations: number;
  /** When it was stored: s since 1970. */
  readonly at: number;
  /** What came of a pseudo-experiment, as its client says; a scan's store has none. */
  readonly experiment?: unknown;
}

/** The same as a row of the store's table. SQLite has NULL for NaN. */
export type Row = Readonly<Record<keyof FitValues, number | null>> & {
  readonly nside: number;
  readonly pixel: number;
  readonly posvar: number;
  readonly count: number;
  readonly round: number;
  readonly seconds: number;
  readonly round_trip: number;
  readonly evaluations: number;
  readonly at: number;
  /** JSON. */
  readonly failures: string | null;
  readonly minima: string | null;
  readonly direction: string | null;
  readonly checksum: number;
};

/** CRC-32 of a list of values: tells a damaged row from one that is as it was written. */
export const checksumOf = (values: readonly unknown[]): number =>
  Bun.hash.crc32(JSON.stringify(values));

const finiteOrNull = (value: number): number | null => (Number.isFinite(value) ? value : null);

const jsonOrNull = (list: readonly unknown[] | undefined): string | null =>
  list && list.length > 0 ? JSON.stringify(list) : null;

/** JSON has no NaN: it is null there. */
function directionOf(text: string): FirstDirection {
  const { ra, dec, ee, en, nn } = JSON.parse(text);
  return { ra, dec, ee: ee ?? Number.NaN, en: en ?? Number.NaN, nn: nn ?? Number.NaN };
}

/** The values of a row in the table's order, the checksum last. */
export function rowOf(fit: StoredResult) {
  const values = [
    ...[fit.nside, fit.pixel, fit.posvar, fitsOf(fit), fit.round ?? 0],
    ...fitTuple(fit).map(finiteOrNull),
    ...[fit.seconds, fit.roundTrip, fit.evaluations, fit.at],
    ...[
      jsonOrNull(fit.failures),
      jsonOrNull(fit.minima),
      fit.direction ? JSON.stringify(fit.direction) : null,
    ],
  ];
  return [...values, checksumOf(values)];
}

/** The fit of a row; undefined when the row is not as it was written, or is no fit at all. */
export function fitFromRow(row: Row): StoredResult | undefined {
  const { nside, pixel, posvar, count, round, checksum } = row;
  const { seconds, round_trip, evaluations, at, failures, minima, direction } = row;
  const written = [
    ...[nside, pixel, posvar, count, round, ...forFitValues((name) => row[name])],
    ...[seconds, round_trip, evaluations, at, failures, minima, direction],
  ];
  const exists = Number.isInteger(Math.log2(nside)) && pixel >= 0 && pixel < 12 * nside ** 2;
  if (!exists || checksum !== checksumOf(written)) return undefined;
  return {
    ...{ nside, pixel, posvar, count, round, ...fitValues((name) => row[name] ?? Number.NaN) },
    ...{ seconds, roundTrip: round_trip, evaluations, at },
    ...(failures !== null && { failures: JSON.parse(failures) }),
    ...(minima !== null && { minima: JSON.parse(minima) }),
    ...(direction !== null && { direction: directionOf(direction) }),
  };
}
