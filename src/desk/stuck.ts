// Whether a scan is stuck, and what is known of why.
import type { Pool } from "./pool.ts";
import type { Run } from "./run.ts";

/** No result for so long is nothing unusual, s. */
const patience = 60;
/** Nor is it within so many usual times from lease to result. */
const roundTrips = 10;

/** @param now s since 1970. @returns why a scan is stuck; undefined: it is not */
export function reasonStuck(run: Run, pool: Pool, now: number): string | undefined {
  const { collection, quietFor } = run;
  if (collection === undefined || collection.scan.isComplete) return undefined;
  const { scheduler } = collection;
  // Nothing is expected before the first result.
  const usual = roundTrips * (scheduler.expectedRoundTrip || 0);
  if (quietFor < Math.max(patience, usual)) return undefined;
  const since = new Date((now - quietFor) * 1000).toISOString().slice(11, 16);
  const { clients, clientsSetAside, leased } = scheduler.counts;
  if (pool.workers === 0) return `No worker has answered since ${since} UTC.`;
  if (clients === 0) return `Workers were sent, none has come since ${since} UTC.`;
  if (clientsSetAside >= clients)
    return `All ${clients} clients only fail, and are set aside for a while; see the log.`;
  return `No result since ${since} UTC, though ${leased} fits are with ${clients} clients.`;
}
