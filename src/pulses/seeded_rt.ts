import { InputError } from "../config/errors.ts";
import type { Detector, Dom } from "../detector/detector.ts";
import { domName, type OMKey } from "../i3/omkey.ts";
import { PulseFlag, type PulseMap } from "../i3/pulses.ts";
import { selectPulses } from "./select.ts";

export interface SeededRtSettings {
  /** Two pulses belong together within this distance of their DOMs, m … */
  readonly radius: number;
  /** … and this difference of their times, ns (both limits included). A DOM coincides with itself. */
  readonly time: number;
  /**
   * An HLC pulse is a seed when at least so many DOMs hold another HLC pulse around it. Its own DOM is one of
   * them if it does; a DOM counts once, however many pulses it holds.
   */
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
  const near = neighbours(
    keys.map((key) => domAt(detector, key)),
    settings.radius,
  );
  const series = keys.map((key) => pulses.get(key)!);
  const timesOf = (chosen: (dom: number, pulse: number) => boolean) =>
    series.map((all, dom) =>
      Float64Array.from(
        all.filter((_, pulse) => chosen(dom, pulse)),
        (pulse) => pulse.time,
      ),
    );
  const isAround = (times: readonly Float64Array[], dom: number, time: number) =>
    near[dom]!.some((other) => countWithin(times[other]!, time, settings.time, 1) > 0);

  const isHlc = (dom: number, pulse: number) => (series[dom]![pulse]!.flags & PulseFlag.LC) !== 0;
  const hlc = timesOf(isHlc);
  const isSeed = (dom: number, time: number) => {
    let neighbouring = 0;
    for (const other of near[dom]!) {
      // The pulse itself is on its own DOM, and is not another.
      const needed = other === dom ? 2 : 1;
      if (countWithin(hlc[other]!, time, settings.time, needed) < needed) continue;
      if (++neighbouring >= settings.seedNeighbours) return true;
    }
    return false;
  };
  const kept = series.map((all, dom) =>
    all.map(({ time }, pulse) => isHlc(dom, pulse) && isSeed(dom, time)),
  );
  if (!kept.some((marks) => marks.includes(true)))
    kept.forEach((marks, dom) => {
      for (let pulse = 0; pulse < marks.length; pulse++) marks[pulse] = isHlc(dom, pulse);
    });

  // Only what the round before has added can reach anything new.
  let fresh = timesOf((dom, pulse) => kept[dom]![pulse]!);
  for (let round = 0; round < settings.rounds; round++) {
    const reached = kept.map((marks, dom) =>
      marks.map((mark, pulse) => !mark && isAround(fresh, dom, series[dom]![pulse]!.time)),
    );
    fresh = timesOf((dom, pulse) => reached[dom]![pulse]!);
    if (fresh.every((times) => times.length === 0)) break;
    reached.forEach((marks, dom) => {
      for (let pulse = 0; pulse < marks.length; pulse++) kept[dom]![pulse] ||= marks[pulse]!;
    });
  }
  const index = new Map(keys.map((key, dom) => [key, dom]));
  return selectPulses(pulses, (key, _, pulse) => kept[index.get(key)!]![pulse]!);
}

/** How many of the ascending `times` differ from `time` by at most `limit`, counted up to `most`. */
function countWithin(times: Float64Array, time: number, limit: number, most: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (time - times[middle]! > limit) low = middle + 1;
    else high = middle;
  }
  let count = 0;
  while (count < most && low < times.length && times[low]! - time <= limit) {
    count++;
    low++;
  }
  return count;
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
      `the event has pulses on DOM ${domName(key)}, which the detector (${detector.source}) does not have`,
    );
  return dom;
}
