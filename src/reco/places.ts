import type { Detector } from "../detector/detector.ts";
import { speedOfLight } from "../geometry/constants.ts";
import { type Direction, directionOfTravel, type Vertex } from "../geometry/track.ts";
import type { PulseMap } from "../i3/pulses.ts";
import type { Place } from "./reco.ts";

/**
 * The middle of an event's light: the DOMs' mean place and first pulses' mean time, weighted by the square root of their
 * charge. About it a track turns least in the likelihood's eyes.
 */
export function middleOf(pulses: PulseMap, detector: Detector): Vertex {
  let [x, y, z, time, total] = [0, 0, 0, 0, 1e-9];
  for (const [key, series] of pulses) {
    const dom = detector.doms.get(key);
    const charge = series.reduce((sum, pulse) => sum + pulse.charge, 0);
    if (dom === undefined || !(charge > 0)) continue;
    const weight = Math.sqrt(charge);
    x += weight * dom.x;
    y += weight * dom.y;
    z += weight * dom.z;
    time += weight * series[0]!.time;
    total += weight;
  }
  return { x: x / total, y: y / total, z: z / total, time: time / total };
}

/** The place of a track, by any of its vertices. */
export function placeOf(
  { x, y, z, time, llh }: Vertex & { readonly llh: number },
  direction: Direction,
  middle: Vertex,
): Place {
  const [nx, ny, nz] = directionOfTravel(direction);
  const length = speedOfLight * (middle.time - time);
  return {
    x: x + length * nx - middle.x,
    y: y + length * ny - middle.y,
    z: z + length * nz - middle.z,
    llh,
  };
}

/** The track's vertex at the middle time. */
export const vertexOf = (place: Place, middle: Vertex): Vertex & { readonly llh: number } => ({
  x: middle.x + place.x,
  y: middle.y + place.y,
  z: middle.z + place.z,
  time: middle.time,
  llh: place.llh,
});
