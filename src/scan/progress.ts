import type { ScanProgress } from "./scan.ts";

/** Times of fits, s; null without any. */
export interface TimeSummary {
  readonly mean: number | null;
  readonly median: number | null;
  readonly fastest: number | null;
  readonly slowest: number | null;
}

export interface Rates {
  /** Fits per second since the start, and over the moving window. */
  readonly recosPerSecond: number | null;
  readonly recosPerSecondLately: number | null;
  /** At the latter rate, s. */
  readonly timeLeft: number | null;
}

/** When each share of the scan ("10%" … "99.999%", "100%") was reached: s since 1970. */
export type Timeline = Readonly<Record<string, number>>;

/**
 * Counts of times and rates. Knows no clock: every time is told, s since 1970; one before the last counts as the last. Adding a
 * fit costs the same however many there are; summaries sort, so are for reports.
 */
export interface Statistics {
  /**
   * A task's result is in.
   * @param seconds CPU time on the worker, all of its fits together
   * @param roundTrip from handing out the task to its result, s
   * @param fits how many of the scan's fits it has done: one, or all of a pixel's, or none in a further look at it
   */
  add(
    nside: number,
    seconds: number,
    roundTrip: number,
    evaluations: number,
    at: number,
    fits?: number,
  ): void;
  /** The server was away since the last fit until now: that time belongs to no rate. */
  resume(at: number): void;
  /** Notes the shares reached; to be called as often as shares should be known. */
  mark(progress: ScanProgress, isComplete: boolean, at: number): void;
  rates(progress: ScanProgress, at: number): Rates;
  /** Of one nside, or all. */
  worker(nside?: number): TimeSummary;
  roundTrip(nside?: number): TimeSummary;
  readonly evaluations: number;
  /** CPU time of all fits, s. */
  readonly workerSeconds: number;
  readonly timeline: Timeline;
}

/** Shares of interest, %; narrowing towards the end, where stragglers show. */
const milestones = [10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99, 99.9, 99.99, 99.999, 100];

/** The moving window: a quarter of what is done, but at least this many fits. */
const smallestWindow = 400;

/** Rates over less than this are noise, s. */
const shortestSpan = 1e-3;

/** @param startedAt s since 1970; of the first start, if the scan was resumed */
export function createStatistics(startedAt: number): Statistics {
  const worker = new Map<number, Growing>();
  const roundTrip = new Map<number, Growing>();
  /** When each fit came in, s of running time: since the start, pauses left out. */
  const arrivals = growing();
  const timeline: Record<string, number> = {};
  let next = 0;
  let paused = 0;
  let lastAt = startedAt;
  let evaluations = 0;
  let workerSeconds = 0;

  // A clock that is set back stands still for a while.
  const running = (at: number) =>
    Math.max(arrivals.length > 0 ? arrivals.at(arrivals.length - 1) : 0, at - startedAt - paused);
  const of = (times: Map<number, Growing>, nside: number): Growing => {
    const known = times.get(nside);
    if (known) return known;
    const fresh = growing();
    times.set(nside, fresh);
    return fresh;
  };

  return {
    add(nside, seconds, trip, evaluated, at, fits = 1) {
      const arrived = running(at);
      for (let n = 0; n < fits; n++) {
        of(worker, nside).push(seconds / fits);
        of(roundTrip, nside).push(trip);
        arrivals.push(arrived);
      }
      lastAt = at;
      evaluations += evaluated;
      workerSeconds += seconds;
    },

    resume(at) {
      paused += Math.max(0, at - lastAt);
      lastAt = at;
    },

    mark({ recosDone, recosEstimated }, isComplete, at) {
      // The estimate may still grow: all of it is done only when nothing more is wanted.
      const reached = (share: number) =>
        isComplete ||
        (share < 100 && recosEstimated > 0 && recosDone * 100 >= share * recosEstimated);
      for (; next < milestones.length && reached(milestones[next]!); next++)
        timeline[`${milestones[next]}%`] = at;
    },

    rates({ recosDone, recosEstimated }, at) {
      const count = arrivals.length;
      if (count === 0) return { recosPerSecond: null, recosPerSecondLately: null, timeLeft: null };
      const now = running(at);
      const window = Math.min(count, Math.max(smallestWindow, Math.ceil(count / 4)));
      const begin = window < count ? arrivals.at(count - window - 1) : 0;
      const lately = window / Math.max(shortestSpan, now - begin);
      return {
        recosPerSecond: count / Math.max(shortestSpan, now),
        recosPerSecondLately: lately,
        timeLeft: Math.max(0, recosEstimated - recosDone) / lately,
      };
    },

    worker: (nside) => summary(worker, nside),
    roundTrip: (nside) => summary(roundTrip, nside),
    get evaluations() {
      return evaluations;
    },
    get workerSeconds() {
      return workerSeconds;
    },
    get timeline() {
      return timeline;
    },
  };
}

/** Numbers that are only ever appended: 8 bytes each. */
interface Growing {
  push(value: number): void;
  at(index: number): number;
  readonly length: number;
  /** Not a copy; valid until the next push. */
  values(): Float64Array;
}

function growing(): Growing {
  let buffer = new Float64Array(256);
  let length = 0;
  return {
    push(value) {
      if (length === buffer.length) {
        const larger = new Float64Array(2 * length);
        larger.set(buffer);
        buffer = larger;
      }
      buffer[length++] = value;
    },
    at: (index) => buffer[index]!,
    get length() {
      return length;
    },
    values: () => buffer.subarray(0, length),
  };
}

function summary(times: ReadonlyMap<number, Growing>, nside: number | undefined): TimeSummary {
  const lists = [...times].filter(([of]) => nside === undefined || of === nside);
  const count = lists.reduce((sum, [, list]) => sum + list.length, 0);
  if (count === 0) return { mean: null, median: null, fastest: null, slowest: null };
  const sorted = new Float64Array(count);
  let filled = 0;
  for (const [, list] of lists) {
    sorted.set(list.values(), filled);
    filled += list.length;
  }
  sorted.sort();
  return {
    mean: sorted.reduce((sum, value) => sum + value, 0) / count,
    median: (sorted[(count - 1) >> 1]! + sorted[count >> 1]!) / 2,
    fastest: sorted[0]!,
    slowest: sorted[count - 1]!,
  };
}
