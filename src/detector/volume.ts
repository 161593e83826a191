import { directionOfTravel, type Hypothesis } from "../geometry/track.ts";
import { omKey, stringOf } from "../i3/omkey.ts";
import type { Detector, Dom } from "./detector.ts";

interface Point {
  readonly x: number;
  readonly y: number;
}

/** The instrumented volume: an upright prism. The outline is not quite convex. */
export interface InstrumentedVolume {
  /** Corners of the outline in order, m. */
  readonly corners: readonly Point[];
  /** m. */
  readonly bottom: number;
  readonly top: number;
}

/** I3OMGeo::OMType of a DOM in the ice. */
const ICECUBE_DOM = 20;
/** Lowest DOM of a string. */
const LAST_OM = 60;
/** The strings at the edge of the 86-string array, counter-clockwise (M. G. Aartsen et al., JINST 12 (2017) P03012, fig. 2). */
const EDGE = [
  1, 2, 3, 4, 5, 6, 13, 21, 30, 40, 50, 59, 67, 74, 73, 72, 78, 77, 76, 75, 68, 60, 51, 41, 31, 22,
  14, 7,
];

/**
 * The volume between the edge strings, from the lowest DOM up to the height at which half of the
 * strings begin. A string stands where its lowest DOM is. So chosen because the reference's
 * intersections lie on these faces; a detector without an edge string has its corner cut.
 */
export function instrumentedVolume(detector: Detector): InstrumentedVolume {
  const doms = [...detector.doms.values()].filter((dom) => dom.omType === ICECUBE_DOM);
  const tops = new Map<number, number>();
  for (const { key, z } of doms)
    tops.set(stringOf(key), Math.max(z, tops.get(stringOf(key)) ?? Number.NEGATIVE_INFINITY));
  const heights = [...tops.values()].sort((a, b) => a - b);
  return {
    corners: EDGE.map((string) => detector.doms.get(omKey(string, LAST_OM))).filter(
      (dom): dom is Dom => dom !== undefined,
    ),
    bottom: Math.min(...doms.map((dom) => dom.z)),
    top: heights[Math.floor(heights.length / 2)] ?? Number.NEGATIVE_INFINITY,
  };
}

/**
 * Where an infinite line first enters and last leaves the volume.
 * @param track a point of the line (m) and the direction it comes from (rad)
 * @returns lengths from that point along the direction of travel (m), or undefined when it misses
 */
export function intersection(
  volume: InstrumentedVolume,
  track: Omit<Hypothesis, "time">,
): { readonly entry: number; readonly exit: number } | undefined {
  const [dx, dy, dz] = directionOfTravel(track);
  const { corners, bottom, top } = volume;
  const lengths: number[] = [];
  for (const height of [bottom, top]) {
    const length = (height - track.z) / dz;
    if (Number.isFinite(length) && isInside(corners, track.x + length * dx, track.y + length * dy))
      lengths.push(length);
  }
  corners.forEach((a, i) => {
    const b = corners[(i + 1) % corners.length]!;
    const [ex, ey] = [b.x - a.x, b.y - a.y];
    const cross = dx * ey - dy * ex;
    // a + share (b - a) = track + length d
    const length = ((a.x - track.x) * ey - (a.y - track.y) * ex) / cross;
    const share = ((a.x - track.x) * dy - (a.y - track.y) * dx) / cross;
    const z = track.z + length * dz;
    if (share >= 0 && share < 1 && z >= bottom && z <= top) lengths.push(length);
  });
  return lengths.length > 1
    ? { entry: Math.min(...lengths), exit: Math.max(...lengths) }
    : undefined;
}

/** Even-odd rule. */
function isInside(corners: readonly Point[], x: number, y: number): boolean {
  let inside = false;
  corners.forEach((a, i) => {
    const b = corners[(i + 1) % corners.length]!;
    if (a.y > y !== b.y > y && x < a.x + ((b.x - a.x) * (y - a.y)) / (b.y - a.y)) inside = !inside;
  });
  return inside;
}
