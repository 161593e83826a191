import type { MapDiff, StationDiff } from "../i3/classes/differences.ts";
import type { PulseMask } from "../i3/classes/pulses.ts";
import { countBits } from "../i3/classes/pulses.ts";
import type { DetectorStatus, TriggerStatus } from "../i3/classes/status.ts";
import { superDstPulses } from "../i3/classes/superdst.ts";
import { inContext } from "../i3/context.ts";
import type { Alert } from "../i3/envelope.ts";
import type { Frame, FrameRecord } from "../i3/frame.ts";
import { classOf, type I3Object, objectOf } from "../i3/objects.ts";
import { domName, type OMKey, omOf, stringOf } from "../i3/omkey.ts";
import type { PulseMap, TimeWindowMap } from "../i3/pulses.ts";
import { type Event, type EventMetadata, METADATA_VERSION } from "./event.ts";
import { type FrameView, resolvePulses, seenFrom } from "./objects.ts";

/** What JSON can hold; NaN becomes null when it is printed. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

function byDom<V>(map: ReadonlyMap<OMKey, V>, convert: (value: V) => Json): Json {
  return Object.fromEntries([...map].map(([key, value]) => [domName(key), convert(value)]));
}

/** Pulses per DOM: `"<string>,<om>": [[time, charge, width, flags], …]` (ns, PE, ns). */
export const pulsesJson = (pulses: PulseMap): Json =>
  byDom(pulses, (series) =>
    series.map(({ time, charge, width, flags }) => [time, charge, width, flags]),
  );

/** Time windows per DOM: `"<string>,<om>": [[start, stop], …]` (ns). */
export const windowsJson = (windows: TimeWindowMap): Json =>
  byDom(windows, (series) => series.map(({ start, stop }) => [start, stop]));

/** An exact integer: a number where that is exact, else its decimal digits. */
const integer = (value: bigint): Json =>
  BigInt(Number(value)) === value && Number.isSafeInteger(Number(value))
    ? Number(value)
    : String(value);

/** Numbers, strings and arrays as they are; 64-bit integers exact, bytes as base64, maps as objects. */
function plain(value: unknown): Json {
  if (typeof value === "bigint") return integer(value);
  if (value instanceof Uint8Array) return { base64: value.toBase64(), length: value.length };
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as Iterable<unknown>, plain);
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, item]) => [String(key), plain(item)]));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  return value as Json;
}

const domList = (keys: readonly OMKey[]): Json => keys.map((key) => [stringOf(key), omOf(key)]);

const domMapDiff = <V>({ plus, minus }: MapDiff<OMKey, V>): { [key: string]: Json } => ({
  plus: byDom(plus, plain),
  minus: domList(minus),
});

const triggerJson = ({ name, settings, readout }: TriggerStatus): Json => ({
  name,
  settings: plain(settings),
  readout: [...readout].map(([subdetector, { minus, plus, offset }]) => [
    subdetector,
    [minus, plus, offset],
  ]),
});

function triggersJson(triggers: DetectorStatus["trigger_status"]): Json {
  return Object.fromEntries([...triggers].map(([key, status]) => [key, triggerJson(status)]));
}

function stationJson({ tanks, ...station }: StationDiff): Json {
  const tankList = tanks?.diff.map((tank) => ({ ...tank, oms: domList(tank.oms) }));
  return plain(tanks ? { ...station, tanks: { ...tanks, diff: tankList } } : station);
}

/** Surface stations by their number. */
const byStation = <T>(map: ReadonlyMap<number, T>, convert: (station: T) => Json): Json =>
  Object.fromEntries([...map].map(([station, value]) => [String(station), convert(value)]));

/** The value of an object as `event --json` shows it. `view` resolves what a mask keeps. */
function valueJson(view: FrameView, key: string, object: I3Object): Json {
  const { type, ...members } = object;
  switch (object.type) {
    case "I3Direction":
    case "I3Time":
      return plain(members);
    case "I3TimeWindow":
      return [object.start, object.stop];
    case "I3TimeWindowSeriesMap":
      return windowsJson(object.windows);
    case "I3VectorOMKey":
      return domList(object.value);
    case "I3RecoPulseSeriesMap":
      return { pulses: pulsesJson(object.pulses) };
    case "I3RecoPulseSeriesMapMask":
      return { ...maskJson(object), pulses: pulsesJson(resolvePulses(view, key)) };
    case "I3RecoPulseSeriesMapUnion":
      return { keys: [...object.keys], pulses: pulsesJson(resolvePulses(view, key)) };
    case "I3SuperDST":
      return { n_readouts: object.readouts.length, pulses: pulsesJson(superDstPulses(object)) };
    case "I3SuperDSTTriggerSeries":
      return plain(object.triggers);
    case "I3PortiaEvent": {
      const named = Object.entries(members).map(([name, value]) =>
        name.includes("_om") ? [name, domName(value as OMKey)] : [name, value],
      );
      return Object.fromEntries(named);
    }
    case "I3Geometry":
      return {
        ...(plain({ ...members, omgeo: null, stationgeo: null }) as object),
        omgeo: byDom(object.omgeo, plain),
        stationgeo: byStation(object.stationgeo, (tanks) =>
          tanks.map((tank) => ({ ...tank, oms: domList(tank.oms) })),
        ),
      };
    case "I3Calibration":
      return {
        start_time: plain(object.start_time),
        end_time: plain(object.end_time),
        dom_cal: byDom(object.dom_cal, plain),
        vem_cal: byDom(object.vem_cal, plain),
      };
    case "I3DetectorStatus":
      return {
        start_time: plain(object.start_time),
        end_time: plain(object.end_time),
        dom_status: byDom(object.dom_status, plain),
        trigger_status: triggersJson(object.trigger_status),
        daq_configuration_name: object.daq_configuration_name,
      };
    case "I3GeometryDiff":
      return {
        base_filename: object.base_filename,
        omgeo: { base_filename: object.omgeo.base_filename, ...domMapDiff(object.omgeo) },
        stationgeo: {
          plus: byStation(object.stationgeo.plus, stationJson),
          minus: [...object.stationgeo.minus],
        },
        start_time: plain(object.start_time),
        end_time: plain(object.end_time),
      };
    case "I3CalibrationDiff":
      return {
        base_filename: object.base_filename,
        start_time: plain(object.start_time),
        end_time: plain(object.end_time),
        dom_cal: domMapDiff(object.dom_cal),
        vem_cal: domMapDiff(object.vem_cal),
      };
    case "I3DetectorStatusDiff":
      return {
        base_filename: object.base_filename,
        start_time: plain(object.start_time),
        end_time: plain(object.end_time),
        dom_status: domMapDiff(object.dom_status),
        trigger_status: {
          plus: triggersJson(object.trigger_status.plus),
          minus: object.trigger_status.minus.map((trigger) => trigger.split(",").map(Number)),
        },
        daq_configuration_name: object.daq_configuration_name,
      };
    default:
      return plain("value" in members ? members.value : members);
  }
}

const maskJson = ({ source, omMask, elementMasks }: PulseMask) => ({
  source,
  n_om_bits: omMask.length,
  n_om_set: countBits(omMask),
  n_bits_set: elementMasks.reduce((sum, mask) => sum + countBits(mask), 0),
});

/** One record as `event --json` shows it. `view` is what its frame sees: masks look for their source there. */
export function recordJson(view: FrameView, record: FrameRecord): Json {
  const bytes = record.buffer.length;
  const object = objectOf(record);
  if (!object) return { type: record.typeName, value: null, bytes };
  const { name, version } = classOf(record.buffer);
  const value = inContext(`key "${record.key}"`, () => valueJson(view, record.key, object));
  return { type: record.typeName, class: name, version, bytes, value };
}

function frameJson(contents: FrameView, frame: Frame): Json {
  const view = seenFrom(contents, frame);
  const keys = [...frame.records.values()].map((record) => [record.key, recordJson(view, record)]);
  return { stream: frame.stream, keys: Object.fromEntries(keys) };
}

export const metadataJson = (metadata: EventMetadata): { [key: string]: Json } => ({
  run_id: metadata.runId,
  event_id: metadata.eventId,
  event_type: metadata.eventType,
  mjd: metadata.mjd,
  is_real_event: metadata.isRealEvent,
  version: METADATA_VERSION,
});

/**
 * Everything in an event: metadata (null for frames that are no event), and every key of every frame. What is
 * not decoded has value null and its size in bytes.
 */
export function eventJson(contents: Event | Alert): { [key: string]: Json } {
  const { frames, formatVersion } = contents;
  return {
    metadata:
      "metadata" in contents
        ? { ...metadataJson(contents.metadata), realtime_format_version: formatVersion }
        : null,
    frames: frames.map((frame) =>
      inContext(`frame ${frame.stream}`, () => frameJson(contents, frame)),
    ),
  };
}
