import { InputError } from "../config/errors.ts";
import type { Event } from "../event/event.ts";
import { findOf, findRecord, keysOf, resolvePulses } from "../event/objects.ts";
import type { MuonTrack } from "../geometry/track.ts";
import type { PulseMap, TimeWindow, TimeWindowMap } from "../i3/pulses.ts";

/** How an alert's keys are called in its realtime format version. */
export interface InputNames {
  /** All pulses of the event's split, before cleaning. */
  readonly pulses: string;
  readonly splineMpe: string;
  readonly bestFit: string;
}

const NAMES_2021: InputNames = {
  pulses: "SplitUncleanedInIcePulses",
  splineMpe: "OnlineL2_SplineMPE",
  bestFit: "OnlineL2_BestFit",
};
const NAMES_2023: InputNames = {
  pulses: "SplitInIcePulses",
  splineMpe: "l2_online_SplineMPE",
  bestFit: "l2_online_BestFit",
};
const BY_VERSION: Readonly<Record<string, InputNames>> = {
  "2021a": NAMES_2021,
  "2023a": NAMES_2023,
  "2024a": NAMES_2023,
};

/**
 * The names of the event's version. Old alerts and bare frames have none; they, and versions not known
 * here, go by the newer names where the newer pulses are there.
 */
export function inputNames(event: Event): InputNames {
  const known = BY_VERSION[event.formatVersion];
  if (known) return known;
  const has = ({ pulses }: InputNames) => findRecord(event, pulses) !== undefined;
  return has(NAMES_2023) && !has(NAMES_2021) ? NAMES_2023 : NAMES_2021;
}

/** All pulses of the event before cleaning, but for those of DOMs left out. Throws InputError, naming what is present, without them. */
export function basePulses(event: Event): PulseMap {
  const pulses = resolvePulses(event, inputNames(event).pulses);
  const { leftOut } = event;
  if (leftOut === undefined) return pulses;
  return new Map([...pulses].filter(([key]) => !leftOut.has(key)));
}

/** Readout window of a pulse series, recorded as "<series>TimeRange". */
export function timeRange(event: Event, pulses: string): TimeWindow {
  const key = `${pulses}TimeRange`;
  const window = findOf(event, key, "I3TimeWindow");
  if (!window)
    throw new InputError(
      `the event has no readout window "${key}"; it has ${listed(event, "I3TimeWindow")}`,
    );
  return { start: window.start, stop: window.stop };
}

/** Time windows per DOM (CalibrationErrata, SaturationWindows); none where the event has no such key. */
export const timeWindows = (event: Event, key: string): TimeWindowMap =>
  findOf(event, key, "I3TimeWindowSeriesMap")?.windows ?? new Map();

/** A track of the frame whose fit succeeded. */
export function findTrack(event: Event, key: string): MuonTrack | undefined {
  const particle = findOf(event, key, "I3Particle");
  if (particle?.fit_status !== "OK") return undefined;
  const { pos, dir, time, energy } = particle;
  const { zenith, azimuth } = dir;
  const track = { x: pos[0], y: pos[1], z: pos[2], time, zenith, azimuth };
  return Object.values(track).every(Number.isFinite) ? { ...track, energy } : undefined;
}

/** The vertex the HESE filter found at the Pole; undefined for alerts of other kinds. */
export function heseVertex(
  event: Event,
): { x: number; y: number; z: number; time: number } | undefined {
  // The original takes the vertex where the veto's verdict is there, whatever it says.
  if (!findRecord(event, "HESE_VHESelfVeto")) return undefined;
  const position = findOf(event, "HESE_VHESelfVetoVertexPos", "I3Position");
  const time = findOf(event, "HESE_VHESelfVetoVertexTime", "I3Double");
  if (!position || !time) return undefined;
  const [x, y, z] = position.value;
  return { x, y, z, time: time.value };
}

/** The event's keys of one class (a C++ name), for error messages. */
export function listed(event: Event, typeName: string): string {
  const keys = keysOf(event).filter((key) => findRecord(event, key)?.typeName === typeName);
  return keys.length > 0 ? keys.join(", ") : "none of that kind";
}
