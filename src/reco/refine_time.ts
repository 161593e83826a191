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
  const direction = directionOfTravel(track);
  let closest: Beside | undefined;
  let time = track.time;
  for (const [key, series] of hlc) {
    const dom = detector.doms.get(key);
    if (!dom) continue;
    const beside = placeBeside(track, direction, dom);
    if (closest !== undefined && beside.squared >= closest.squared) continue;
    closest = beside;
    time = series[0]!.time;
  }
  return closest === undefined ? time : time - pathOf(closest) / speedOfLight;
}

interface Place {
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

/** How far along a track from its vertex a place is, m, and the square of its distance from the track, m². */
interface Beside {
  readonly along: number;
  readonly squared: number;
}

function placeBeside(
  track: Hypothesis,
  [nx, ny, nz]: ReturnType<typeof directionOfTravel>,
  { x, y, z }: Place,
): Beside {
  const [dx, dy, dz] = [x - track.x, y - track.y, z - track.z];
  const along = dx * nx + dy * ny + dz * nz;
  const [a, b, c] = [dx - along * nx, dy - along * ny, dz - along * nz];
  return { along, squared: a * a + b * b + c * c };
}

const pathOf = ({ along, squared }: Beside): number =>
  along +
  Math.sqrt(squared) * (1 / (CHERENKOV_COS * CHERENKOV_SIN) - CHERENKOV_COS / CHERENKOV_SIN);

/** The way of the track and its direct Cherenkov light from the vertex to a place, as m of the track's own. */
export const directPath = (track: Hypothesis, place: Place): number =>
  pathOf(placeBeside(track, directionOfTravel(track), place));
