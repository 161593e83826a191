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
  let closest = Number.POSITIVE_INFINITY;
  let time = track.time;
  for (const [key, series] of hlc) {
    const dom = detector.doms.get(key);
    if (!dom) continue;
    const { distance } = placeBeside(track, dom);
    if (distance >= closest) continue;
    closest = distance;
    time = series[0]!.time - directPath(track, dom) / speedOfLight;
  }
  return time;
}

interface Place {
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

/** How far along a track from its vertex, and beside it, a place is, m. */
function placeBeside(track: Hypothesis, { x, y, z }: Place): { along: number; distance: number } {
  const [nx, ny, nz] = directionOfTravel(track);
  const [dx, dy, dz] = [x - track.x, y - track.y, z - track.z];
  const along = dx * nx + dy * ny + dz * nz;
  return { along, distance: Math.hypot(dx - along * nx, dy - along * ny, dz - along * nz) };
}

/** The way of the track and its direct Cherenkov light from the vertex to a place, as m of the track's own. */
export function directPath(track: Hypothesis, place: Place): number {
  const { along, distance } = placeBeside(track, place);
  return along + distance * (1 / (CHERENKOV_COS * CHERENKOV_SIN) - CHERENKOV_COS / CHERENKOV_SIN);
}
