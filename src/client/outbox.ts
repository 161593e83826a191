import type { Clock } from "../config/clock.ts";
import { type FailureEntry, maxBatch, type ResultEntry } from "../mq/messages.ts";
import type { LeasedTask } from "./leased_tasks.ts";
import type { FitOutcome } from "./protocol.ts";

/** Outcomes wait this long for company, s. */
const gather = 0.025;
/** So many are company enough. */
const sendAt = 200;
/** No reason is longer on the wire. */
const longestReason = 500;

/** Outcomes on their way to the server, many in one message where fits are short. */
export interface Outbox {
  /** @param isLast nothing more is being fitted: no company is to be waited for */
  add(task: LeasedTask, outcome: FitOutcome, isLast: boolean): void;
  /** Sends all there is. */
  flush(): void;
  /** Drops what is left. */
  close(): void;
}

/** @param send publishes one message's worth */
export function createOutbox(
  clock: Clock,
  send: (results: ResultEntry[], failures: FailureEntry[]) => void,
): Outbox {
  let results: ResultEntry[] = [];
  let failures: FailureEntry[] = [];
  let callOff: (() => void) | undefined;
  const flush = () => {
    callOff?.();
    callOff = undefined;
    while (results.length + failures.length > 0) {
      send(results.slice(0, maxBatch), failures.slice(0, maxBatch));
      results = results.slice(maxBatch);
      failures = failures.slice(maxBatch);
    }
  };
  return {
    add({ lease, nside, pixel, posvar }, outcome, isLast) {
      const { values, evaluations, seconds } = outcome;
      const reason = outcome.reason?.slice(0, longestReason);
      const task = [lease, nside, pixel, posvar] as const;
      if (values === undefined) failures.push([...task, reason ?? "failed", seconds]);
      else results.push([...task, ...values, seconds, evaluations, reason ?? null]);
      if (isLast || results.length + failures.length >= sendAt) flush();
      else callOff ??= clock.after(gather, flush);
    },
    flush,
    close: () => callOff?.(),
  };
}
