import { createStatistics, type Statistics } from "../scan/progress.ts";
import type { Scan } from "../scan/scan.ts";
import type { Scheduler } from "../scan/scheduler.ts";
import { fitsOf, type Task } from "../scan/task.ts";
import type { TaskBook } from "../scan/task_book.ts";
import type { StoredResult } from "../store/row.ts";
import type { Store } from "../store/store.ts";

/** A fit without a result. */
export interface FailedFit extends Task {
  readonly reasons: readonly string[];
}

/** All that a result changes: the map, what is to be done, what it took. */
export interface Collection<Book extends TaskBook = Scheduler> {
  readonly scan: Scan;
  readonly scheduler: Book;
  readonly statistics: Statistics;
  readonly failed: readonly FailedFit[];
  /** Stores results, all or none of them, and only then counts them. */
  keep(results: readonly StoredResult[]): void;
  /** Notes when shares of the scan were reached; to be called as often as they should be known. */
  mark(now: number): void;
}

/** Told of every result that has been counted, those remembered from before too. */
export type OnCounted = (result: StoredResult, scan: Scan) => void;

/**
 * Starts a scan's collection, or goes on with it where the store holds results.
 * @param startedAt when the scan was started first, s since 1970
 * @param now s since 1970
 */
export function openCollection<Book extends TaskBook>(
  scan: Scan,
  scheduler: Book,
  store: Store,
  startedAt: number,
  now: number,
  onCounted: OnCounted = () => {},
): Collection<Book> {
  const statistics = createStatistics(startedAt);
  const failed: FailedFit[] = [];

  const count = (result: StoredResult) => {
    scheduler.markDone(result);
    scheduler.add(scan.add(result));
    const { nside, pixel, seconds, roundTrip, evaluations, at, round = 0 } = result;
    statistics.add(nside, seconds, roundTrip, evaluations, at, round === 0 ? fitsOf(result) : 0);
    onCounted(result, scan);
    // A further look that fails leaves the pixel what it has.
    if (round > 0) return;
    for (const [posvar, reason] of result.failures ?? [])
      failed.push({ nside, pixel, posvar, reasons: reason.split("\n") });
  };
  const mark = (at: number) => statistics.mark(scan.progress(), scan.isComplete, at);

  scheduler.add(scan.start());
  for (const result of store.results()) {
    count(result);
    mark(result.at);
  }
  statistics.resume(now);

  return {
    scan,
    scheduler,
    statistics,
    failed,
    keep(results) {
      store.append(results);
      for (const result of results) count(result);
      // A scan that waits for what nobody will do never ends: better to say so.
      const { released, done } = scheduler.counts;
      if (scan.isComplete !== (released === done))
        throw new Error(`scan and scheduler disagree: ${done} of ${released} tasks are done`);
    },
    mark,
  };
}
