import type { Detector } from "../detector/detector.ts";
import { speedOfLight } from "../geometry/constants.ts";
import { directionOfTravel, type Hypothesis } from "../geometry/track.ts";
import type { PulseMap } from "../i3/pulses.ts";

/** Phase index of ice at 400 nm. The reference uses it for the light's speed here too, not the group index. */
const PHASE_INDEX = 1.3195;
const CHERENKOV_COS = 1 / PHASE_INDEX;
const CHERENKOV_SIN = Math.sqrt(1 - CHERENKOV_COS ** 2);

/**
 * The vertex time (ns) that makes the first HLC pulse of the DOM closest to the track direct Cherenkov
 * light. Equally close DOMs: the first in OMKey order. Without HLC pulses: the track's own time.
 */
export function refinedTime(track: Hypothesis, hlc: PulseMap, detector: Detector): number {
  const [nx, ny, nz] = directionOfTravel(track);
  let closest = Number.POSITIVE_INFINITY;
  let time = track.time;
  for (const [key, series] of hlc) {
    const dom = detector.doms.get(key);
    if (!dom) continue;
    const dx = dom.x - track.x;
    const dy = dom.y - track.y;
    const dz = dom.z - track.z;
    const along = dx * nx + dy * ny + dz * nz;
    const distance = Math.hypot(dx - along * nx, dy - along * ny, dz - along * nz);
    if (distance >= closest) continue;
    closest = distance;
    const path =
      along + distance * (1 / (CHERENKOV_COS * CHERENKOV_SIN) - CHERENKOV_COS / CHERENKOV_SIN);
    time = series[0]!.time - path / speedOfLight;
  }
  return time;
}
