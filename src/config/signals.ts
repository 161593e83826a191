import { ExitCode } from "./errors.ts";

/** What the signals of this process ask for. */
export interface Signals {
  /** SIGINT or SIGTERM: end tidily. */
  readonly stop: AbortSignal;
  /** A second one: at once. */
  readonly now: AbortSignal;
}

/** Signals that come within this time count as one, ms. */
const together = 500;

/** Catches SIGINT and SIGTERM. @param onSecond default: the process ends there and then */
export function catchSignals(
  onSecond: () => void = () => process.exit(ExitCode.interrupted),
): Signals {
  const stop = new AbortController();
  const now = new AbortController();
  let first: number | undefined;
  const caught = () => {
    // timeout(1) and batch systems tell both the process and its group: that is one wish, not two.
    const at = performance.now();
    if (first !== undefined && at - first < together) return;
    first ??= at;
    if (stop.signal.aborted) {
      now.abort();
      onSecond();
    } else stop.abort();
  };
  process.on("SIGINT", caught);
  process.on("SIGTERM", caught);
  return { stop: stop.signal, now: now.signal };
}
