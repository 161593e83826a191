import { consola } from "consola";
import type { Clock } from "../config/clock.ts";
import { type ExitCode, SkyscanError } from "../config/errors.ts";
import { takeBatch } from "./batch.ts";
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

export function createPool(options: PoolOptions): Pool {
  const waiting: FitTask[] = [];
  /** Tasks of batches that ended in a crash: run one at a time, to find the one at fault. */
  const suspects: FitTask[] = [];
  const workers = new Set<Worker>();
  const ready = Promise.withResolvers<Light | null>();
  ready.promise.catch(() => {});
  let usualSeconds = Number.NaN;
  let badStarts = 0;
  let isClosed = false;
  let size = 0;

  const env = { ...process.env };
  // Fit processes talk to nobody but us: what opens the broker is none of their business.
  for (const name of [
    "SKYSCAN_AUTH_TOKEN",
    "SKYSCAN_AUTH_TOKEN_FILE",
    "SKYSCAN_BROKER_AUTH",
    "SKYSCAN_BROKER",
  ])
    delete env[name];

  const fatal = (error: Error) => {
    if (isClosed) return;
    ready.reject(error);
    options.onFatal(error);
  };
  const report = (outcome: FitOutcome) => {
    size--;
    if (outcome.values !== undefined)
      usualSeconds = Number.isNaN(usualSeconds)
        ? outcome.seconds
        : usualSeconds + newestWeight * (outcome.seconds - usualSeconds);
    options.onOutcome(outcome);
  };
  const send = (worker: Worker, message: ToFitProcess) => {
    // A process that has just died refuses; its exit is handled where exits are.
    try {
      worker.process.send(message);
    } catch {}
  };
  const watch = (worker: Worker, seconds: number) => {
    worker.callOff?.();
    worker.callOff = options.clock.after(seconds, () => {
      worker.isHung = true;
      worker.process.kill();
    });
  };
  const feed = (worker: Worker) => {
    if (!worker.isReady || isClosed) return;
    const wasIdle = worker.tasks.length === 0;
    const tasks = takeBatch({
      waiting,
      suspects,
      unfinished: worker.tasks.length,
      usualSeconds,
      workers: options.workers,
    });
    if (tasks.length === 0) return;
    worker.tasks.push(...tasks);
    send(worker, { kind: "fit", tasks });
    if (wasIdle) watch(worker, options.recoTimeout);
  };
  const feedAll = () => {
    for (const worker of workers) feed(worker);
  };

  const receive = (worker: Worker, message: FromFitProcess) => {
    if (message.kind === "refused") {
      worker.isReady = false;
      fatal(new SkyscanError(message.message, message.exitCode as ExitCode));
      return;
    }
    if (message.kind === "ready") {
      worker.callOff?.();
      worker.isReady = true;
      badStarts = 0;
      ready.resolve(message.light);
      feed(worker);
      return;
    }
    for (const outcome of message.outcomes) {
      const at = worker.tasks.findIndex((task) => task.id === outcome.id);
      if (at < 0) continue;
      worker.tasks.splice(at, 1);
      report(outcome);
    }
    worker.callOff?.();
    feed(worker);
    if (worker.tasks.length > 0) watch(worker, options.recoTimeout);
  };

  const exited = (worker: Worker, how: string) => {
    worker.callOff?.();
    workers.delete(worker);
    if (isClosed) return;
    const why = worker.isHung
      ? `no result within ${options.recoTimeout} s`
      : `the fit process ended with ${how}`;
    if (!worker.isReady) {
      if (++badStarts >= maxBadStarts) {
        fatal(new Error(`fit processes cannot be started: ${why}`));
        return;
      }
    } else if (worker.tasks.length === 1) {
      const [task] = worker.tasks;
      consola.debug(`nside ${task!.nside} pixel ${task!.pixel} variation ${task!.posvar}: ${why}`);
      report({ id: task!.id, evaluations: 0, seconds: options.recoTimeout, reason: why });
    } else suspects.push(...worker.tasks);
    start();
    feedAll();
  };

  const start = () => {
    const worker: Worker = {
      process: options.spawn(options.command, (message) => receive(worker, message)),
      isReady: false,
      tasks: [],
      callOff: undefined,
      isHung: false,
    };
    worker.process.exited.then((how) => exited(worker, how));
    workers.add(worker);
    watch(worker, openTimeout);
    send(worker, { kind: "open", setup: options.setup });
  };

  for (let n = 0; n < options.workers; n++) start();

  return {
    ready: ready.promise,
    submit(tasks) {
      size += tasks.length;
      waiting.push(...tasks);
      feedAll();
    },
    takeBack() {
      const ids = [...suspects.splice(0), ...waiting.splice(0)].map((task) => task.id);
      size -= ids.length;
      return ids;
    },
    running: () => [...workers].flatMap((worker) => worker.tasks.map((task) => task.id)),
    get size() {
      return size;
    },
    get usualSeconds() {
      return usualSeconds;
    },
    pids: () => [...workers].map((worker) => worker.process.pid),
    async close() {
      isClosed = true;
      const all = [...workers];
      for (const worker of all) {
        worker.callOff?.();
        worker.process.kill();
      }
      await Promise.all(all.map((worker) => worker.process.exited));
    },
  };
}

/** What opens the broker: fit processes talk to nobody but us. */
const secrets = [
  "SKYSCAN_AUTH_TOKEN",
  "SKYSCAN_AUTH_TOKEN_FILE",
  "SKYSCAN_BROKER_AUTH",
  "SKYSCAN_BROKER",
];

/** Starts a real process, that talks by Bun's process channel. */
export const spawnFitProcess: SpawnFitProcess = (command, onMessage) => {
  const env = { ...process.env };
  for (const name of secrets) delete env[name];
  const child = Bun.spawn([...command], {
    stdio: ["ignore", "inherit", "inherit"],
    env,
    serialization: "advanced",
    ipc: (message) => onMessage(message as FromFitProcess),
  });
  return {
    pid: child.pid,
    send: (message) => void child.send(message),
    kill: () => child.kill("SIGKILL"),
    exited: child.exited.then(() => `${child.signalCode ?? `code ${child.exitCode}`}`),
  };
};
