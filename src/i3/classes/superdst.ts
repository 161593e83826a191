import { InputError } from "../../config/errors.ts";
import type { ArchiveReader, ArchiveWriter } from "../archive.ts";
import { type OMKey, omKey, omOf, stringOf } from "../omkey.ts";
import { type Pulse, PulseFlag } from "../pulses.ts";
import { base, type ClassType, classType } from "../types.ts";

/**
 * I3SuperDST: all pulses of an event in few bytes. Times are differences in ns steps, charges and widths
 * codes; one readout is a run of pulses of one DOM.
 */
export interface SuperDst {
  readonly version: number;
  readonly readouts: readonly Readout[];
}

export interface Readout {
  readonly key: OMKey;
  /** Hard local coincidence; the same for all its pulses. */
  readonly isHlc: boolean;
  readonly stamps: readonly Stamp[];
}

export interface Stamp {
  /** Steps since the preceding pulse of the readout; for its first pulse since the preceding readout's first. */
  readonly time: number;
  readonly charge: number;
  /** Logarithm of the width to base 2, ns. */
  readonly width: number;
}

/** Time before which no pulse can be stored, ns. */
const START = -512;
/** In-ice DOMs have om 1–60; above are those of IceTop, whose charges are logarithmic. */
const LAST_IN_ICE = 60;
/** Longest readout written, ns after its first pulse. */
const LONGEST_READOUT = 6450;

// codes at and above these are continued in further words
const FIRST_TIME_FULL = 0x7ff;
const TIME_FULL = 0xff;
const CHARGE_FULL = 0x3f;
const WORD_FULL = 0xffff;

/** SizeCodec: counts below this are one byte; above it the byte says how many follow. */
const LARGEST_TAG = 0xf7;

/** A count in as few bytes as it needs; class information with the first one of an archive. */
export const sizeCodec: ClassType<number> = classType(
  "SizeCodec",
  { tracked: false },
  (from) => {
    const tag = from.u8();
    if (tag < LARGEST_TAG) return tag;
    if (tag === 0xff) from.fail("a count of no bytes");
    return from.count(0xff - tag);
  },
  (to, value) => {
    if (value < LARGEST_TAG) {
      to.u8(value);
      return;
    }
    let width = 1;
    while (256 ** width <= value) width++;
    to.u8(0xff - width);
    for (let i = 0; i < width; i++) to.u8(Math.floor(value / 256 ** i) % 256);
  },
);

function compactVector(name: string, elementBytes: 1 | 2): ClassType<Uint8Array> {
  return classType(
    `CompactVector<${name}>`,
    { tracked: false },
    (from) => {
      const count = sizeCodec.read(from);
      return from.raw(count * elementBytes);
    },
    (to, bytes) => {
      sizeCodec.write(to, bytes.length / elementBytes);
      to.raw(bytes);
    },
  );
}
const stampVector = compactVector("stamp", 2);
const headerVector = compactVector("header", 2);
const byteVector = compactVector("u8", 1);

/** Unsigned 16-bit words one after the other. */
class Words {
  #next = 0;
  constructor(
    readonly bytes: Uint8Array,
    readonly what: string,
  ) {}
  get isUsedUp(): boolean {
    return 2 * this.#next === this.bytes.length;
  }
  next(): number {
    const at = 2 * this.#next++;
    if (at + 2 > this.bytes.length)
      throw new InputError(
        `I3SuperDST ends within a readout (${this.bytes.length / 2} ${this.what})`,
      );
    return this.bytes[at]! | (this.bytes[at + 1]! << 8);
  }
  /** A code and, where it is full, the words that continue it. */
  continued(code: number, full: number): number {
    if (code !== full) return code;
    let value = code;
    for (;;) {
      const word = this.next();
      value += word;
      if (word !== WORD_FULL) return value;
    }
  }
}

/** Width codes, run-length coded: consecutive bytes with one code hold the digits of one run's length. */
class WidthRuns {
  #next = 0;
  #left = 0;
  #code = 0;
  constructor(readonly bytes: Uint8Array) {}
  get isUsedUp(): boolean {
    return this.#left === 0 && this.#next === this.bytes.length;
  }
  next(): number {
    if (this.#left === 0) {
      if (this.#next >= this.bytes.length)
        throw new InputError("I3SuperDST has too few pulse widths");
      this.#code = this.bytes[this.#next]! & 15;
      let digit = 1;
      while (this.#next < this.bytes.length && (this.bytes[this.#next]! & 15) === this.#code) {
        this.#left += (this.bytes[this.#next]! >> 4) * digit;
        digit *= 16;
        this.#next++;
      }
      if (this.#left === 0) throw new InputError("I3SuperDST has a run of no pulse widths");
    }
    this.#left--;
    return this.#code;
  }
}

function encodeWidthRuns(codes: readonly number[]): Uint8Array {
  const bytes: number[] = [];
  for (let i = 0; i < codes.length; ) {
    const code = codes[i]!;
    let length = 0;
    while (codes[i] === code) {
      length++;
      i++;
    }
    for (; length > 0; length = Math.floor(length / 16)) bytes.push(code | ((length & 15) << 4));
  }
  return Uint8Array.from(bytes);
}

/** Which of the four width lists a readout uses. */
const widthList = (key: OMKey, isHlc: boolean): number =>
  2 * Number(omOf(key) > LAST_IN_ICE) + Number(isHlc);

const keyOfHeader = (header: number): OMKey => omKey((header & 0x1fff) >> 6, (header & 0x3f) + 1);

function readVersion1(from: ArchiveReader): Readout[] {
  const stamps = new Words(stampVector.read(from), "stamps");
  const headerBytes = headerVector.read(from);
  const headers = new Words(headerBytes, "headers");
  const widths = [0, 1, 2, 3].map(() => new WidthRuns(byteVector.read(from)));
  const extra = byteVector.read(from);
  let extraUsed = 0;
  const readouts: Readout[] = [];
  while (!headers.isUsedUp) {
    const header = headers.next();
    const key = keyOfHeader(header);
    const isInIce = omOf(key) <= LAST_IN_ICE;
    const ofReadout: Stamp[] = [];
    let isHlc = false;
    for (let isLast = false; !isLast; ) {
      const word = stamps.next();
      const isFirst = ofReadout.length === 0;
      isLast = (word & 0x8000) !== 0;
      const hlc = (word & 0x4000) !== 0;
      if (isFirst) isHlc = hlc;
      else if (hlc !== isHlc) throw new InputError("I3SuperDST mixes HLC and SLC in one readout");
      const full = isFirst ? FIRST_TIME_FULL : TIME_FULL;
      const time = stamps.continued((word & 0xff) | (isFirst ? (header >> 13) << 8 : 0), full);
      let charge = (word >> 8) & 0x3f;
      if (isInIce) charge = stamps.continued(charge, CHARGE_FULL);
      else {
        if (extraUsed >= extra.length) throw new InputError("I3SuperDST has too few extra bytes");
        charge |= extra[extraUsed++]! << 6;
        if (!isLast)
          throw new InputError("I3SuperDST has an IceTop readout of more than one pulse");
      }
      ofReadout.push({ time, charge, width: widths[widthList(key, hlc)]!.next() });
    }
    readouts.push({ key, isHlc, stamps: ofReadout });
  }
  if (!stamps.isUsedUp || extraUsed !== extra.length || !widths.every((runs) => runs.isUsedUp))
    throw new InputError("I3SuperDST has more pulses than its readouts name");
  return readouts;
}

/** The first file version: 4 ns steps, continuation words of 15 bits that carry the stop bit. */
function readVersion0(from: ArchiveReader): Readout[] {
  const count = from.u16();
  const stamps = new Words(from.raw(2 * count), "stamps");
  const readouts: { key: OMKey; isHlc: boolean; stamps: Stamp[] }[] = [];
  const pending: { isHlc: boolean; stamps: Stamp[] }[] = [];
  const stops: number[] = [];
  const raw: number[] = [];
  while (!stamps.isUsedUp) raw.push(stamps.next());
  for (const word of raw) if (word & 0x8000) stops.push(word);
  const headers = Array.from(stops, () => from.u16());
  let i = 0;
  const next = (): number => {
    const word = raw[i++];
    if (word === undefined) throw new InputError("I3SuperDST ends within a readout");
    return word;
  };
  for (const header of headers) {
    const current: { isHlc: boolean; stamps: Stamp[] } = { isHlc: false, stamps: [] };
    pending.push(current);
    for (let isLast = false; !isLast; ) {
      const word = next();
      const isFirst = current.stamps.length === 0;
      isLast = (word & 0x8000) !== 0;
      if (isFirst) current.isHlc = (word & 0x4000) !== 0;
      let time = (word & 0xff) | (isFirst ? (header >> 13) << 8 : 0);
      if (isFirst && time === FIRST_TIME_FULL) {
        const more = next();
        time += more & 0x7fff;
        isLast = (more & 0x8000) !== 0;
      }
      let charge = (word >> 8) & 0x3f;
      if (charge === CHARGE_FULL) {
        const more = next();
        charge += more & 0x7fff;
        isLast = (more & 0x8000) !== 0;
      }
      current.stamps.push({ time, charge, width: 2 });
    }
    readouts.push({ key: keyOfHeader(header), ...current });
  }
  if (i !== raw.length) throw new InputError("I3SuperDST has more pulses than its readouts name");
  return readouts;
}

function writeVersion1(to: ArchiveWriter, readouts: readonly Readout[]): void {
  const stamps: number[] = [];
  const headers: number[] = [];
  const widths: number[][] = [[], [], [], []];
  const extra: number[] = [];
  const continueWith = (value: number, full: number) => {
    if (value < full) return;
    let rest = value - full;
    for (; rest >= WORD_FULL; rest -= WORD_FULL) stamps.push(WORD_FULL);
    stamps.push(rest);
  };
  for (const { key, isHlc, stamps: pulses } of readouts) {
    const isInIce = omOf(key) <= LAST_IN_ICE;
    pulses.forEach((pulse, i) => {
      const fullTime = i === 0 ? FIRST_TIME_FULL : TIME_FULL;
      const time = Math.min(pulse.time, fullTime);
      if (i === 0) headers.push((stringOf(key) << 6) | (omOf(key) - 1) | ((time >> 8) << 13));
      const charge = isInIce ? Math.min(pulse.charge, CHARGE_FULL) : pulse.charge & CHARGE_FULL;
      const isLast = i === pulses.length - 1;
      stamps.push((time & 0xff) | (charge << 8) | (isHlc ? 0x4000 : 0) | (isLast ? 0x8000 : 0));
      continueWith(pulse.time, fullTime);
      if (isInIce) continueWith(pulse.charge, CHARGE_FULL);
      else extra.push(pulse.charge >> 6);
      widths[widthList(key, isHlc)]!.push(pulse.width);
    });
  }
  const bytesOf = (words: readonly number[]) => new Uint8Array(Uint16Array.from(words).buffer);
  stampVector.write(to, bytesOf(stamps));
  headerVector.write(to, bytesOf(headers));
  for (const codes of widths) byteVector.write(to, encodeWidthRuns(codes));
  byteVector.write(to, Uint8Array.from(extra));
}

export const superDstClass: ClassType<SuperDst> = classType(
  "I3SuperDST",
  { version: 1 },
  (from, version) => {
    base.read(from);
    return { version, readouts: version === 0 ? readVersion0(from) : readVersion1(from) };
  },
  (to, value) => {
    base.write(to, undefined);
    writeVersion1(to, value.readouts);
  },
);

/** PE. */
function chargeOf(code: number, key: OMKey, version: number): number {
  if (version === 0) return Math.fround(0.15 * code);
  if (omOf(key) <= LAST_IN_ICE) return Math.fround(0.05 * code + 0.025);
  return Math.fround(10 ** ((code * 9) / 16383 - 2));
}

/** The pulses a SuperDST stands for, per DOM in ascending order and in time order. */
export function superDstPulses({ version, readouts }: SuperDst): Map<OMKey, Pulse[]> {
  const step = version === 0 ? 4 : 1;
  const pulses = new Map<OMKey, Pulse[]>();
  let reference = START;
  for (const { key, isHlc, stamps } of readouts) {
    const flags = PulseFlag.FADC | (isHlc ? PulseFlag.LC | PulseFlag.ATWD : 0);
    const ofDom = pulses.get(key) ?? [];
    pulses.set(key, ofDom);
    let time = reference;
    stamps.forEach((stamp, i) => {
      time += stamp.time * step;
      if (i === 0) reference = time;
      ofDom.push({
        time,
        charge: chargeOf(stamp.charge, key, version),
        width: 2 ** stamp.width,
        flags,
      });
    });
  }
  const sorted = [...pulses].sort(([a], [b]) => a - b);
  return new Map(
    sorted.map(([key, ofDom]) => [key, separated(ofDom.sort((a, b) => a.time - b.time))]),
  );
}

/**
 * No pulse may reach into the next one: widths are clipped (f32), and pulses that coincide share the
 * width of their predecessor, as the reference software does it.
 */
function separated(pulses: readonly Pulse[]): Pulse[] {
  const times = pulses.map((pulse) => pulse.time);
  const widths = Float32Array.from(pulses, (pulse) => pulse.width);
  const join = (current: number, previous: number) => {
    if (widths[previous] === 0 && widths[current]! > 0) widths[previous] = widths[current]!;
    widths[current] = widths[previous]! / 2;
    widths[previous]! /= 2;
    times[current] = times[previous]! + widths[previous]!;
  };
  let previous = -1;
  let merge = false;
  for (let i = 0; i + 1 < times.length; i++) {
    widths[i] = Math.min(widths[i]!, Math.fround(times[i + 1]! - times[i]!));
    if (widths[i] === 0 || merge) {
      if (previous >= 0) {
        join(i, previous);
        merge = false;
      } else merge = true;
    } else merge = false;
    previous = i;
  }
  if (merge && previous >= 0) join(times.length - 1, previous);
  return pulses.map(({ charge, flags }, i) => ({
    time: times[i]!,
    charge,
    width: widths[i]!,
    flags,
  }));
}

/**
 * Packs pulses as the detector's software does. Lossy: times to 1 ns, charges to 0.05 PE (IceTop: a
 * logarithmic code), widths to powers of 2; pulses without finite time and charge are left out.
 * Throws InputError for times before −512 ns, which the format cannot hold.
 */
export function packSuperDst(pulses: ReadonlyMap<OMKey, readonly Pulse[]>): SuperDst {
  const readouts: { key: OMKey; isHlc: boolean; start: number; pulses: Pulse[] }[] = [];
  for (const [key, series] of [...pulses].sort(([a], [b]) => a - b)) {
    const isLc = (pulse: Pulse) => (pulse.flags & PulseFlag.LC) !== 0;
    let current: (typeof readouts)[number] | undefined;
    const finite = series.filter((p) => Number.isFinite(p.time) && Number.isFinite(p.charge));
    for (const pulse of finite.sort((a, b) => a.time - b.time)) {
      const isNew =
        !current ||
        omOf(key) > LAST_IN_ICE ||
        isLc(pulse) !== current.isHlc ||
        pulse.time - current.start > LONGEST_READOUT;
      if (isNew) {
        current = { key, isHlc: isLc(pulse), start: pulse.time, pulses: [] };
        readouts.push(current);
      }
      current!.pulses.push(pulse);
    }
  }
  readouts.sort((a, b) => a.start - b.start);
  let reference = 0;
  return {
    version: 1,
    readouts: readouts.map(({ key, isHlc, pulses: ofReadout }) => {
      let previous = reference;
      const stamps = ofReadout.map((pulse, i) => {
        const code = timeCode(pulse.time);
        const stamp = {
          time: code - previous,
          charge: chargeCode(pulse, key),
          width: widthCode(pulse),
        };
        previous = code;
        if (i === 0) reference = code;
        return stamp;
      });
      return { key, isHlc, stamps };
    }),
  };
}

function timeCode(time: number): number {
  // halves away from zero; the result is never negative
  const code = Math.floor(time - START + 0.5);
  if (code < 0)
    throw new InputError(`pulse at ${time} ns: I3SuperDST cannot hold times before ${START} ns`);
  return code;
}

function chargeCode(pulse: Pulse, key: OMKey): number {
  if (omOf(key) <= LAST_IN_ICE) return Math.max(0, Math.floor(pulse.charge / 0.05));
  const code = Math.round((Math.max(0, Math.log10(pulse.charge) + 2) * 16383) / 9);
  return Math.min(code, 0x3fff);
}

const widthCode = (pulse: Pulse): number =>
  Math.min(15, Math.ceil(Math.log2(Math.ceil(Math.max(1, pulse.width)))));

/** A trigger in the compact record of an event. */
export interface SuperDstTrigger {
  /** Position in the detector status' sorted map of triggers. */
  readonly key_index: number;
  /** ns */
  readonly length: number;
  /** ns since the preceding trigger, and since the readout's start. */
  readonly dt: number;
  readonly time: number;
}

export const triggerSeriesClass: ClassType<SuperDstTrigger[]> = classType(
  "I3SuperDSTTriggerSeries",
  {},
  (from) => {
    base.read(from);
    const triggers: SuperDstTrigger[] = [];
    let time = 0;
    const count = sizeCodec.read(from);
    if (count > from.remaining) from.fail(`${count} triggers`);
    for (let n = count; n > 0; n--) {
      const tag = from.u8();
      const length = sizeCodec.read(from) * 16 + (tag >> 4);
      const dt = sizeCodec.read(from);
      time += dt;
      triggers.push({ key_index: tag & 15, length, dt, time });
    }
    return triggers;
  },
  (to, triggers) => {
    base.write(to, undefined);
    sizeCodec.write(to, triggers.length);
    for (const { key_index, length, dt } of triggers) {
      to.u8(key_index | ((length & 15) << 4));
      sizeCodec.write(to, Math.floor(length / 16));
      sizeCodec.write(to, dt);
    }
  },
);
