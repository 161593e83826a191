// What an alert says of itself beyond its pulses, as the page shows it: whose event it is, where it was thought to be.
import type { Event } from "../event/event.ts";
import { eventName } from "../event/event.ts";
import { findOf } from "../event/objects.ts";
import { momentAt, toEquatorial } from "../native/sky.ts";
import type { EventLabel, OnlineDirection } from "./messages.ts";

/** Online reconstructions, the best first, in the names of newer and older alerts. */
const onlineKeys = [
  ...["l2_online_SplineMPE", "OnlineL2_SplineMPE", "l2_online_BestFit", "OnlineL2_BestFit"],
  ...["HESE_SPEFit2", "HESE_SPEFitSingle"],
];

/** Radii that hold 50 and 90 % of a two-dimensional Gaussian, in its sigmas: sqrt(−2 ln(1 − p)). */
const sigmas50 = Math.sqrt(-2 * Math.log(0.5));
const sigmas90 = Math.sqrt(-2 * Math.log(0.1));

/**
 * The direction an alert came with; null where it has none.
 * Its radii are those of the Gaussian of its Cramér-Rao errors in zenith and azimuth, null where there are none.
 */
export function onlineDirection(event: Event): OnlineDirection | null {
  for (const kind of onlineKeys) {
    const particle = findOf(event, kind, "I3Particle");
    if (particle === undefined) continue;
    const { zenith, azimuth } = particle.dir;
    if (!Number.isFinite(zenith + azimuth)) continue;
    const sigma = cramerRao(event, kind, zenith);
    return {
      ...toEquatorial(zenith, azimuth, momentAt(event.metadata.mjd)),
      r50: sigma === undefined ? null : sigmas50 * sigma,
      r90: sigma === undefined ? null : sigmas90 * sigma,
      kind,
    };
  }
  return null;
}

/** One sigma of a direction, rad: the mean of both axes' variances. */
function cramerRao(event: Event, kind: string, zenith: number): number | undefined {
  const value = (axis: string) =>
    findOf(event, `${kind}_CramerRao_cr_${axis}`, "I3Double")?.value ?? Number.NaN;
  const sigma = Math.sqrt((value("zenith") ** 2 + (value("azimuth") * Math.sin(zenith)) ** 2) / 2);
  return Number.isFinite(sigma) ? sigma : undefined;
}

/** Alerts do not say how they were graded; who names their files does. */
const streamIn = (name: string): string | null =>
  /(?<![a-z])(gold|bronze)(?![a-z])/i.exec(name)?.[1]?.toLowerCase() ?? null;

/** @param name of the file it came in, as its sender calls it */
export function labelOf({ metadata }: Event, name: string): EventLabel {
  const { runId, eventId, mjd, eventType, isRealEvent } = metadata;
  return {
    name: eventName(metadata),
    ...{ run: runId, id: eventId, mjd, type: eventType, is_real: isRealEvent },
    stream: streamIn(name),
  };
}
