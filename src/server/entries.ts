import type { FirstDirection } from "../geometry/first_direction.ts";
import type { Minimum } from "../geometry/minima.ts";
import {
  type FailureEntry,
  mostFreeStarts,
  mostStarts,
  type ResultEntry,
  type TaskEntry,
} from "../mq/messages.ts";
import { fitValueNames, fitValues, noFit, seedTuple } from "../scan/fit_values.ts";
import type { Lease } from "../scan/leases.ts";
import { type FailedVariation, fitsOf, type Task } from "../scan/task.ts";
import type { StoredResult } from "../store/row.ts";

type WireStart = NonNullable<TaskEntry[7]>[number];

/** A lease as it travels to its client. */
export function taskEntry({ id, task }: Lease): TaskEntry {
  const { nside, pixel, posvar, round = 0, parent, starts, free } = task;
  const hasParent = parent !== undefined && !Number.isNaN(parent.llh);
  return [
    ...([id, nside, pixel, posvar, fitsOf(task), round] as const),
    hasParent ? seedTuple(parent) : null,
    starts ? starts.slice(0, mostStarts).map((start): WireStart => [...start]) : null,
    free
      ? free.slice(0, mostFreeStarts).map(({ nside, pixel, at }) => [nside, pixel, ...at])
      : null,
  ];
}

/** The task a client's entry is about. */
export const taskOf = ([, nside, pixel, posvar, count, round]:
  | ResultEntry
  | FailureEntry): Required<Task> => ({ nside, pixel, posvar, count, round });

/** What follows a fit's values in a result entry. */
type Tail = [
  seconds: number,
  evaluations: number,
  failures: FailedVariation[] | null,
  minima: Minimum[] | null,
  direction: [ra: number, dec: number, ee: number, en: number, nn: number] | null,
  experiment?: unknown,
];

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
  const [, , , , , , ...rest] = entry;
  const [seconds, evaluations, said, minima, direction, experiment] = rest.slice(
    fitValueNames.length,
  ) as Tail;
  const values = fitValues((_, at) => rest[at] as number);
  const task = taskOf(entry);
  const failures = Number.isNaN(values.llh)
    ? failedAll(task, (posvar) => said?.find(([of]) => of === posvar)?.[1] ?? "no reason given")
    : (said ?? []).filter(([of]) => of >= task.posvar && of < task.posvar + task.count);
  return {
    ...task,
    ...values,
    ...{ seconds, evaluations, at },
    roundTrip: roundTrip ?? seconds,
    ...(failures.length > 0 && { failures }),
    ...(minima && { minima }),
    ...(direction && { direction: firstDirection(direction) }),
    ...(experiment !== undefined && { experiment }),
  };
}

const firstDirection = ([ra, dec, ee, en, nn]: NonNullable<Tail[4]>): FirstDirection => ({
  ...{ ra, dec, ee, en, nn },
});

/** Every fit of a task with the reason why there is none. */
const failedAll = (task: Task, reasonOf: (posvar: number) => string): FailedVariation[] =>
  Array.from({ length: fitsOf(task) }, (_, n) => [task.posvar + n, reasonOf(task.posvar + n)]);

/** A task that was given up, as it is remembered: no values, but the reason of every attempt. */
export function givenUp(
  task: Task,
  seconds: number,
  reasons: readonly string[],
  at: number,
): StoredResult {
  const { nside, pixel, posvar, round = 0 } = task;
  return {
    ...{ nside, pixel, posvar, count: fitsOf(task), round },
    ...noFit,
    ...{ seconds, roundTrip: seconds, evaluations: 0, at },
    failures: failedAll(task, () => reasons.join("\n")),
  };
}
