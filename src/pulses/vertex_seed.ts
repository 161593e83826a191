import type { Detector } from "../detector/detector.ts";
import type { Vertex } from "../geometry/track.ts";
import type { PulseMap } from "../i3/pulses.ts";

/** Light is collected over this time before it counts as the event's start, ns. */
const WINDOW = 3000;
/** A DOM holding more than this share of all charge is not believed. */
const MAX_SHARE = 0.9;

/**
 * Where and when the event begins, as the veto for starting events defines it (VHESelfVeto): the first
 * moment at which the charge of the last 3 µs exceeds `threshold` (PE), and the charge-weighted mean
 * position of that light.
 * @param hlc pulses in hard local coincidence
 * @returns undefined when the charge never exceeds the threshold
 */
export function vertexSeed(
  hlc: PulseMap,
  detector: Detector,
  threshold: number,
): Vertex | undefined {
  const hits: { time: number; charge: number; x: number; y: number; z: number }[] = [];
  let total = 0;
  for (const series of hlc.values()) for (const pulse of series) total += pulse.charge;
  for (const [key, series] of hlc) {
    const dom = detector.doms.get(key);
    if (!dom) continue;
    let own = 0;
    for (const pulse of series) own += pulse.charge;
    if (own > MAX_SHARE * total) continue;
    for (const { time, charge } of series)
      hits.push({ time, charge, x: dom.x, y: dom.y, z: dom.z });
  }
  hits.sort((a, b) => a.time - b.time);

  let charge = 0;
  let oldest = 0;
  for (let i = 0; i < hits.length; i++) {
    charge += hits[i]!.charge;
    while (hits[i]!.time - hits[oldest]!.time > WINDOW) charge -= hits[oldest++]!.charge;
    if (charge > threshold) {
      const inside = hits.slice(oldest, i + 1);
      const weight = inside.reduce((sum, hit) => sum + hit.charge, 0);
      const mean = (axis: "x" | "y" | "z") =>
        inside.reduce((sum, hit) => sum + hit.charge * hit[axis], 0) / weight;
      return { x: mean("x"), y: mean("y"), z: mean("z"), time: hits[i]!.time };
    }
  }
  return undefined;
}
