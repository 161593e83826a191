/** A calibration as it travels to the clients of a pool, and what comes back: checked, since anyone may send anything. */

import * as v from "valibot";
import type { Entry } from "./experiment.ts";
import type { Request } from "./laboratory.ts";

const finite = v.pipe(v.number(), v.finite());
const vertex = { x: finite, y: finite, z: finite, time: finite, energy: finite };

/** The longest list of losses: a few hundred are unfolded along the longest track. */
const mostLosses = 5000;

/** What is the same for all pseudo-experiments of an event, beside the event, the algorithm and the light. */
export const Orders = v.object({
  seed: v.pipe(v.number(), v.safeInteger()),
  varies: v.boolean(),
  jitter: finite,
  muon: v.object({ ...vertex, zenith: finite, azimuth: finite }),
  losses: v.optional(v.pipe(v.array(v.object(vertex)), v.maxLength(mostLosses), v.readonly())),
  readout: v.object({ start: finite, stop: finite }),
});
export type Orders = v.InferOutput<typeof Orders>;

/** The orders of an event's experiments. */
export function ordersOf({ seed, varies, jitter, cause }: Request): Orders {
  if (cause.kind !== "event") throw new Error(`experiments of ${cause.kind} stay on one machine`);
  const { muon, losses, readout } = cause;
  return { seed, varies, jitter, muon, ...(losses && { losses }), readout };
}

const k = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Came = v.union([
  v.strictObject({ k, reason: v.pipe(v.string(), v.maxLength(500)) }),
  v.strictObject({
    ...{ k, ts: finite, error: finite, energy: finite, zenith: finite, azimuth: finite },
    ...{ llh: finite, doms: k, fits: k },
    world: v.optional(v.record(v.pipe(v.string(), v.maxLength(40)), finite)),
  }),
]);

/** What came of experiment k, as its client says. @returns undefined for what is not that */
export function entryFrom(said: unknown, k: number): Entry | undefined {
  const parsed = v.safeParse(Came, said);
  return parsed.success && parsed.output.k === k ? (parsed.output as Entry) : undefined;
}
