import type { OMKey } from "../i3/omkey.ts";
import type { Pulse, PulseMap } from "../i3/pulses.ts";

/** The pulses for which `keep` holds, in their order; DOMs left without any are absent. */
export function selectPulses(
  pulses: PulseMap,
  keep: (key: OMKey, pulse: Pulse, index: number) => boolean,
): PulseMap {
  const kept = new Map<OMKey, readonly Pulse[]>();
  for (const [key, series] of pulses) {
    const chosen = series.filter((pulse, index) => keep(key, pulse, index));
    if (chosen.length === series.length) kept.set(key, series);
    else if (chosen.length > 0) kept.set(key, chosen);
  }
  return kept;
}

/** The DOMs for which `keep` holds, with all their pulses. */
export function selectDoms(pulses: PulseMap, keep: (key: OMKey) => boolean): PulseMap {
  return new Map([...pulses].filter(([key]) => keep(key)));
}
