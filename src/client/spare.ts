// A fit process started, and made ready, before it is needed: whoever waits for an alert's first pixels does not wait for
// a program to load, nor for the light's tables to be made.

import type { FitProcess, SpawnFitProcess } from "./pool.ts";
import type { FromFitProcess } from "./protocol.ts";

/** One spare process for a worker that goes from scan to scan. */
export class Spare {
  readonly #spawn: SpawnFitProcess;
  readonly #command: readonly string[];
  #waiting: { readonly process: FitProcess; hear: (message: FromFitProcess) => void } | undefined;
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
    const spare = {
      process: this.#spawn(this.#command, (message) => spare.hear(message)),
      hear: (_message: FromFitProcess) => {},
    };
    this.#waiting = spare;
    // It may be dead already; then the next is started when it is needed.
    try {
      spare.process.send({ kind: "warmUp" });
    } catch {}
    // One that dies waiting is no spare.
    void spare.process.exited.then(() => {
      if (this.#waiting === spare) this.#waiting = undefined;
    });
  }
}
