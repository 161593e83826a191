// A scan's map as it grows: every whole pixel in the order in which it became whole, numbered by the results counted.
import type { Scan } from "../scan/scan.ts";
import type { PixelResult, TaskResult } from "../scan/task.ts";

/** Results are numbered as the scan's store counts them: the numbers survive a killed process. */
export class LiveMap {
  readonly #pixels: PixelResult[] = [];
  /** The number of the result that made each of them whole; ascending. */
  readonly #numbers: number[] = [];
  #seq = 0;
  #failed = 0;

  /** A result has been counted. */
  count(scan: Scan, result: TaskResult): void {
    this.#seq++;
    const whole = scan.pixel(result);
    if (whole === undefined) return;
    this.#pixels.push(whole);
    this.#numbers.push(this.#seq);
    if (Number.isNaN(whole.llh)) this.#failed++;
  }

  /** Results counted so far. */
  get seq(): number {
    return this.#seq;
  }

  /** Pixels that became whole after that many results, in that order. */
  since(seq: number): PixelResult[] {
    let from = 0;
    for (let to = this.#numbers.length; from < to; ) {
      const middle = (from + to) >> 1;
      if (this.#numbers[middle]! > seq) to = middle;
      else from = middle + 1;
    }
    return this.#pixels.slice(from);
  }

  /** Whole pixels without a fit. */
  get failed(): number {
    return this.#failed;
  }

  get size(): number {
    return this.#pixels.length;
  }
}
