// A fit process started, and made ready, before it is needed: whoever waits for an alert's first pixels does not wait for
// a program to load, nor for the light's tables to be made.

import type { FitProcess, SpawnFitProcess } from "./pool.ts";
import type { FromFitProcess } from "./protocol.ts";

/** A process that waits for whoever needs it. */
interface Waiting {
  readonly process: FitProcess;
  hear: (message: FromFitProcess) => void;
}

/** @param isWarm whether it gets ready what nearly every event needs */
function started(spawn: SpawnFitProcess, command: readonly string[], isWarm: boolean): Waiting {
  const waiting: Waiting = {
    process: spawn(command, (message) => waiting.hear(message)),
    hear: () => {},
  };
  // It may be dead already; whoever takes it finds out, as with any other.
  try {
    if (isWarm) waiting.process.send({ kind: "warmUp" });
  } catch {}
  return waiting;
}

/**
 * Fit processes for one scan, started while its event is still being read.
 * @returns what gives them away, one by one, and starts others when there are no more; and what ends those nobody took
 */
export function startEarly(
  spawn: SpawnFitProcess,
  command: readonly string[],
  { count, isWarm }: { readonly count: number; readonly isWarm: boolean },
): { readonly spawn: SpawnFitProcess; readonly close: () => void } {
  const early = Array.from({ length: count }, () => started(spawn, command, isWarm));
  return {
    spawn(wanted, onMessage) {
      const next = early.shift();
      if (next === undefined) return spawn(wanted, onMessage);
      next.hear = onMessage;
      return next.process;
    },
    close() {
      for (const { process } of early.splice(0)) process.kill();
    },
  };
}

/** One spare process for a worker that goes from scan to scan. */
export class Spare {
  readonly #spawn: SpawnFitProcess;
  readonly #command: readonly string[];
  #waiting: Waiting | undefined;
  #isClosed = false;

  constructor(spawn: SpawnFitProcess, command: readonly string[]) {
    this.#spawn = spawn;
    this.#command = command;
    this.#start();
  }

  /** Gives the spare process away, or starts one where there is none. The next is started when that one has ended. */
  readonly spawn: SpawnFitProcess = (command, onMessage) => {
    const spare = this.#waiting;
    this.#waiting = undefined;
    if (spare === undefined) return this.#followed(this.#spawn(command, onMessage));
    spare.hear = onMessage;
    return this.#followed(spare.process);
  };

  close(): void {
    this.#isClosed = true;
    this.#waiting?.process.kill();
  }

  #followed(process: FitProcess): FitProcess {
    void process.exited.then(() => this.#start());
    return process;
  }

  #start(): void {
    if (this.#isClosed || this.#waiting !== undefined) return;
    const spare = started(this.#spawn, this.#command, true);
    this.#waiting = spare;
    // One that dies waiting is no spare.
    void spare.process.exited.then(() => {
      if (this.#waiting === spare) this.#waiting = undefined;
    });
  }
}
