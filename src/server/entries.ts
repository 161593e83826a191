import type { FailureEntry, ResultEntry, TaskEntry } from "../mq/messages.ts";
import { fitValueNames, fitValues, noFit, seedTuple } from "../scan/fit_values.ts";
import type { Lease } from "../scan/leases.ts";
import type { Task } from "../scan/task.ts";
import type { StoredResult } from "../store/row.ts";

/** A lease as it travels to its client. */
export function taskEntry({ id, task }: Lease): TaskEntry {
  const { nside, pixel, posvar, parent } = task;
  const hasParent = parent !== undefined && !Number.isNaN(parent.llh);
  return [...([id, nside, pixel, posvar] as const), hasParent ? seedTuple(parent) : null];
}

/** The task a client's entry is about. */
export const taskOf = ([, nside, pixel, posvar]: ResultEntry | FailureEntry): Task => ({
  nside,
  pixel,
  posvar,
});

/** What follows a fit's values in a result entry: seconds, evaluations, reason. */
type Tail = [seconds: number, evaluations: number, reason: string | null];

/**
 * A client's result as it is remembered.
 * @param roundTrip from lease to result, s; undefined: not known, and taken to be the fit's own time
 * @param at s since 1970
 */
export function resultOf(
  entry: ResultEntry,
  roundTrip: number | undefined,
  at: number,
): StoredResult {
  const [, , , , ...rest] = entry;
  const [seconds, evaluations, reason] = rest.slice(fitValueNames.length) as Tail;
  const values = fitValues((_, at) => rest[at] as number);
  return {
    ...taskOf(entry),
    ...values,
    ...{ seconds, evaluations, at },
    roundTrip: roundTrip ?? seconds,
    ...(Number.isNaN(values.llh) && { reason: reason ?? "no reason given" }),
  };
}

/** A task that was given up, as it is remembered: no values, but the reason of every attempt. */
export function givenUp(
  { nside, pixel, posvar }: Task,
  seconds: number,
  reasons: readonly string[],
  at: number,
): StoredResult {
  const reason = reasons.join("\n");
  return {
    nside,
    pixel,
    posvar,
    ...noFit,
    seconds,
    roundTrip: seconds,
    evaluations: 0,
    at,
    reason,
  };
}
