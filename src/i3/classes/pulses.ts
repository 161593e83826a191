import type { ArchiveReader } from "../archive.ts";
import type { OMKey } from "../omkey.ts";
import type { Pulse } from "../pulses.ts";
import { base, type ClassType, classType, holder, map, string, vector } from "../types.ts";
import { omKeyClass } from "./basic.ts";

/** Flags by the source code of the oldest pulses. */
const FLAGS_OF_SOURCE: Readonly<Record<number, number>> = { 0: 3, 1: 5, 10: 5, 5: 4, 50: 4 };

function readPulse(from: ArchiveReader, version: number): Pulse {
  if (version >= 3)
    return { time: from.f64(), charge: from.f32(), width: from.f32(), flags: from.u8() };
  if (version === 2)
    return { time: from.f32(), charge: from.f32(), width: from.f32(), flags: from.u8() };
  const time = from.f64();
  from.i32(); // hit id
  const charge = Math.fround(from.f64());
  const width = Math.fround(from.f64());
  return { time, charge, width, flags: version === 1 ? (FLAGS_OF_SOURCE[from.i32()] ?? 0) : 0 };
}

const pulseClass: ClassType<Pulse> = classType(
  "I3RecoPulse",
  { version: 3 },
  readPulse,
  (to, pulse) => {
    to.f64(pulse.time);
    to.f32(pulse.charge);
    to.f32(pulse.width);
    to.u8(pulse.flags);
  },
);

/** Pulses per DOM as they stand in the file, DOMs without pulses included. */
export const pulseSeriesMapClass: ClassType<Map<OMKey, Pulse[]>> = holder(
  "I3RecoPulseSeriesMap",
  map(omKeyClass, vector(pulseClass)),
);

/** Which of a number of things are kept: bit i of byte i div 8, lowest first. */
export interface Bitmask {
  readonly length: number;
  readonly bytes: Uint8Array;
}

export const hasBit = (mask: Bitmask, i: number): boolean =>
  ((mask.bytes[i >> 3]! >> (i & 7)) & 1) === 1;

export function countBits(mask: Bitmask): number {
  let bits = 0;
  for (let i = 0; i < mask.length; i++) if (hasBit(mask, i)) bits++;
  return bits;
}

const bitmaskClass: ClassType<Bitmask> = classType(
  "bitmask",
  { tracked: false },
  (from) => {
    const byteCount = from.u16();
    const padding = from.u8();
    const bytes = from.raw(byteCount);
    const length = 8 * byteCount - padding;
    if (padding > 8 || length < 0 || (padding === 8 && byteCount !== 1))
      from.fail(`mask of ${byteCount} bytes with ${padding} padding bits`);
    return { length, bytes };
  },
  (to, mask) => {
    to.u16(mask.bytes.length);
    to.u8(8 * mask.bytes.length - mask.length);
    to.raw(mask.bytes);
  },
);

/** A selection of another pulse series. */
export interface PulseMask {
  /** Key of the series it selects from. */
  readonly source: string;
  /** One bit per DOM of the source. */
  readonly omMask: Bitmask;
  /** One mask per DOM kept. */
  readonly elementMasks: readonly Bitmask[];
}

const elementMasks = vector(bitmaskClass);

export const pulseMaskClass: ClassType<PulseMask> = classType(
  "I3RecoPulseSeriesMapMask",
  { version: 2 },
  (from, version) => {
    base.read(from);
    const source = from.text();
    if (version === 1) from.f32(); // time reference
    const omMask = bitmaskClass.read(from);
    const masks = elementMasks.read(from);
    // a quirk of version 0: an empty mask is written as 64 set bits without element masks
    if (version === 0 && masks.length === 0 && omMask.length === 64 && countBits(omMask) === 64)
      return { source, omMask: { length: 0, bytes: new Uint8Array(0) }, elementMasks: masks };
    const kept = countBits(omMask);
    if (kept !== masks.length)
      from.fail(`mask keeps ${kept} DOMs but has ${masks.length} element masks`);
    return { source, omMask, elementMasks: masks };
  },
  (to, mask) => {
    base.write(to, undefined);
    to.text(mask.source);
    bitmaskClass.write(to, mask.omMask);
    elementMasks.write(to, [...mask.elementMasks]);
  },
);

/** Several pulse series taken together. */
export const pulseUnionClass: ClassType<string[]> = holder(
  "I3RecoPulseSeriesMapUnion",
  vector(string),
);
