import { InputError } from "../config/errors.ts";
import { speedOfLight } from "../geometry/constants.ts";
import type { Bitmask } from "./classes/pulses.ts";
import { packSuperDst } from "./classes/superdst.ts";
import type { Frame, FrameRecord } from "./frame.ts";
import { encodeObject, type I3ClassName, type I3Object, type ObjectOf } from "./objects.ts";
import type { OMKey } from "./omkey.ts";
import type { Pulse, PulseMap } from "./pulses.ts";
import { utcText } from "./time.ts";

/**
 * Making frames: `encodeAlert([makeFrame("Q", {…}), makeFrame("P", {…})], …)` of envelope.ts is an alert
 * that this program and the reference software read.
 */

/** The C++ names that records carry beside the exported class names, where they differ. */
const TYPE_NAMES: Partial<Record<I3ClassName, string>> = {
  I3Double: "I3PODHolder<double>",
  I3Bool: "I3PODHolder<bool>",
  I3Int: "I3PODHolder<int>",
  I3String: "I3PODHolder<__cxx11::string >",
  I3RecoPulseSeriesMap: "I3Map<OMKey, vector<I3RecoPulse> >",
  I3TimeWindowSeriesMap: "I3Map<OMKey, I3TimeWindowSeries>",
  I3VectorChar: "I3Vector<char>",
  I3VectorOMKey: "I3Vector<OMKey>",
};

/**
 * A frame of these objects, keys in the order of their bytes as today's writers sort them.
 * @param stream one character: G, C, D, Q, P, …
 */
export function makeFrame(stream: string, objects: Readonly<Record<string, I3Object>>): Frame {
  if (!/^[A-Za-z]$/.test(stream)) throw new InputError(`"${stream}" is no stream of frames`);
  const records = new Map<string, FrameRecord>();
  for (const key of Object.keys(objects).sort()) {
    if (!/^[\x21-\x7e]+$/.test(key)) throw new InputError(`"${key}" is no key of a frame`);
    const object = objects[key]!;
    const typeName = TYPE_NAMES[object.type] ?? object.type;
    records.set(key, { key, typeName, buffer: encodeObject(object) });
  }
  return { stream, records };
}

/** Pulses in the compact record of the detector; lossy, see packSuperDst. */
export const superDstOf = (pulses: PulseMap): ObjectOf<"I3SuperDST"> => ({
  type: "I3SuperDST",
  ...packSuperDst(pulses),
});

function bitmaskOf(bits: readonly boolean[]): Bitmask {
  const bytes = new Uint8Array(Math.ceil(bits.length / 8));
  bits.forEach((bit, i) => {
    if (bit) bytes[i >> 3]! |= 1 << (i & 7);
  });
  return { length: bits.length, bytes };
}

/**
 * A selection of the pulses of another key.
 * @param source key of the series selected from, and what it resolves to (DOMs without pulses included)
 */
export function maskOf(
  source: string,
  pulses: PulseMap,
  keeps: (key: OMKey, pulse: Pulse) => boolean = () => true,
): ObjectOf<"I3RecoPulseSeriesMapMask"> {
  const masks = [...pulses].map(([key, series]) => series.map((pulse) => keeps(key, pulse)));
  const isKept = masks.map((bits) => bits.includes(true));
  return {
    type: "I3RecoPulseSeriesMapMask",
    source,
    omMask: bitmaskOf(isKept),
    elementMasks: masks.filter((_, i) => isKept[i]).map(bitmaskOf),
  };
}

/** What an event header's start may be given as: UTC, and how long the readout lasted (ns). */
export function eventHeaderOf(header: {
  readonly runId: number;
  readonly eventId: number;
  readonly start: Date;
  readonly durationNs: number;
  /** Name and number of the split; none in the Q frame's header. */
  readonly subEvent?: { readonly stream: string; readonly id: number };
}): ObjectOf<"I3EventHeader"> {
  const { runId, eventId, start, durationNs, subEvent } = header;
  const year = start.getUTCFullYear();
  // days with a leap second before the year's end were last in 2015
  if (year < 2016) throw new InputError(`event of ${year}: only years from 2016 on can be written`);
  const ticks = BigInt(start.getTime() - Date.UTC(year, 0, 1)) * 10_000_000n;
  return {
    type: "I3EventHeader",
    run_id: runId,
    sub_run_id: 0,
    event_id: eventId,
    state: 20,
    sub_event_id: subEvent?.id ?? 0,
    sub_event_stream: subEvent?.stream ?? "",
    start_time: { year, daq_time: ticks },
    end_time: { year, daq_time: ticks + BigInt(Math.round(10 * durationNs)) },
  };
}

/** A track (or, by shape, a cascade) as reconstructions leave it; energy, GeV, unset where not given. */
export function particleOf(particle: {
  readonly position: readonly [x: number, y: number, z: number];
  readonly zenith: number;
  readonly azimuth: number;
  readonly time: number;
  readonly energy?: number;
  readonly shape?: string;
  readonly pdgEncoding?: number;
}): ObjectOf<"I3Particle"> {
  const { position, zenith, azimuth, time, energy, shape, pdgEncoding } = particle;
  return {
    type: "I3Particle",
    minor_id: 0,
    major_id: 0n,
    pdg_encoding: pdgEncoding ?? 0,
    shape: shape ?? "InfiniteTrack",
    fit_status: "OK",
    pos: position,
    dir: { zenith, azimuth },
    time,
    energy: energy ?? Number.NaN,
    length: Number.NaN,
    speed: speedOfLight,
    location: "Anywhere",
  };
}

/** What an alert's message must say at least: `message` for encodeAlert, from the P frame's header. */
export function shortMessageOf(header: ObjectOf<"I3EventHeader">): Record<string, unknown> {
  const { run_id, event_id, start_time } = header;
  const run = `run${String(run_id).padStart(8, "0")}`;
  return {
    run_id,
    event_id,
    eventtime: utcText(start_time).slice(0, -3),
    unique_id: `${run}.evt${String(event_id).padStart(12, "0")}`,
  };
}
