import type { Direction } from "../geometry/track.ts";
import type { ArchivedClass } from "./archive.ts";
import { ArchiveReader, ArchiveWriter } from "./archive.ts";
import {
  boolClass,
  directionClass,
  doubleClass,
  type EventHeader,
  eventHeaderClass,
  intClass,
  type Position,
  positionClass,
  stringClass,
  type Time,
  timeClass,
  timeWindowClass,
  timeWindowSeriesMapClass,
  vectorCharClass,
  vectorOMKeyClass,
} from "./classes/basic.ts";
import { type Calibration, calibrationClass } from "./classes/calibration.ts";
import {
  type CalibrationDiff,
  calibrationDiffClass,
  type DetectorStatusDiff,
  detectorStatusDiffClass,
  type GeometryDiff,
  geometryDiffClass,
} from "./classes/differences.ts";
import {
  type CascadeFitParams,
  cascadeFitParamsClass,
  type LineFitParams,
  type LogLikelihoodFitParams,
  lineFitParamsClass,
  logLikelihoodFitParamsClass,
  type PortiaEvent,
  portiaEventClass,
  type TrackCharacteristics,
  trackCharacteristicsClass,
} from "./classes/fit_params.ts";
import { type Geometry, geometryClass } from "./classes/geometry.ts";
import { type Particle, particleClass } from "./classes/particle.ts";
import {
  type PulseMask,
  pulseMaskClass,
  pulseSeriesMapClass,
  pulseUnionClass,
} from "./classes/pulses.ts";
import { type DetectorStatus, detectorStatusClass } from "./classes/status.ts";
import {
  type SuperDst,
  type SuperDstTrigger,
  superDstClass,
  triggerSeriesClass,
} from "./classes/superdst.ts";
import { inContext } from "./context.ts";
import type { FrameRecord } from "./frame.ts";
import type { OMKey } from "./omkey.ts";
import type { Pulse, TimeWindow } from "./pulses.ts";
import type { Type } from "./types.ts";

/** What each class decodes to: its members, or one value. Names of members are those of the files' classes. */
interface Decoded {
  I3Double: { value: number };
  I3Bool: { value: boolean };
  I3Int: { value: number };
  I3String: { value: string };
  I3Position: { value: Position };
  I3Direction: Direction;
  I3Time: Time;
  I3TimeWindow: TimeWindow;
  I3TimeWindowSeriesMap: { windows: ReadonlyMap<OMKey, readonly TimeWindow[]> };
  I3VectorChar: { value: Uint8Array };
  I3VectorOMKey: { value: readonly OMKey[] };
  I3EventHeader: EventHeader;
  I3Particle: Particle;
  /** As in the file: DOMs without pulses included. */
  I3RecoPulseSeriesMap: { pulses: ReadonlyMap<OMKey, readonly Pulse[]> };
  I3RecoPulseSeriesMapMask: PulseMask;
  I3RecoPulseSeriesMapUnion: { keys: readonly string[] };
  I3SuperDST: SuperDst;
  I3SuperDSTTriggerSeries: { triggers: readonly SuperDstTrigger[] };
  I3LogLikelihoodFitParams: LogLikelihoodFitParams;
  I3LineFitParams: LineFitParams;
  I3CscdLlhFitParams: CascadeFitParams;
  I3TrackCharacteristicsValues: TrackCharacteristics;
  I3PortiaEvent: PortiaEvent;
  I3Geometry: Geometry;
  I3Calibration: Calibration;
  I3DetectorStatus: DetectorStatus;
  I3GeometryDiff: GeometryDiff;
  I3CalibrationDiff: CalibrationDiff;
  I3DetectorStatusDiff: DetectorStatusDiff;
}

/** A decoded frame object: plain data, told apart by its class. */
export type I3Object = {
  [C in keyof Decoded]: { readonly type: C } & Readonly<Decoded[C]>;
}[keyof Decoded];
export type I3ClassName = keyof Decoded;
/** The decoded form of one class. */
export type ObjectOf<C extends I3ClassName> = Extract<I3Object, { type: C }>;

interface Entry {
  readonly type: ArchivedClass<unknown>;
  /** Member that a class of one value decodes to; undefined where the class has members of its own. */
  readonly member?: string;
}

const whole = <T>(type: ArchivedClass<T> & Type<T>): Entry => ({
  type: type as ArchivedClass<unknown>,
});
const single = <T>(type: ArchivedClass<T> & Type<T>, member = "value"): Entry => ({
  type: type as ArchivedClass<unknown>,
  member,
});

const entries: { readonly [C in I3ClassName]: Entry } = {
  I3Double: single(doubleClass),
  I3Bool: single(boolClass),
  I3Int: single(intClass),
  I3String: single(stringClass),
  I3Position: single(positionClass),
  I3Direction: whole(directionClass),
  I3Time: whole(timeClass),
  I3TimeWindow: whole(timeWindowClass),
  I3TimeWindowSeriesMap: single(timeWindowSeriesMapClass, "windows"),
  I3VectorChar: single(vectorCharClass),
  I3VectorOMKey: single(vectorOMKeyClass),
  I3EventHeader: whole(eventHeaderClass),
  I3Particle: whole(particleClass),
  I3RecoPulseSeriesMap: single(pulseSeriesMapClass, "pulses"),
  I3RecoPulseSeriesMapMask: whole(pulseMaskClass),
  I3RecoPulseSeriesMapUnion: single(pulseUnionClass, "keys"),
  I3SuperDST: whole(superDstClass),
  I3SuperDSTTriggerSeries: single(triggerSeriesClass, "triggers"),
  I3LogLikelihoodFitParams: whole(logLikelihoodFitParamsClass),
  I3LineFitParams: whole(lineFitParamsClass),
  I3CscdLlhFitParams: whole(cascadeFitParamsClass),
  I3TrackCharacteristicsValues: whole(trackCharacteristicsClass),
  I3PortiaEvent: whole(portiaEventClass),
  I3Geometry: whole(geometryClass),
  I3Calibration: whole(calibrationClass),
  I3DetectorStatus: whole(detectorStatusClass),
  I3GeometryDiff: whole(geometryDiffClass),
  I3CalibrationDiff: whole(calibrationDiffClass),
  I3DetectorStatusDiff: whole(detectorStatusDiffClass),
};
const byName: ReadonlyMap<string, Entry> = new Map(Object.entries(entries));

/** The static type of every frame object's pointer. */
const FRAME_OBJECT = { name: "I3FrameObject" };
const FRAME_OBJECT_POINTER = { name: "shared_ptr<I3FrameObject>" };

/** The class a record's buffer says it holds: exported name and version. Throws InputError when it says none. */
export function classOf(buffer: Uint8Array): { name: string; version: number } {
  const from = new ArchiveReader(buffer);
  const name = openFrameObject(from);
  from.flag();
  return { name, version: from.u8() };
}

/** Reads what every buffer begins with: a pointer to a frame object of a class named here. */
function openFrameObject(from: ArchiveReader): string {
  // shared_ptr: untracked, version 1; classes 0 and 1 are the pointer and the frame object's base
  if (from.u8() !== 0 || from.u8() !== 1 || from.i16() !== 2) from.fail("no frame object");
  return from.text();
}

/**
 * Decodes one record, every byte of it.
 * @returns undefined for a class this program does not know
 * @throws InputError where the bytes do not follow the class's layout
 */
export function decodeObject(record: Pick<FrameRecord, "buffer">): I3Object | undefined {
  const { name } = classOf(record.buffer);
  const entry = byName.get(name);
  if (!entry) return undefined;
  const from = new ArchiveReader(record.buffer);
  from.register(FRAME_OBJECT_POINTER);
  from.raw(2);
  const value = from.pointer(FRAME_OBJECT, (found) =>
    found === name ? (entry.type as ArchivedClass<unknown>) : undefined,
  );
  if (from.remaining > 0) from.fail(`${from.remaining} bytes after the ${name}`);
  return {
    type: name,
    ...(entry.member ? { [entry.member]: value } : (value as object)),
  } as I3Object;
}

/** Decoded objects stay with their record: many ask for the same pulses. */
const decoded = new WeakMap<FrameRecord, { readonly object: I3Object | undefined }>();

/** Decodes a record, once. undefined for a class this program does not know; InputError names the key. */
export function objectOf(record: FrameRecord): I3Object | undefined {
  let entry = decoded.get(record);
  if (!entry) {
    entry = { object: inContext(`key "${record.key}"`, () => decodeObject(record)) };
    decoded.set(record, entry);
  }
  return entry.object;
}

/** The record buffer of an object, as the reference software writes it. */
export function encodeObject(object: I3Object): Uint8Array {
  const { type, member } = entries[object.type];
  const to = new ArchiveWriter();
  to.register(FRAME_OBJECT_POINTER);
  to.flag(false);
  to.u8(1);
  const value = member ? (object as unknown as Record<string, unknown>)[member] : object;
  to.pointer(FRAME_OBJECT, type, value);
  return to.finish();
}
