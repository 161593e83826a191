import type { PulseMap, TimeWindow } from "../i3/pulses.ts";
import { selectPulses } from "./select.ts";

/** Times of all pulses, ascending, ns. */
export function sortedTimes(pulses: PulseMap): Float64Array {
  const times: number[] = [];
  for (const series of pulses.values()) for (const pulse of series) times.push(pulse.time);
  return Float64Array.from(times).sort();
}

/** First and last pulse time, ns; undefined without pulses. */
export function pulseSpan(pulses: PulseMap): TimeWindow | undefined {
  let start = Number.POSITIVE_INFINITY;
  let stop = Number.NEGATIVE_INFINITY;
  for (const series of pulses.values())
    for (const { time } of series) {
      if (time < start) start = time;
      if (time > stop) stop = time;
    }
  return start <= stop ? { start, stop } : undefined;
}

/**
 * The pulses inside the window of the given length (ns, both ends included) that holds most of them;
 * the earliest such window on a tie.
 */
export function cleanTimeWindow(pulses: PulseMap, length: number): PulseMap {
  const times = sortedTimes(pulses);
  let start = 0;
  let best = 0;
  for (let first = 0, end = 0; first < times.length; first++) {
    while (end < times.length && times[end]! - times[first]! <= length) end++;
    if (end - first > best) {
      best = end - first;
      start = times[first]!;
    }
  }
  return selectPulses(pulses, (_, { time }) => time >= start && time - start <= length);
}
