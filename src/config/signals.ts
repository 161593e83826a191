import { consola } from "consola";
import { type Clock, systemClock } from "./clock.ts";
import { ExitCode, Interrupted } from "./errors.ts";

/** What the signals of this process ask for. */
export interface Signals {
  /** SIGINT, SIGTERM or SIGHUP (a closed terminal, a lost connection): end tidily. */
  readonly stop: AbortSignal;
  /** A second one: at once. */
  readonly now: AbortSignal;
}

/** What this process needs to obey signals. */
export interface SignalSurroundings {
  readonly clock: Clock;
  readonly on: (signal: NodeJS.Signals, caught: () => void) => void;
  readonly exit: (code: ExitCode) => void;
}

const realSurroundings: SignalSurroundings = {
  clock: systemClock,
  on: (signal, caught) => void process.on(signal, caught),
  exit: (code) => process.exit(code),
};

/** Signals that come within this time count as one, s. */
const together = 0.5;

/** Kubernetes, HTCondor and Slurm kill soon after asking: nothing may keep a process longer than this, s. */
const longestEnd = 9;

/**
 * Catches SIGINT, SIGTERM and SIGHUP. Whatever a tidy end waits for, the process is gone soon after the first one.
 * @param onSecond default: the process ends there and then
 */
export function catchSignals(
  onSecond?: () => void,
  { clock, on, exit }: SignalSurroundings = realSurroundings,
): Signals {
  const stop = new AbortController();
  const now = new AbortController();
  let first: number | undefined;
  const caught = () => {
    // timeout(1) and batch systems tell both the process and its group: that is one wish, not two.
    const at = clock.now();
    if (first === undefined) {
      first = at;
      clock.after(longestEnd, () => {
        consola.warn(`still not ended ${longestEnd} s after the signal: ending now`);
        exit(ExitCode.interrupted);
      });
      stop.abort();
    } else if (at - first >= together) {
      now.abort();
      if (onSecond === undefined) exit(ExitCode.interrupted);
      else onSecond();
    }
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) on(signal, caught);
  return { stop: stop.signal, now: now.signal };
}

/**
 * What `work` gives, or Interrupted as soon as `stop` is aborted: what the work waits for may never come (a pipe
 * nobody writes to, a file system that hangs).
 */
export async function unlessStopped<T>(work: Promise<T>, stop: AbortSignal): Promise<T> {
  const stopped = Promise.withResolvers<never>();
  const end = () => stopped.reject(new Interrupted());
  stop.addEventListener("abort", end);
  if (stop.aborted) end();
  try {
    return await Promise.race([work, stopped.promise]);
  } finally {
    stop.removeEventListener("abort", end);
  }
}
