import { InputError } from "../config/errors.ts";
import type { Detector, Dom } from "../detector/detector.ts";
import { formatOMKey, type OMKey } from "../i3/omkey.ts";
import { PulseFlag, type PulseMap } from "../i3/pulses.ts";
import { selectPulses } from "./select.ts";

export interface SeededRtSettings {
  /** Two pulses belong together within this distance of their DOMs, m … */
  readonly radius: number;
  /** … and this difference of their times, ns (both limits included). A DOM coincides with itself. */
  readonly time: number;
  /** An HLC pulse with at least so many other HLC pulses around it is a seed. */
  readonly seedNeighbours: number;
  readonly rounds: number;
}

/** IceCube's standard setting for muon pulses: HLC core hits as seeds, no dust-layer correction. */
export const STANDARD_SEEDED_RT: SeededRtSettings = {
  radius: 150,
  time: 1000,
  seedNeighbours: 2,
  rounds: 3,
};

/**
 * Seeded radius-time cleaning: keeps the seeds and, round by round, every pulse close in space and
 * time to one already kept. Without any seed all HLC pulses are seeds.
 * Throws InputError for a pulse on a DOM the detector does not have.
 */
export function cleanSeededRt(
  pulses: PulseMap,
  detector: Detector,
  settings: SeededRtSettings = STANDARD_SEEDED_RT,
): PulseMap {
  const keys = [...pulses.keys()];
  const doms = keys.map((key) => domAt(detector, key));
  const times = keys.map((key) => Float64Array.from(pulses.get(key)!, (pulse) => pulse.time));
  const isHlc = keys.map((key) =>
    Uint8Array.from(pulses.get(key)!, (pulse) => ((pulse.flags & PulseFlag.LC) !== 0 ? 1 : 0)),
  );
  const near = neighbours(doms, settings.radius);

  let fresh = seeds(times, isHlc, near, settings);
  if (!fresh.some((marks) => marks.includes(1))) fresh = isHlc;
  const kept = fresh.map((marks) => marks.slice());
  for (let round = 0; round < settings.rounds; round++) {
    // Only what the last round added can reach anything new.
    const added = kept.map((marks) => new Uint8Array(marks.length));
    let any = false;
    fresh.forEach((from, a) => {
      if (!from.includes(1)) return;
      for (const b of near[a]!)
        if (kept[b]!.includes(0))
          any = reach(times[a]!, from, times[b]!, kept[b]!, added[b]!, settings.time) || any;
    });
    if (!any) break;
    fresh = added;
  }
  const dom = new Map(keys.map((key, i) => [key, i]));
  return selectPulses(pulses, (key, _, index) => kept[dom.get(key)!]![index] === 1);
}

/** Marks HLC pulses with enough other HLC pulses around them. */
function seeds(
  times: readonly Float64Array[],
  isHlc: readonly Uint8Array[],
  near: readonly (readonly number[])[],
  settings: SeededRtSettings,
): Uint8Array[] {
  const hlc = times.map((series, i) => series.filter((_, j) => isHlc[i]![j] === 1));
  return times.map((series, a) => {
    // Each HLC pulse counts itself once.
    const enough = settings.seedNeighbours + 1;
    const counts = new Uint32Array(series.length);
    for (const b of near[a]!) {
      if (counts.every((count, i) => count >= enough || isHlc[a]![i] === 0)) break;
      const others = hlc[b]!;
      let low = 0;
      let high = 0;
      for (let i = 0; i < series.length; i++) {
        while (low < others.length && series[i]! - others[low]! > settings.time) low++;
        if (high < low) high = low;
        while (high < others.length && others[high]! - series[i]! <= settings.time) high++;
        counts[i]! += high - low;
      }
    }
    return Uint8Array.from(series, (_, i) => (isHlc[a]![i] === 1 && counts[i]! >= enough ? 1 : 0));
  });
}

/** Adds the pulses of one DOM that are close in time to a marked pulse of another; true if any was new. */
function reach(
  fromTimes: Float64Array,
  from: Uint8Array,
  times: Float64Array,
  kept: Uint8Array,
  added: Uint8Array,
  limit: number,
): boolean {
  let any = false;
  let before = Number.NEGATIVE_INFINITY; // the last marked time at or before the pulse
  let next = 0;
  for (let i = 0; i < times.length; i++) {
    const time = times[i]!;
    for (; next < fromTimes.length && fromTimes[next]! <= time; next++)
      if (from[next] === 1) before = fromTimes[next]!;
    if (kept[i] === 1) continue;
    let after = next;
    while (after < fromTimes.length && from[after] === 0 && fromTimes[after]! - time <= limit)
      after++;
    if (
      time - before <= limit ||
      (after < fromTimes.length && from[after] === 1 && fromTimes[after]! - time <= limit)
    ) {
      kept[i] = 1;
      added[i] = 1;
      any = true;
    }
  }
  return any;
}

/** For each DOM the indices of those within `radius`, itself first; found by a sweep along x. */
function neighbours(doms: readonly Dom[], radius: number): number[][] {
  const order = doms.map((_, i) => i).sort((a, b) => doms[a]!.x - doms[b]!.x);
  const near = doms.map((_, i) => [i]);
  for (let first = 0; first < order.length; first++) {
    const i = order[first]!;
    const dom = doms[i]!;
    for (let next = first + 1; next < order.length; next++) {
      const j = order[next]!;
      const x = doms[j]!.x - dom.x;
      if (x > radius) break;
      const y = doms[j]!.y - dom.y;
      const z = doms[j]!.z - dom.z;
      if (Math.sqrt(x * x + y * y + z * z) > radius) continue;
      near[i]!.push(j);
      near[j]!.push(i);
    }
  }
  return near;
}

function domAt(detector: Detector, key: OMKey): Dom {
  const dom = detector.doms.get(key);
  if (!dom)
    throw new InputError(
      `the event has pulses on DOM ${formatOMKey(key)}, which the detector (${detector.source}) does not have`,
    );
  return dom;
}
