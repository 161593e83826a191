/** Weight of the newest round trip in the running mean. */
const newestWeight = 0.05;
/** Per result, how fast the slowest round trip is forgotten. */
const forgetSlowest = 0.999;

/** Times from handing out a task to its result, of late. NaN before the first result. */
export class RoundTrips {
  #mean = Number.NaN;
  #slowest = Number.NaN;

  /** Running mean, s. */
  get mean(): number {
    return this.#mean;
  }

  /** The slowest of late, s: never below the mean. */
  get slowest(): number {
    return this.#slowest;
  }

  add(seconds: number): void {
    if (Number.isNaN(this.#mean)) {
      this.#mean = seconds;
      this.#slowest = seconds;
      return;
    }
    this.#mean += newestWeight * (seconds - this.#mean);
    this.#slowest = Math.max(seconds, this.#slowest * forgetSlowest, this.#mean);
  }
}
