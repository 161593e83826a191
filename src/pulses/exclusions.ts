import type { Detector } from "../detector/detector.ts";
import type { Event } from "../event/event.ts";
import { type OMKey, omOf, stringOf } from "../i3/omkey.ts";
import type { PulseMap, TimeWindow, TimeWindowMap } from "../i3/pulses.ts";
import { timeWindows } from "./inputs.ts";
import { isDeepCore } from "./strings.ts";

/** I3OMGeo::OMType of IceCube's DOMs in the ice. */
const ICECUBE_DOM = 20;

/** A window that leaves nothing. */
export const ALWAYS: TimeWindow = {
  start: Number.NEGATIVE_INFINITY,
  stop: Number.POSITIVE_INFINITY,
};

/** DOMs in the ice on strings 79 to 86. */
export const deepCoreDoms = (detector: Detector): OMKey[] =>
  inIce(detector).filter((key) => isDeepCore(key));

/** DOMs that hold more than `threshold` times the mean charge of the DOMs hit. */
export function brightDoms(pulses: PulseMap, threshold: number): OMKey[] {
  const charges = [...pulses].map(([key, series]): [OMKey, number] => [
    key,
    series.reduce((sum, pulse) => sum + pulse.charge, 0),
  ]);
  const mean = charges.reduce((sum, [, charge]) => sum + charge, 0) / charges.length;
  return charges.filter(([, charge]) => charge > threshold * mean).map(([key]) => key);
}

/** Strings of the sparse grid on which DOMs without light still count … */
const GRID_STRINGS = new Set([
  1, 3, 5, 14, 16, 18, 20, 31, 33, 35, 37, 39, 51, 53, 55, 57, 59, 68, 70, 72, 74,
]);
/** … every fifth of them, from the first on. */
const GRID_STEP = 5;

/** DOMs in the ice without pulses, other than a sparse grid of them (millipede_wilks). */
export const unhitDoms = (pulses: PulseMap, detector: Detector): OMKey[] =>
  inIce(detector).filter(
    (key) => !pulses.has(key) && !(GRID_STRINGS.has(stringOf(key)) && omOf(key) % GRID_STEP === 1),
  );

/**
 * What high-energy fits leave out, whatever their cleaning: bad DOMs, DeepCore, DOMs that saturated or
 * are bright (all of their time), and calibration errata (their windows). With the late pulses' windows
 * `late` and further DOMs `others`.
 * @param pulses the series that decides which DOMs are bright: before late pulses were dropped
 * @param brightThreshold in units of the mean charge of the DOMs hit
 */
export function highEnergyExclusions(
  event: Event,
  detector: Detector,
  pulses: PulseMap,
  brightThreshold: number,
  late: TimeWindowMap,
  others: readonly OMKey[] = [],
): TimeWindowMap {
  return excludedWindows(
    [
      detector.badDoms,
      deepCoreDoms(detector),
      timeWindows(event, "SaturationWindows").keys(),
      brightDoms(pulses, brightThreshold),
      others,
    ],
    [timeWindows(event, "CalibrationErrata"), late],
  );
}

/**
 * All that is excluded, DOM by DOM in OMKey order.
 * @param whole DOMs excluded altogether: one window [-∞, ∞) each
 * @param windows windows excluded on other DOMs; those that touch or overlap are joined
 */
export function excludedWindows(
  whole: readonly Iterable<OMKey>[],
  windows: readonly TimeWindowMap[],
): TimeWindowMap {
  const excluded = new Map<OMKey, readonly TimeWindow[]>();
  for (const map of windows)
    for (const [key, more] of map) excluded.set(key, [...(excluded.get(key) ?? []), ...more]);
  for (const [key, all] of excluded) excluded.set(key, joined(all));
  for (const keys of whole) for (const key of keys) excluded.set(key, [ALWAYS]);
  return new Map([...excluded].sort(([a], [b]) => a - b));
}

function joined(windows: readonly TimeWindow[]): TimeWindow[] {
  const result: TimeWindow[] = [];
  for (const window of [...windows].sort((a, b) => a.start - b.start)) {
    const last = result.at(-1);
    if (last && window.start <= last.stop)
      result[result.length - 1] = {
        start: last.start,
        stop: Math.max(last.stop, window.stop),
      };
    else result.push(window);
  }
  return result;
}

const inIce = (detector: Detector): OMKey[] =>
  [...detector.doms.values()].filter((dom) => dom.omType === ICECUBE_DOM).map((dom) => dom.key);
