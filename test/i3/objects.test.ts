import { describe, expect, test } from "bun:test";
import { loadEvent } from "../../src/event/load.ts";
import { ArchiveWriter } from "../../src/i3/archive.ts";
import type { ByteWriter } from "../../src/i3/bytes.ts";
import { byteString, stringBytes } from "../../src/i3/bytes.ts";
import { pdgEncoding } from "../../src/i3/classes/particle.ts";
import { decodeObject, encodeObject, type I3Object, objectOf } from "../../src/i3/objects.ts";
import { omKey } from "../../src/i3/omkey.ts";
import { present, shared } from "../shared.ts";

const hex = (text: string) => Uint8Array.fromHex(text.replace(/[\s|]/g, ""));
/** How many records each has in all its frames. */
const alerts = [
  ["138632_31747601.json", 23],
  ["event_HESE_2017-11-28.json", 28],
  ["hese_event_00.json", 29],
  ["hese_event_01.json", 29],
  ["hese_event_02.json", 30],
  ["hese_event_03.json", 30],
  ["run00136662-evt000035405932-BRONZE.pkl", 22],
  ["run00136766-evt000007637140-GOLD.pkl", 22],
] as const;

describe("records of the alerts", () => {
  test.each(present(alerts, ([name]) => `events/${name}`))(
    "%s: all %i are decoded to the last byte and encode to the same bytes again",
    async (name, count) => {
      const { frames } = await loadEvent(shared("events", name));
      const records = frames.flatMap((frame) => [...frame.records.values()]);
      expect(records).toHaveLength(count);
      for (const record of records) {
        const object = objectOf(record);
        expect(object, record.key).toBeDefined();
        expect(Buffer.compare(encodeObject(object!), record.buffer), record.key).toBe(0);
      }
    },
  );
});

describe("objects", () => {
  // the worked examples of the format's description (event 138632)
  test("I3Double, I3Position and I3EventHeader, byte by byte", () => {
    const double = hex(
      "00 01 02 00 08 00 00 00 49 33 44 6f 75 62 6c 65 01 00 00 00 00 00 01 00 01 00 00 00 00 00 a0 99 99 7d 82 40",
    );
    expect(decodeObject({ buffer: double })).toEqual({
      type: "I3Double",
      value: 591.7000000476837,
    });
    const position = hex(
      "00 01 02 00 0a 00 00 00 49 33 50 6f 73 69 74 69 6f 6e 01 00 00 00 00 00 01 00 01 00 00 00" +
        "7c b9 59 32 aa d9 6d c0 a1 ae 90 b5 ad 88 7b c0 99 d7 33 6d 04 08 67 c0",
    );
    expect(decodeObject({ buffer: position })).toEqual({
      type: "I3Position",
      value: [-238.8020259621079, -440.54240948215926, -184.25054035306383],
    });
    const header = hex(
      "00 01 02 00 0d 00 00 00 49 33 45 76 65 6e 74 48 65 61 64 65 72 01 03 00 00 00 00 01 00 01 00 00 00" +
        "88 1d 02 00 00 00 00 00 11 6e e4 01 14 00 00 00 00 00 00 00 0a 00 00 00 496e49636553706c6974" +
        "01 00 02 00 00 00 03 00 00 00 e7 07 00 00 77 ed 5e 89 57 7d 06 04" +
        "04 00 00 00 05 00 00 00 e7 07 00 00 dd 52 61 89 57 7d 06 04",
    );
    const decoded: I3Object = {
      type: "I3EventHeader",
      run_id: 138632,
      sub_run_id: 0,
      event_id: 31747601,
      state: 20,
      sub_event_id: 0,
      sub_event_stream: "InIceSplit",
      start_time: { year: 2023, daq_time: 290057040932302199n },
      end_time: { year: 2023, daq_time: 290057040932459229n },
    };
    expect(decodeObject({ buffer: header })).toEqual(decoded);
    expect(encodeObject(decoded)).toEqual(header);
  });

  test("what is left over, missing, or of another version is refused", () => {
    const double = encodeObject({ type: "I3Double", value: 1 });
    const longer = new Uint8Array([...double, 0]);
    expect(() => decodeObject({ buffer: longer })).toThrow(/1 bytes after the I3Double/);
    expect(() => decodeObject({ buffer: double.subarray(0, -1) })).toThrow(/truncated/);
    const newer = double.slice();
    newer[17] = 1;
    expect(() => decodeObject({ buffer: newer })).toThrow(/I3Double of version 1/);
  });

  test("a class nobody knows is no error, but not decoded", () => {
    const text = byteString(encodeObject({ type: "I3Double", value: 1 }));
    const buffer = stringBytes(text.replace("I3Double", "I3Dauble"));
    expect(decodeObject({ buffer })).toBeUndefined();
  });

  test("an object id below the count is the earlier object again", () => {
    // I3EventHeader whose end time is its start time: object id 2 instead of 4, and no body
    const time = { year: 2020, daq_time: 5n };
    const whole = encodeObject({
      type: "I3EventHeader",
      run_id: 1,
      sub_run_id: 2,
      event_id: 3,
      state: 20,
      sub_event_id: 4,
      sub_event_stream: "",
      start_time: time,
      end_time: time,
    });
    const bodyOfTime = 4 + 4 + 4 + 8; // id, base id, year, ticks
    const shared = new Uint8Array([...whole.subarray(0, -bodyOfTime), 2, 0, 0, 0]);
    expect(decodeObject({ buffer: shared })).toEqual(decodeObject({ buffer: whole }));
    const toBase = new Uint8Array([...whole.subarray(0, -bodyOfTime), 1, 0, 0, 0]);
    expect(() => decodeObject({ buffer: toBase })).toThrow(/object 1 is no earlier I3Time/);
    const beyond = new Uint8Array([...whole.subarray(0, -bodyOfTime), 9, 0, 0, 0]);
    expect(() => decodeObject({ buffer: beyond })).toThrow(/object id 9/);
  });

  test("sizes and class versions in their long form", () => {
    const buffer = encodeObject({ type: "I3String", value: "abc" });
    const at = buffer.length - 7;
    const long = new Uint8Array([
      ...buffer.subarray(0, at),
      255,
      255,
      255,
      255,
      3,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      ...stringBytes("abc"),
    ]);
    expect(decodeObject({ buffer: long })).toEqual({ type: "I3String", value: "abc" });
  });

  test("a null pointer where a frame object should be", () => {
    expect(() => decodeObject({ buffer: hex("00 01 ff ff") })).toThrow(/no frame object/);
  });

  test("a map's size beyond the record is refused before memory is taken", () => {
    const buffer = encodeObject({ type: "I3RecoPulseSeriesMap", pulses: new Map() });
    new DataView(buffer.buffer).setUint32(buffer.length - 4, 0xfffffffe, true);
    expect(() => decodeObject({ buffer })).toThrow(/size 4294967294 but 0 bytes left/);
  });

  test("older class versions", () => {
    const record = (name: string, version: number, body: (to: ByteWriter) => void) => {
      const to = new ArchiveWriter();
      to.u8(0);
      to.u8(1);
      to.i16(2);
      to.text(name);
      to.u8(1);
      to.u8(version);
      to.u32(0);
      body(to);
      return { buffer: to.finish() };
    };
    const base = (to: ByteWriter) => {
      to.u16(1);
      to.u32(1);
    };
    // I3TimeWindow v0 has no base entry
    const window = record("I3TimeWindow", 0, (to) => {
      to.f64(1);
      to.f64(2);
    });
    expect(decodeObject(window)).toEqual({ type: "I3TimeWindow", start: 1, stop: 2 });
    // I3EventHeader v0: run, event, times
    const header = record("I3EventHeader", 0, (to) => {
      base(to);
      to.u32(7);
      to.u32(8);
      to.u16(1);
      for (const id of [2, 4]) {
        to.u32(id);
        to.u32(id + 1);
        to.i32(2010);
        to.i64(10n);
      }
    });
    expect(decodeObject(header)).toMatchObject({
      run_id: 7,
      event_id: 8,
      state: 20,
      sub_event_stream: "",
    });
    // I3RecoPulseSeriesMap of pulses v1 with hit ids and sources
    const pulses = record("I3RecoPulseSeriesMap", 0, (to) => {
      base(to);
      to.u16(0); // map
      to.u32(1);
      to.u16(0); // pair
      to.u8(1); // OMKey v1, tracked: base first, then string, om, pmt
      to.u8(1);
      to.u32(2);
      to.u32(3);
      to.i32(21);
      to.u32(30);
      to.u8(0);
      to.u16(0); // vector
      to.u32(2);
      to.u8(1); // pulse v1
      to.u8(1);
      for (const [id, source] of [
        [4, 10],
        [5, 50],
      ] as const) {
        to.u32(id);
        to.f64(100 * id);
        to.i32(0);
        to.f64(1.5);
        to.f64(3);
        to.i32(source);
      }
    });
    expect(decodeObject(pulses)).toEqual({
      type: "I3RecoPulseSeriesMap",
      pulses: new Map([
        [
          omKey(21, 30),
          [
            { time: 400, charge: 1.5, width: 3, flags: 5 },
            { time: 500, charge: 1.5, width: 3, flags: 4 },
          ],
        ],
      ]),
    });
    // a mask of version 0 with 64 set bits and no element masks keeps nothing
    const mask = record("I3RecoPulseSeriesMapMask", 0, (to) => {
      base(to);
      to.u32(1);
      to.raw(stringBytes("S"));
      to.u16(0); // bitmask
      to.u16(8);
      to.u8(0);
      to.raw(new Uint8Array(8).fill(255));
      to.u16(0); // vector
      to.u32(0);
    });
    expect(decodeObject(mask)).toMatchObject({
      source: "S",
      omMask: { length: 0 },
      elementMasks: [],
    });
  });

  test("particle codes of older class versions", () => {
    expect(pdgEncoding(13, 5)).toBe(13);
    expect(pdgEncoding(6, 3)).toBe(13); // IceTray's mu-
    expect(pdgEncoding(402, 4)).toBe(1000020040); // helium-4
    expect(pdgEncoding(5626, 4)).toBe(1000260560); // iron-56
    expect(pdgEncoding(-1001, 4)).toBe(-2000001001); // bremsstrahlung
    expect(pdgEncoding(201, 2)).toBe(12); // RDMC's electron neutrino
    expect(pdgEncoding(3026, 2)).toBe(1000260560);
    expect(pdgEncoding(3002, 0)).toBe(1000020040);
    expect(pdgEncoding(-100, 2)).toBe(0);
  });
});
