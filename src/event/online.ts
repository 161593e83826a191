// Where an alert was thought to come from when it was sent, and, where it is simulated, where it does.
import { momentAt, toEquatorial } from "../native/sky.ts";
import type { Event } from "./event.ts";
import { findOf } from "./objects.ts";
import { TRUE_TRACK } from "./truth.ts";

/** The direction an alert came with, J2000, rad. */
export interface OnlineDirection {
  readonly ra: number;
  readonly dec: number;
  /** Radii that hold 50 and 90 %, rad; null where the alert has none. */
  readonly r50: number | null;
  readonly r90: number | null;
  /** Which reconstruction it is: the key in the alert. */
  readonly kind: string;
}

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

/** The direction a simulated event truly came from, J2000, rad; undefined for all others. */
export function trueDirection(event: Event): { ra: number; dec: number } | undefined {
  const truth = findOf(event, TRUE_TRACK, "I3Particle");
  if (truth === undefined) return undefined;
  const { zenith, azimuth } = truth.dir;
  return toEquatorial(zenith, azimuth, momentAt(event.metadata.mjd));
}
