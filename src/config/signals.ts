/** What the signals of this process ask for. */
export interface Signals {
  /** SIGINT or SIGTERM: end tidily. */
  readonly stop: AbortSignal;
  /** A second one: at once. */
  readonly now: AbortSignal;
}

/** Catches SIGINT and SIGTERM. */
export function catchSignals(): Signals {
  const stop = new AbortController();
  const now = new AbortController();
  const caught = () => {
    if (stop.signal.aborted) now.abort();
    else stop.abort();
  };
  process.on("SIGINT", caught);
  process.on("SIGTERM", caught);
  return { stop: stop.signal, now: now.signal };
}
