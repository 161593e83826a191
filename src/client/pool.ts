import { consola } from "consola";
import type { Clock } from "../config/clock.ts";
import { type ExitCode, SkyscanError } from "../config/errors.ts";
import { takeBatch } from "./batch.ts";
import { type PackedFromFitProcess, packTo, unpackFrom } from "./packed.ts";
import type {
  FitOutcome,
  FitSetup,
  FitTask,
  FromFitProcess,
  Light,
  ToFitProcess,
} from "./protocol.ts";

/** One fit process as its pool sees it. */
export interface FitProcess {
  readonly pid: number;
  /** Throws, or does nothing, when the process has died. */
  send(message: ToFitProcess): void;
  kill(): void;
  /** Fulfilled when it has ended, with how: "SIGKILL", "code 1". */
  readonly exited: Promise<string>;
}

/** Starts a fit process. */
export type SpawnFitProcess = (
  command: readonly string[],
  onMessage: (message: FromFitProcess) => void,
) => FitProcess;

export interface PoolOptions {
  /** The command line of one fit process. */
  readonly command: readonly string[];
  readonly spawn: SpawnFitProcess;
  readonly clock: Clock;
  readonly workers: number;
  readonly setup: FitSetup;
  /** A fit that takes longer is hung, s. */
  readonly recoTimeout: number;
  /** Values, or a failed attempt (no values). Called once per submitted task that was not taken back. */
  readonly onOutcome: (outcome: FitOutcome) => void;
  /** The pool cannot go on. */
  readonly onFatal: (error: Error) => void;
}

/** Fit processes that run tasks. A crash or a hang costs the task at fault one attempt, and nothing else. */
export interface Pool {
  /** The light model in use, when the first process is ready. */
  readonly ready: Promise<Light | null>;
  submit(tasks: readonly FitTask[]): void;
  /** Takes back every task no process has begun. @returns their ids */
  takeBack(): number[];
  /** Tasks that processes have been given and not finished. */
  running(): number[];
  /** Tasks submitted and not finished. */
  readonly size: number;
  /** Usual time of one fit, s; NaN before the first. */
  readonly usualSeconds: number;
  /** Fit processes' ids, for tests and logs. */
  pids(): number[];
  /** Kills all of them at once. */
  close(): Promise<void>;
}

/** Weight of the newest fit in the running mean. */
const newestWeight = 0.05;
/** A process that cannot be started this often in a row is no accident. */
const maxBadStarts = 3;
/** Opening an event and its light may take this long, s (photon tables over a slow file system). */
const openTimeout = 600;

interface Worker {
  process: FitProcess;
  isReady: boolean;
  /** What it has been given and not finished, in the order in which it does them. */
  tasks: FitTask[];
  callOff: (() => void) | undefined;
  isHung: boolean;
}

/** A pool of real (or, in tests, simulated) fit processes. */
export class FitPool implements Pool {
  readonly #options: PoolOptions;
  readonly #waiting: FitTask[] = [];
  /** Tasks of batches that ended in a crash: run one at a time, to find the one at fault. */
  readonly #suspects: FitTask[] = [];
  readonly #workers = new Set<Worker>();
  readonly #ready = Promise.withResolvers<Light | null>();
  #usualSeconds = Number.NaN;
  #badStarts = 0;
  #isClosed = false;
  #size = 0;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#ready.promise.catch(() => {});
    for (let n = 0; n < options.workers; n++) this.#start();
  }

  get ready(): Promise<Light | null> {
    return this.#ready.promise;
  }

  get size(): number {
    return this.#size;
  }

  get usualSeconds(): number {
    return this.#usualSeconds;
  }

  submit(tasks: readonly FitTask[]): void {
    this.#size += tasks.length;
    this.#waiting.push(...tasks);
    this.#feedAll();
  }

  takeBack(): number[] {
    const ids = [...this.#suspects.splice(0), ...this.#waiting.splice(0)].map((task) => task.id);
    this.#size -= ids.length;
    return ids;
  }

  running(): number[] {
    return [...this.#workers].flatMap((worker) => worker.tasks.map((task) => task.id));
  }

  pids(): number[] {
    return [...this.#workers].map((worker) => worker.process.pid);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const all = [...this.#workers];
    for (const worker of all) {
      worker.callOff?.();
      worker.process.kill();
    }
    await Promise.all(all.map((worker) => worker.process.exited));
  }

  #start(): void {
    const { spawn, command, setup } = this.#options;
    const worker: Worker = {
      process: spawn(command, (message) => this.#receive(worker, message)),
      isReady: false,
      tasks: [],
      callOff: undefined,
      isHung: false,
    };
    worker.process.exited.then((how) => this.#exited(worker, how));
    this.#workers.add(worker);
    this.#watch(worker, openTimeout);
    send(worker, { kind: "open", setup });
  }

  #feed(worker: Worker): void {
    if (!worker.isReady || this.#isClosed) return;
    const wasIdle = worker.tasks.length === 0;
    const tasks = takeBatch({
      waiting: this.#waiting,
      suspects: this.#suspects,
      unfinished: worker.tasks.length,
      usualSeconds: this.#usualSeconds,
      workers: this.#options.workers,
    });
    if (tasks.length === 0) return;
    worker.tasks.push(...tasks);
    send(worker, { kind: "fit", tasks });
    if (wasIdle) this.#watchFits(worker);
  }

  #feedAll(): void {
    for (const worker of this.#workers) this.#feed(worker);
  }

  /** Gives a process the time that the fits of the task it is at may take. */
  #watchFits(worker: Worker): void {
    this.#watch(worker, this.#options.recoTimeout * (worker.tasks[0]?.count ?? 1));
  }

  /** Kills a process that says nothing for so long. */
  #watch(worker: Worker, seconds: number): void {
    worker.callOff?.();
    worker.callOff = this.#options.clock.after(seconds, () => {
      worker.isHung = true;
      worker.process.kill();
    });
  }

  #receive(worker: Worker, message: FromFitProcess): void {
    if (message.kind === "refused") {
      worker.isReady = false;
      this.#fail(new SkyscanError(message.message, message.exitCode as ExitCode));
      return;
    }
    if (message.kind === "ready") {
      worker.callOff?.();
      worker.isReady = true;
      this.#badStarts = 0;
      this.#ready.resolve(message.light);
      this.#feed(worker);
      return;
    }
    for (const outcome of message.outcomes) {
      const at = worker.tasks.findIndex((task) => task.id === outcome.id);
      if (at < 0) continue;
      worker.tasks.splice(at, 1);
      this.#report(outcome);
    }
    worker.callOff?.();
    this.#feed(worker);
    if (worker.tasks.length > 0) this.#watchFits(worker);
  }

  #exited(worker: Worker, how: string): void {
    const { recoTimeout } = this.#options;
    worker.callOff?.();
    this.#workers.delete(worker);
    if (this.#isClosed) return;
    const allowed = recoTimeout * (worker.tasks[0]?.count ?? 1);
    const why = worker.isHung
      ? `no result within ${allowed} s`
      : `the fit process ended with ${how}`;
    if (!worker.isReady) {
      if (++this.#badStarts >= maxBadStarts) {
        this.#fail(new Error(`fit processes cannot be started: ${why}`));
        return;
      }
    } else if (worker.tasks.length === 1) {
      const [task] = worker.tasks;
      consola.debug(`nside ${task!.nside} pixel ${task!.pixel} variation ${task!.posvar}: ${why}`);
      this.#report({ id: task!.id, evaluations: 0, seconds: allowed, reason: why });
    } else this.#suspects.push(...worker.tasks);
    this.#start();
    this.#feedAll();
  }

  #report(outcome: FitOutcome): void {
    this.#size--;
    if (outcome.values !== undefined)
      this.#usualSeconds = Number.isNaN(this.#usualSeconds)
        ? outcome.seconds
        : this.#usualSeconds + newestWeight * (outcome.seconds - this.#usualSeconds);
    this.#options.onOutcome(outcome);
  }

  #fail(error: Error): void {
    if (this.#isClosed) return;
    this.#ready.reject(error);
    this.#options.onFatal(error);
  }
}

function send(worker: Worker, message: ToFitProcess): void {
  // A process that has just died refuses; its exit is handled where exits are.
  try {
    worker.process.send(message);
  } catch {}
}

/** What opens the broker: fit processes talk to nobody but us. */
const secrets = [
  "SKYSCAN_AUTH_TOKEN",
  "SKYSCAN_AUTH_TOKEN_FILE",
  "SKYSCAN_BROKER_AUTH",
  "SKYSCAN_BROKER_TOKEN",
  "SKYSCAN_BROKER",
];

/** Starts a real process, that talks by Bun's process channel. */
export const spawnFitProcess: SpawnFitProcess = (command, onMessage) => {
  const env = { ...process.env };
  for (const name of secrets) delete env[name];
  // What takes time there is native. Compiling what is not for the last bit of speed took 0.1 s of each process.
  env.BUN_JSC_useFTLJIT = "0";
  const child = Bun.spawn([...command], {
    stdio: ["ignore", "inherit", "inherit"],
    env,
    serialization: "advanced",
    ipc: (message) => onMessage(unpackFrom(message as PackedFromFitProcess)),
  });
  return {
    pid: child.pid,
    send: (message) => void child.send(packTo(message)),
    kill: () => child.kill("SIGKILL"),
    exited: child.exited.then(() => `${child.signalCode ?? `code ${child.exitCode}`}`),
  };
};
