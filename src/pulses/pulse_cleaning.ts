import { InputError } from "../config/errors.ts";
import type { OMKey } from "../i3/omkey.ts";
import type { Pulse, PulseMap, TimeWindow } from "../i3/pulses.ts";
import { type CleanedPulses, LATE_RESIDUAL, medianTime } from "./late.ts";
import { median, weightedQuantile } from "./quantile.ts";

/** The event's time window: these quantiles of the charge, widened by a margin, ns. */
const FIRST_QUANTILE = 0.1;
const LAST_QUANTILE = 0.95;
const MARGIN = 1000;
/** A DOM whose pulses are typically further apart than this sees correlated noise, ns. */
const NOISE_GAP = 1200;

/**
 * Cleaning of millipede_wilks: cuts pulses to the event's time window, drops late pulses and whole
 * DOMs that see correlated noise only.
 * Throws InputError without any pulses.
 * @returns the pulses, the excluded windows of DOMs that lost pulses, and the event's time window
 */
export function cleanPulses(
  pulses: PulseMap,
  residual = LATE_RESIDUAL,
): CleanedPulses & { readonly window: TimeWindow } {
  const all = [...pulses.values()].flat();
  if (all.length === 0)
    throw new InputError("no pulses are left on strings 1 to 78: there is nothing to fit");
  const times = all.map((pulse) => pulse.time);
  const charges = all.map((pulse) => pulse.charge);
  const first = times.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const last = times.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const window = {
    start: Math.max(weightedQuantile(times, charges, FIRST_QUANTILE) - MARGIN, first),
    stop: Math.min(weightedQuantile(times, charges, LAST_QUANTILE) + MARGIN, last),
  };

  const kept = new Map<OMKey, readonly Pulse[]>();
  const excluded = new Map<OMKey, readonly TimeWindow[]>();
  for (const [key, series] of pulses) {
    const gaps = series.slice(1).map((pulse, i) => pulse.time - series[i]!.time);
    if (series.length > 2 && median(gaps) > NOISE_GAP) continue;
    const latest = Math.min(medianTime(series) + residual, window.stop);
    const inside = series.filter(({ time }) => time >= window.start && time < latest);
    if (inside.length > 0) kept.set(key, inside);
    // The late part is excluded for early pulses too: so does the reference.
    if (inside.length < series.length)
      excluded.set(key, [{ start: latest, stop: Number.POSITIVE_INFINITY }]);
  }
  return { pulses: kept, excluded, window };
}
