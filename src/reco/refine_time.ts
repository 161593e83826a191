import type { Detector } from "../detector/detector.ts";
import { speedOfLight } from "../geometry/constants.ts";
import { directionOfTravel, type Hypothesis } from "../geometry/track.ts";
import type { PulseMap } from "../i3/pulses.ts";

/** Phase index of ice at 400 nm. The reference uses it for the light's speed here too, not the group index. */
const PHASE_INDEX = 1.3195;
const CHERENKOV_COS = 1 / PHASE_INDEX;
const CHERENKOV_SIN = Math.sqrt(1 - CHERENKOV_COS ** 2);

/** Where the DOMs with HLC pulses are, and when each has its first: x, y, z (m), time (ns), DOM by DOM in OMKey order. */
interface FirstHits {
  readonly detector: Detector;
  readonly numbers: Float64Array;
}

/** An event's seeds ask for them thousands of times. */
const known = new WeakMap<PulseMap, FirstHits>();

function firstHits(hlc: PulseMap, detector: Detector): Float64Array {
  const before = known.get(hlc);
  if (before?.detector === detector) return before.numbers;
  const numbers = Float64Array.from(
    [...hlc].flatMap(([key, series]) => {
      const dom = detector.doms.get(key);
      return dom ? [dom.x, dom.y, dom.z, series[0]!.time] : [];
    }),
  );
  known.set(hlc, { detector, numbers });
  return numbers;
}

/**
 * The vertex time (ns) that makes the first HLC pulse of the DOM closest to the track direct Cherenkov
 * light. Equally close DOMs: the first in OMKey order. Without HLC pulses: the track's own time.
 */
export function refinedTime(track: Hypothesis, hlc: PulseMap, detector: Detector): number {
  const hits = firstHits(hlc, detector);
  const at = closestHit(hits, track, directionOfTravel(track));
  if (at === undefined) return track.time;
  const dom = { x: hits[at]!, y: hits[at + 1]!, z: hits[at + 2]! };
  return hits[at + 3]! - directPath(track, dom) / speedOfLight;
}

/**
 * Where in the list the hit closest to a track begins; undefined in an empty one. As in placeBeside, but without an object
 * for each of the ten million DOMs that a scan's seeds look at, and with nothing else in it: it is compiled at once.
 */
function closestHit(hits: Float64Array, track: Place, direction: Direct): number | undefined {
  const { x, y, z } = track;
  const nx = direction[0];
  const ny = direction[1];
  const nz = direction[2];
  let closest: number | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (let at = 0; at < hits.length; at += 4) {
    const dx = hits[at]! - x;
    const dy = hits[at + 1]! - y;
    const dz = hits[at + 2]! - z;
    const along = dx * nx + dy * ny + dz * nz;
    const a = dx - along * nx;
    const b = dy - along * ny;
    const c = dz - along * nz;
    const squared = a * a + b * b + c * c;
    if (closest !== undefined && squared >= least) continue;
    closest = at;
    least = squared;
  }
  return closest;
}

type Direct = ReturnType<typeof directionOfTravel>;

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

function placeBeside(track: Hypothesis, [nx, ny, nz]: Direct, { x, y, z }: Place): Beside {
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
