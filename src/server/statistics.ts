import type { ScanProgress } from "../scan/scan.ts";

/** Times of fits, s. */
export interface TimeSummary {
  readonly mean: number | null;
  readonly median: number | null;
  readonly fastest: number | null;
  readonly slowest: number | null;
}

export interface Rates {
  /** Fits per second since the (first) start, and over the moving window. */
  readonly recosPerSecond: number | null;
  readonly recosPerSecondLately: number | null;
  /** s. */
  readonly timeLeft: number | null;
}

/** When each share of the scan was reached: s since 1970. */
export type Timeline = Readonly<Record<string, number>>;

/** Keeps count of times and rates; O(1) per fit. Knows no clock: `at` is s since 1970. */
export interface Statistics {
  add(nside: number, seconds: number, roundTrip: number, evaluations: number, at: number): void;
  /** Notes the shares reached; to be called as often as shares should be known. */
  mark(progress: ScanProgress, isComplete: boolean, at: number): void;
  rates(progress: ScanProgress, at: number): Rates;
  worker(nside?: number): TimeSummary;
  roundTrip(nside?: number): TimeSummary;
  readonly evaluations: number;
  /** CPU time of all fits, s. */
  readonly workerSeconds: number;
  readonly timeline: Timeline;
}

/** Shares of interest, %; narrowing towards the end, where outliers show. */
const milestones = [10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99, 99.9, 99.99, 99.999, 100];
/** The window for the time left: a quarter of what is done, but at least this many fits. */
const smallestWindow = 400;

/** @param startedAt s since 1970; of the first start, if the scan was resumed */
export function createStatistics(startedAt: number): Statistics {
  const worker = new Map<number, number[]>();
  const roundTrip = new Map<number, number[]>();
  const arrivals: number[] = [];
  const timeline: Record<string, number> = {};
  let evaluations = 0;
  let workerSeconds = 0;

  const keep = (times: Map<number, number[]>, nside: number, value: number) => {
    const list = times.get(nside);
    if (list) list.push(value);
    else times.set(nside, [value]);
  };
  return {
    add(nside, seconds, trip, evaluated, at) {
      keep(worker, nside, seconds);
      keep(roundTrip, nside, trip);
      arrivals.push(at);
      evaluations += evaluated;
      workerSeconds += seconds;
    },
    mark({ recosDone, recosEstimated }, isComplete, at) {
      for (const milestone of milestones) {
        const isReached =
          isComplete || (milestone < 100 && recosDone * 100 >= milestone * recosEstimated);
        if (isReached) timeline[`${milestone}%`] ??= at;
      }
    },
    rates({ recosDone, recosEstimated }, at) {
      const count = arrivals.length;
      if (count === 0) return { recosPerSecond: null, recosPerSecondLately: null, timeLeft: null };
      const window = Math.min(count, Math.max(smallestWindow, Math.ceil(count / 4)));
      const lately = window / Math.max(1e-3, at - (arrivals[count - window - 1] ?? startedAt));
      return {
        recosPerSecond: count / Math.max(1e-3, at - startedAt),
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

function summary(times: ReadonlyMap<number, readonly number[]>, nside?: number): TimeSummary {
  const lists = nside === undefined ? [...times.values()] : [times.get(nside) ?? []];
  const sorted = Float64Array.from(lists.flat()).sort();
  const count = sorted.length;
  if (count === 0) return { mean: null, median: null, fastest: null, slowest: null };
  return {
    mean: sorted.reduce((sum, value) => sum + value, 0) / count,
    median: (sorted[(count - 1) >> 1]! + sorted[count >> 1]!) / 2,
    fastest: sorted[0]!,
    slowest: sorted[count - 1]!,
  };
}
