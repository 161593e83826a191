import type { OMKey } from "../i3/omkey.ts";
import type { Pulse, PulseMap, TimeWindow, TimeWindowMap } from "../i3/pulses.ts";
import { weightedQuantile } from "./quantile.ts";
import { selectPulses } from "./select.ts";

/** Pulses so much later than a DOM's median are after-pulses or scattered light of other particles, ns. */
export const LATE_RESIDUAL = 1500;

export interface CleanedPulses {
  readonly pulses: PulseMap;
  /** Per DOM, the times at which pulses were dropped: not to be counted as dark. */
  readonly excluded: TimeWindowMap;
}

/** Charge-weighted median of the pulse times of one DOM, ns. */
export const medianTime = (series: readonly Pulse[]): number =>
  weightedQuantile(
    series.map((pulse) => pulse.time),
    series.map((pulse) => pulse.charge),
    0.5,
  );

/**
 * Drops, per DOM with two pulses or more, those at or after its charge-weighted median + `residual` (ns);
 * the dropped part is the excluded window [median + residual, ∞).
 */
export function dropLatePulses(pulses: PulseMap, residual = LATE_RESIDUAL): CleanedPulses {
  const excluded = new Map<OMKey, readonly TimeWindow[]>();
  for (const [key, series] of pulses) {
    if (series.length < 2) continue;
    const latest = medianTime(series) + residual;
    if (series.some((pulse) => pulse.time >= latest))
      excluded.set(key, [{ start: latest, stop: Number.POSITIVE_INFINITY }]);
  }
  return {
    pulses: selectPulses(
      pulses,
      (key, { time }) => time < (excluded.get(key)?.[0]?.start ?? Number.POSITIVE_INFINITY),
    ),
    excluded,
  };
}
