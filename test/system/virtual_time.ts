import FlatQueue from "flatqueue";
import type { Clock } from "../../src/config/clock.ts";

/** Time that passes only when a test lets it. What is due at the same moment is done in the order of asking. */
export class VirtualTime {
  now = 0;
  readonly #due = new FlatQueue<{ work: () => void; isOff: boolean }>();
  #asked = 0;

  /** @param seconds from now */
  after(seconds: number, work: () => void): () => void {
    const entry = { work, isOff: false };
    // One part in 2^52 of a second apart: equal times keep their order.
    this.#due.push(entry, this.now + Math.max(0, seconds) + this.#asked++ * 2 ** -40);
    return () => {
      entry.isOff = true;
    };
  }

  /** Does the next thing that is due. @returns false when there is none until `end` */
  step(end = Number.POSITIVE_INFINITY): boolean {
    for (
      let at = this.#due.peekValue();
      at !== undefined && at <= end;
      at = this.#due.peekValue()
    ) {
      const { work, isOff } = this.#due.pop()!;
      if (isOff) continue;
      this.now = Math.max(this.now, at);
      work();
      return true;
    }
    return false;
  }

  /** This time as the program's code is handed it. */
  clock(): Clock {
    return {
      now: () => this.now,
      date: () => 1_700_000_000 + this.now,
      after: (seconds, work) => this.after(seconds, work),
      soon: (work) => void this.after(0, work),
      every: () => {
        throw new Error("a process's clock repeats, time itself does not");
      },
    };
  }
}
