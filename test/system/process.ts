import type { Clock } from "../../src/config/clock.ts";
import type { VirtualTime } from "./virtual_time.ts";

/** A process: what it does can be held up (SIGSTOP, a closed lid) or ended for good (SIGKILL). */
export class SimulatedProcess {
  readonly #time: VirtualTime;
  /** What would have happened while it was paused, in the order in which an event loop does it: timers, then messages. */
  #missed: (() => void)[] = [];
  #isPaused = false;
  isDead = false;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  run(work: () => void): void {
    if (this.isDead) return;
    if (this.#isPaused) this.#missed.push(work);
    else work();
  }

  after(seconds: number, work: () => void): () => void {
    let isOff = false;
    const callOff = this.#time.after(seconds, () => {
      if (this.#isPaused) this.#missed.unshift(() => isOff || work());
      else if (!this.isDead) work();
    });
    return () => {
      isOff = true;
      callOff();
    };
  }

  pause(seconds: number): void {
    if (this.isDead || this.#isPaused) return;
    this.#isPaused = true;
    this.#time.after(seconds, () => this.resume());
  }

  resume(): void {
    this.#isPaused = false;
    const missed = this.#missed;
    this.#missed = [];
    for (const work of missed) this.run(work);
  }

  kill(): void {
    this.isDead = true;
    this.#missed = [];
  }

  /** Time as this process sees it. */
  clock(): Clock {
    const time = this.#time.clock();
    return {
      ...time,
      after: (seconds, work) => this.after(seconds, work),
      soon: (work) => void this.after(0, work),
      every: (seconds, work) => {
        let callOff = () => {};
        const again = () => {
          callOff = this.after(seconds, () => {
            again();
            work();
          });
        };
        again();
        return () => callOff();
      },
    };
  }
}
