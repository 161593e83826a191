import type { FailureEntry, ResultEntry, TaskEntry } from "../mq/messages.ts";
import type { Lease } from "../scan/leases.ts";
import type { Task } from "../scan/task.ts";
import type { StoredResult } from "../store/store.ts";

/** A lease as it travels to its client. */
export function taskEntry({ id, task }: Lease): TaskEntry {
  const { nside, pixel, posvar, parent } = task;
  const hasParent = parent !== undefined && !Number.isNaN(parent.llh);
  return [
    ...([id, nside, pixel, posvar] as const),
    hasParent ? [parent.x, parent.y, parent.z, parent.time, parent.energy] : null,
  ];
}

/** The task a client's entry is about. */
export const taskOf = ([, nside, pixel, posvar]: ResultEntry | FailureEntry): Task => ({
  nside,
  pixel,
  posvar,
});

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
  const [, , , , llh, x, y, z, time, energy, E_in, E_tot, seconds, evaluations, reason] = entry;
  return {
    ...taskOf(entry),
    ...{ llh, x, y, z, time, energy, E_in, E_tot, seconds, evaluations, at },
    roundTrip: roundTrip ?? seconds,
    ...(Number.isNaN(llh) && { reason: reason ?? "no reason given" }),
  };
}

/** The values of a fit there is none of. */
const none = {
  llh: Number.NaN,
  x: Number.NaN,
  y: Number.NaN,
  z: Number.NaN,
  time: Number.NaN,
  energy: Number.NaN,
  E_in: Number.NaN,
  E_tot: Number.NaN,
};

/** A task that was given up, as it is remembered: no values, but the reason of every attempt. */
export function givenUp(
  { nside, pixel, posvar }: Task,
  seconds: number,
  reasons: readonly string[],
  at: number,
): StoredResult {
  const reason = reasons.join("\n");
  return { nside, pixel, posvar, ...none, seconds, roundTrip: seconds, evaluations: 0, at, reason };
}
