/** Directions that an alert itself records, to be drawn on its map. */

import type { Event } from "../event/event.ts";
import { findOf } from "../event/objects.ts";
import { TRUE_TRACK } from "../event/truth.ts";
import { momentAt, toEquatorial } from "../native/sky.ts";
import { findTrack, inputNames } from "../pulses/inputs.ts";
import type { Direction } from "../sky/healpix.ts";

export interface Landmarks {
  /** Where a simulated event truly came from. */
  readonly truth?: Direction;
  /** The reconstruction that came with the alert. */
  readonly online?: OnlineTrack;
}

export interface OnlineTrack extends Direction {
  readonly name: string;
  /** Of the circle that holds half of a Gaussian, rad; absent where the alert states no error. */
  readonly radius50?: number;
  /** Which error that is. */
  readonly error?: string;
}

/** Radius that holds half of a two-dimensional Gaussian, in its σ: √(2 ln 2). */
const HALF = Math.sqrt(2 * Math.LN2);
/** And the one of 90 % in that of 50 %: √(ln 10 / ln 2). */
export const NINETY_IN_FIFTY = Math.sqrt(Math.LN10 / Math.LN2);

/** What an event records of where it came from. */
export function landmarksOf(event: Event): Landmarks {
  const moment = momentAt(event.metadata.mjd);
  const truth = findOf(event, TRUE_TRACK, "I3Particle")?.dir;
  const { splineMpe, bestFit } = inputNames(event);
  const name = [splineMpe, bestFit].find((key) => findTrack(event, key) !== undefined);
  const track = name === undefined ? undefined : findTrack(event, name);
  return {
    ...(truth && { truth: toEquatorial(truth.zenith, truth.azimuth, moment) }),
    ...(name !== undefined &&
      track && {
        online: {
          name,
          ...toEquatorial(track.zenith, track.azimuth, moment),
          ...errorOf(event, [name, bestFit], track.zenith),
        },
      }),
  };
}

/** Of the first track that states one. Cramér and Rao's bound before the bootstrap, which knows the pulses alone. */
function errorOf(event: Event, names: readonly string[], zenith: number) {
  const value = (key: string) => findOf(event, key, "I3Double")?.value;
  for (const name of names) {
    const [sigmaZenith, sigmaAzimuth] = ["zenith", "azimuth"].map((axis) =>
      value(`${name}_CramerRao_cr_${axis}`),
    );
    if (!sigmaZenith || !sigmaAzimuth) continue;
    const sigma = Math.hypot(sigmaZenith, sigmaAzimuth * Math.sin(zenith)) / Math.SQRT2;
    if (Number.isFinite(sigma)) return { radius50: HALF * sigma, error: "Cramér–Rao" };
  }
  for (const name of names) {
    const sigma = value(`${name}_Bootstrap_Angular`);
    if (sigma !== undefined && sigma > 0) return { radius50: HALF * sigma, error: "bootstrap" };
  }
  return {};
}
