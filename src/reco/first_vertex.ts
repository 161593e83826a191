import { InputError } from "../config/errors.ts";
import type { Detector } from "../detector/detector.ts";
import type { Vertex } from "../geometry/track.ts";
import type { PulseMap } from "../i3/pulses.ts";
import { vertexSeed } from "../pulses/vertex_seed.ts";

/** The vertex seed for the first threshold (PE) that the event's charge exceeds. */
export function firstVertex(
  hlc: PulseMap,
  detector: Detector,
  thresholds: readonly number[],
): Vertex {
  for (const threshold of thresholds) {
    const vertex = vertexSeed(hlc, detector, threshold);
    if (vertex) return vertex;
  }
  throw new InputError(
    `no vertex seed: at no time do the HLC pulses of 3 µs exceed ${thresholds.at(-1)} PE`,
  );
}
