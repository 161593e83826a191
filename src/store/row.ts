import { type FitValues, fitTuple, fitValues, forFitValues } from "../scan/fit_values.ts";
import type { TaskResult } from "../scan/task.ts";

/** One fit as it is remembered. */
export interface StoredResult extends TaskResult {
  /** On the worker, s; and from lease to result, s. */
  readonly seconds: number;
  readonly roundTrip: number;
  /** Likelihood calls. */
  readonly evaluations: number;
  /** Why llh is NaN. */
  readonly reason?: string;
  /** When it was stored: s since 1970. */
  readonly at: number;
}

/** The same as a row of the store's table. SQLite has NULL for NaN. */
export type Row = Readonly<Record<keyof FitValues, number | null>> & {
  readonly nside: number;
  readonly pixel: number;
  readonly posvar: number;
  readonly seconds: number;
  readonly round_trip: number;
  readonly evaluations: number;
  readonly at: number;
  readonly reason: string | null;
  readonly checksum: number;
};

/** CRC-32 of a list of values: tells a damaged row from one that is as it was written. */
export const checksumOf = (values: readonly unknown[]): number =>
  Bun.hash.crc32(JSON.stringify(values));

const finiteOrNull = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** The values of a row in the table's order, the checksum last. */
export function rowOf(fit: StoredResult) {
  const values = [
    ...[fit.nside, fit.pixel, fit.posvar, ...fitTuple(fit).map(finiteOrNull)],
    ...[fit.seconds, fit.roundTrip, fit.evaluations, fit.at, fit.reason ?? null],
  ];
  return [...values, checksumOf(values)];
}

/** The fit of a row; undefined when the row is not as it was written, or is no fit at all. */
export function fitFromRow(row: Row): StoredResult | undefined {
  const { nside, pixel, posvar, seconds, round_trip, evaluations, at, reason, checksum } = row;
  const written = [
    ...[nside, pixel, posvar, ...forFitValues((name) => row[name])],
    ...[seconds, round_trip, evaluations, at, reason],
  ];
  const exists = Number.isInteger(Math.log2(nside)) && pixel >= 0 && pixel < 12 * nside ** 2;
  if (!exists || checksum !== checksumOf(written)) return undefined;
  return {
    ...{ nside, pixel, posvar, ...fitValues((name) => row[name] ?? Number.NaN) },
    ...{ seconds, roundTrip: round_trip, evaluations, at },
    ...(reason !== null && { reason }),
  };
}
