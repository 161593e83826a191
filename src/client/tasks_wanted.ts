/** A client holds tasks for this many seconds of work: longer than any round trip through a broker. */
const secondsAhead = 1;
/** Fits longer than this do not wait at a client at all, s: elsewhere they may run at once. */
const longFit = 5;
const mostPerWorker = 250;

/**
 * How many tasks a client wants to hold.
 * @param usualSeconds usual time of one fit, s; NaN: not known yet
 */
export function tasksWanted(workers: number, usualSeconds: number): number {
  if (Number.isNaN(usualSeconds) || usualSeconds > longFit) return workers;
  return workers * (1 + Math.min(mostPerWorker, Math.ceil(secondsAhead / usualSeconds)));
}
