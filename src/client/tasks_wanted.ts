/** A client holds tasks for this many seconds of work: longer than any round trip through a broker. */
const secondsAhead = 1;
/** Fits longer than this do not wait at a client at all, s: elsewhere they may run at once. */
const longFit = 5;
const mostPerWorker = 250;
/** And never more in all: what a client holds it lists in one message, that every broker must take. */
export const mostWanted = 10_000;

/**
 * How many tasks a client wants to hold.
 * @param usualSeconds usual time of one fit, s; NaN: not known yet
 */
export function tasksWanted(workers: number, usualSeconds: number): number {
  const perWorker =
    Number.isNaN(usualSeconds) || usualSeconds > longFit
      ? 1
      : 1 + Math.min(mostPerWorker, Math.ceil(secondsAhead / usualSeconds));
  return Math.min(mostWanted, workers * perWorker);
}
