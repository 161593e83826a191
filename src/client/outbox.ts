import type { Clock } from "../config/clock.ts";
import { type FailureEntry, longestReason, type ResultEntry } from "../mq/messages.ts";
import { forFitValues } from "../scan/fit_values.ts";
import type { LeasedTask } from "./leased_tasks.ts";
import type { FitOutcome } from "./protocol.ts";

/**
 * Outcomes wait for company for half the time the client still has work for, but no longer, s: a message costs the
 * server and the broker as much as ten results in it, and nobody is kept waiting whose hands are full.
 */
const longestWait = 0.25;
/** What is not worth a timer, s. */
const shortestWait = 0.005;
/** So many are company enough, and more are not sent in one message: some brokers take no more than 128 KiB. */
const sendAt = 60;

const short = (reason: string): string => reason.slice(0, longestReason);

const failed = ({ failures = [] }: FitOutcome): ResultEntry[16] =>
  failures.length === 0 ? null : failures.map(([posvar, reason]) => [posvar, short(reason)]);

const minima = ({ minima = [] }: FitOutcome): ResultEntry[17] =>
  minima.length === 0 ? null : minima.map(([x, y, z, llh]) => [x, y, z, llh]);

const direction = ({ direction }: FitOutcome): ResultEntry[18] =>
  direction ? [direction.ra, direction.dec, direction.ee, direction.en, direction.nn] : null;

/** What JSON cannot write counts as no number on any way, within a process too. */
const real = (value: number): number => (Number.isFinite(value) ? value : Number.NaN);

/** Outcomes on their way to the server, many in one message where fits are short. */
export interface Outbox {
  /** @param secondsLeft the client has work for so long; 0, NaN: for no longer, or nobody knows */
  add(task: LeasedTask, outcome: FitOutcome, secondsLeft: number): void;
  /** Sends all there is. */
  flush(): void;
  /** Drops what is left. */
  close(): void;
}

/**
 * @param send publishes one message's worth
 * @param most how many a message may hold
 */
export function createOutbox(
  clock: Clock,
  send: (results: ResultEntry[], failures: FailureEntry[]) => void,
  most: () => number = () => sendAt,
): Outbox {
  const results: ResultEntry[] = [];
  const failures: FailureEntry[] = [];
  let callOff: (() => void) | undefined;
  /** When what waits is sent, by clock, s; the first of all waits for nobody: somebody may be looking at an empty map. */
  let due = Number.POSITIVE_INFINITY;
  let isFirst = true;
  const flush = () => {
    isFirst = false;
    callOff?.();
    due = Number.POSITIVE_INFINITY;
    while (results.length + failures.length > 0) {
      const room = Math.min(sendAt, most());
      const some = results.splice(0, room);
      send(some, failures.splice(0, room - some.length));
    }
  };
  return {
    add({ lease, nside, pixel, posvar, count, round }, outcome, secondsLeft) {
      const { values, evaluations, seconds, reason } = outcome;
      const task = [lease, nside, pixel, posvar, count, round] as const;
      const { experiment } = outcome;
      if (values === undefined) failures.push([...task, short(reason ?? "failed"), seconds]);
      else
        results.push([
          ...([...task, ...forFitValues((_, at) => real(values[at]!))] as const),
          ...([seconds, evaluations] as const),
          ...([failed(outcome), minima(outcome), direction(outcome)] as const),
          ...(experiment === undefined ? [] : [experiment]),
        ]);
      const wait = isFirst ? 0 : Math.min(longestWait, secondsLeft / 2);
      if (!(wait > shortestWait) || results.length + failures.length >= sendAt) return flush();
      if (clock.now() + wait >= due) return;
      due = clock.now() + wait;
      callOff?.();
      callOff = clock.after(wait, flush);
    },
    flush,
    close: () => callOff?.(),
  };
}
