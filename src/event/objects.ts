import { InputError } from "../config/errors.ts";
import { countBits, hasBit, type PulseMask } from "../i3/classes/pulses.ts";
import { superDstPulses } from "../i3/classes/superdst.ts";
import { inContext } from "../i3/context.ts";
import type { Frame, FrameRecord } from "../i3/frame.ts";
import { type I3ClassName, type I3Object, type ObjectOf, objectOf } from "../i3/objects.ts";
import type { OMKey } from "../i3/omkey.ts";
import type { Pulse, PulseMap } from "../i3/pulses.ts";

/** What can be searched: an event, or any set of frames. */
export interface FrameView {
  readonly frames: readonly Frame[];
}

/** A P frame sees the objects of the frames before it; its own win. */
const SEARCH_ORDER = "pPQDCG";

/** The record of a key: searched in P, then Q, D, C, G. */
export function findRecord(view: FrameView, key: string): FrameRecord | undefined {
  return inSearchOrder(view)
    .find((frame) => frame.records.has(key))
    ?.records.get(key);
}

/** Position in the search order; frames of other streams come last. */
function rank(frame: Frame): number {
  const position = SEARCH_ORDER.indexOf(frame.stream);
  return position < 0 ? SEARCH_ORDER.length : position;
}

const inSearchOrder = ({ frames }: FrameView): Frame[] =>
  [...frames].sort((a, b) => rank(a) - rank(b));

/** What one frame of the view sees: itself, and the frames before it (a Q frame sees no P frame). */
export const seenFrom = (view: FrameView, frame: Frame): FrameView => ({
  frames: [frame, ...view.frames.filter((other) => rank(other) > rank(frame))],
});

/**
 * The object of a key as plain data, told apart by `type`; searched in P, then Q, D, C, G.
 * @returns undefined where no frame has the key or its class is unknown
 * @throws InputError when the object is damaged
 */
export function findObject(view: FrameView, key: string): I3Object | undefined {
  const record = findRecord(view, key);
  return record && objectOf(record);
}

/** Like findObject, for a class known beforehand: undefined where the key is missing or of another class. */
export function findOf<C extends I3ClassName>(
  view: FrameView,
  key: string,
  type: C,
): ObjectOf<C> | undefined {
  const object = findObject(view, key);
  return object?.type === type ? (object as ObjectOf<C>) : undefined;
}

/** All keys, those of P first; a key in several frames once. */
export function keysOf(view: FrameView): string[] {
  return [...new Set(inSearchOrder(view).flatMap((frame) => [...frame.records.keys()]))];
}

/** Names of the keys that can be resolved as pulses. */
export function pulseKeysOf(view: FrameView): string[] {
  return keysOf(view).filter((key) => {
    const record = findRecord(view, key)!;
    return /I3RecoPulse|I3SuperDST$/.test(record.typeName);
  });
}

/** Resolved pulses stay with their record too, as they stand and without the DOMs that have none. */
const resolved = new WeakMap<FrameRecord, { all: PulseMap; hit?: PulseMap }>();

/**
 * The pulses of a key, whatever they are stored as: a map, a mask on another series (and that on a third),
 * a union, or a SuperDST.
 * @throws InputError naming the key and what is present instead; or a mask that does not fit its source
 */
export function resolvePulses(view: FrameView, key: string): PulseMap {
  const record = findRecord(view, key);
  if (!record)
    throw new InputError(
      `no pulse series "${key}"; the event has ${pulseKeysOf(view).join(", ") || "none"}`,
    );
  resolveAll(view, key, []);
  const entry = resolved.get(record)!;
  entry.hit ??= new Map([...entry.all].filter(([, series]) => series.length > 0));
  return entry.hit;
}

/** DOMs without pulses included, for masks count them. */
function resolveAll(view: FrameView, key: string, path: readonly string[]): PulseMap {
  if (path.includes(key))
    throw new InputError(
      `pulse series "${key}" is made from itself (${[...path, key].join(" → ")})`,
    );
  const record = findRecord(view, key);
  if (!record)
    throw new InputError(`pulse series "${path.at(-1)}" is made from "${key}", which is missing`);
  let entry = resolved.get(record);
  if (!entry) {
    entry = { all: allPulses(view, record, [...path, key]) };
    resolved.set(record, entry);
  }
  return entry.all;
}

function allPulses(view: FrameView, record: FrameRecord, path: readonly string[]): PulseMap {
  const object = objectOf(record);
  const source = (name: string) => resolveAll(view, name, path);
  switch (object?.type) {
    case "I3RecoPulseSeriesMap":
      return object.pulses;
    case "I3SuperDST":
      return superDstPulses(object);
    case "I3RecoPulseSeriesMapMask": {
      const pulses = source(object.source);
      return inContext(`key "${record.key}"`, () => masked(object, pulses));
    }
    case "I3RecoPulseSeriesMapUnion":
      return united(object.keys.map(source));
    default:
      throw new InputError(`"${record.key}" (${record.typeName}) is no pulse series`);
  }
}

function masked({ source, omMask, elementMasks }: PulseMask, pulses: PulseMap): PulseMap {
  if (omMask.length !== pulses.size)
    throw new InputError(`mask of ${omMask.length} DOMs on "${source}", which has ${pulses.size}`);
  const kept = new Map<OMKey, readonly Pulse[]>();
  let om = 0;
  let element = 0;
  for (const [key, series] of pulses) {
    if (!hasBit(omMask, om++)) continue;
    const mask = elementMasks[element++]!;
    if (countBits(mask) === 0) continue;
    if (mask.length !== series.length)
      throw new InputError(
        `mask of ${mask.length} pulses on a DOM of "${source}" that has ${series.length}`,
      );
    kept.set(
      key,
      series.filter((_, i) => hasBit(mask, i)),
    );
  }
  return kept;
}

function united(all: readonly PulseMap[]): PulseMap {
  const together = new Map<OMKey, Pulse[]>();
  for (const pulses of all)
    for (const [key, series] of pulses)
      together.set(key, [...(together.get(key) ?? []), ...series]);
  for (const series of together.values()) series.sort((a, b) => a.time - b.time);
  return new Map([...together].sort(([a], [b]) => a - b));
}
