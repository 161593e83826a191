import type { SchedulerCounts } from "../scan/scheduler.ts";
import { type ReleasedTask, singleFits, type Task } from "../scan/task.ts";
import type { TaskBook } from "../scan/task_book.ts";

/** A fit that is to be done, or being done by somebody somewhere. */
export interface OpenFit {
  readonly task: ReleasedTask;
  /** When it went out last, by clock, s; undefined: it waits. */
  publishedAt: number | undefined;
  /** How often it has gone out. */
  times: number;
  /** Its result is here, and about to be stored. */
  isAnswered: boolean;
}

/**
 * Which fits are out in queues where nobody can be asked for them: each (pixel, variation) is one, as the original has
 * it. What is out for very long is published again.
 */
export class QueuedTasks implements TaskBook {
  readonly #open = new Map<string, OpenFit>();
  readonly #done = new Set<string>();
  /** Those that wait to be published, in their order; what is done meanwhile is skipped. */
  #waiting: OpenFit[] = [];
  #next = 0;
  #duplicates = 0;
  #foreign = 0;
  #expired = 0;

  add(tasks: readonly ReleasedTask[]): void {
    for (const task of tasks.flatMap(singleFits)) {
      const key = keyOf(task);
      if (this.#done.has(key) || this.#open.has(key)) continue;
      const fit: OpenFit = { task, publishedAt: undefined, times: 0, isAnswered: false };
      this.#open.set(key, fit);
      this.#waiting.push(fit);
    }
  }

  markDone(task: Task): void {
    for (const fit of singleFits(task)) {
      this.#open.delete(keyOf(fit));
      this.#done.add(keyOf(fit));
    }
  }

  unfinished(): Task[] {
    return [...this.#open.values()].map(({ task }) => task);
  }

  /** The next fit to publish; it counts as waiting no more. */
  take(): OpenFit | undefined {
    while (this.#next < this.#waiting.length) {
      const fit = this.#waiting[this.#next++]!;
      if (!fit.isAnswered && !this.#done.has(keyOf(fit.task))) return fit;
    }
    this.#waiting = [];
    this.#next = 0;
    return undefined;
  }

  /** It has not gone out, or its message is lost. */
  putBack(fit: OpenFit): void {
    fit.publishedAt = undefined;
    this.#waiting.push(fit);
  }

  /**
   * A result is here.
   * @returns its fit, when it is the first one; undefined: it counts as a duplicate, or as nobody's
   */
  answered(task: Task): OpenFit | undefined {
    const key = keyOf(task);
    const fit = this.#open.get(key);
    if (fit === undefined && !this.#done.has(key)) this.#foreign++;
    else if (fit === undefined || fit.isAnswered) this.#duplicates++;
    else {
      fit.isAnswered = true;
      return fit;
    }
    return undefined;
  }

  /** Those that went out longer ago than `patience` s, doubled each time, go out again. @returns how many */
  expire(now: number, patience: number): number {
    let count = 0;
    for (const fit of this.#open.values()) {
      const { publishedAt, times, isAnswered } = fit;
      if (isAnswered || publishedAt === undefined) continue;
      if (now - publishedAt < patience * 2 ** (times - 1)) continue;
      this.putBack(fit);
      count++;
    }
    this.#expired += count;
    return count;
  }

  /** In a queue of others' tasks it says nothing of a task's own time. */
  readonly expectedRoundTrip = Number.NaN;

  get counts(): SchedulerCounts {
    const pending = this.#waiting.length - this.#next;
    return {
      released: this.#open.size + this.#done.size,
      done: this.#done.size,
      pending,
      leased: Math.max(0, this.#open.size - pending),
      duplicates: this.#duplicates,
      foreign: this.#foreign,
      expired: this.#expired,
      ...{ clients: 0, clientsSetAside: 0, failures: 0, givenUp: 0, lost: 0, speculative: 0 },
    };
  }
}

const keyOf = ({ nside, pixel, posvar }: Task): string => `${nside}/${pixel}/${posvar}`;
