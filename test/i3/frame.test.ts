import { describe, expect, test } from "bun:test";
import { InputError } from "../../src/config/errors.ts";
import { ByteReader, ByteWriter, stringBytes } from "../../src/i3/bytes.ts";
import { crc16, crc32c } from "../../src/i3/checksum.ts";
import { decodeFrame, encodeFrame, type Frame, readFrame } from "../../src/i3/frame.ts";

function bytes(write: (to: ByteWriter) => void): Uint8Array {
  const to = new ByteWriter();
  write(to);
  return to.finish();
}

const text = (to: ByteWriter, value: string) => {
  to.u32(value.length);
  to.raw(stringBytes(value));
};
/** Stop P and two records, as versions 5 and 6 cover them by the checksum. */
const covered = bytes((to) => {
  to.u8(0x50);
  to.u32(2);
  for (const part of ["a", "I3Double", "xyz", "b", "I3Int", "\x00"]) text(to, part);
});
const history = bytes((to) => {
  to.u16(0);
  to.u32(2);
  to.u16(0);
  for (let i = 0; i < 2; i++) {
    text(to, "module");
    to.u8(1);
    for (const part of ["key", "type", ""]) text(to, part);
  }
});

/** The layouts of all versions, written out by hand from their description. */
const versions: [number, Uint8Array][] = [
  [
    1,
    bytes((to) => {
      to.u32(1);
      to.u16(0);
      to.raw(covered);
    }),
  ],
  [
    2,
    bytes((to) => {
      to.u32(2);
      to.raw(history);
      to.u16(0);
      to.raw(covered);
    }),
  ],
  [
    3,
    bytes((to) => {
      to.u32(3);
      to.raw(history);
      to.u16(0);
      to.raw(covered);
      to.u64(7n);
      to.u32(9);
    }),
  ],
  [
    4,
    bytes((to) => {
      to.raw(stringBytes("[i3]"));
      to.u32(4);
      to.u64(0n);
      to.u32(0);
      to.u16(0);
      to.u8(0x50);
      to.raw(history);
      to.raw(covered.subarray(1));
    }),
  ],
  [
    5,
    bytes((to) => {
      to.raw(stringBytes("[i3]"));
      to.u32(5);
      to.u16(0);
      to.raw(covered);
      to.u32(crc16(covered));
    }),
  ],
  [
    6,
    bytes((to) => {
      to.raw(stringBytes("[i3]"));
      to.u32(6);
      to.u16(0);
      to.raw(covered);
      to.u32(crc32c(covered));
    }),
  ],
];

const expected = (frame: Frame) => {
  expect(frame.stream).toBe("P");
  expect([...frame.records.values()]).toEqual([
    { key: "a", typeName: "I3Double", buffer: stringBytes("xyz") },
    { key: "b", typeName: "I3Int", buffer: stringBytes("\x00") },
  ]);
};

describe("frames", () => {
  test.each(versions)("version %i", (_, blob) => {
    expected(decodeFrame(blob));
    // two frames in a row
    const reader = new ByteReader(
      bytes((to) => {
        to.raw(blob);
        to.raw(blob);
      }),
    );
    expected(readFrame(reader));
    expected(readFrame(reader));
    expect(reader.remaining).toBe(0);
  });

  test("a frame written is the frame read", () => {
    const [, [, blob]] = [0, versions[5]!];
    expect(encodeFrame(decodeFrame(blob))).toEqual(blob);
  });

  test.each([5, 6])("version %i: any flipped bit under the checksum is found", (version) => {
    const blob = versions[version - 1]![1];
    for (let at = 10; at < blob.length; at++)
      for (let bit = 0; bit < 8; bit++) {
        const damaged = blob.slice();
        damaged[at]! ^= 1 << bit;
        expect(() => decodeFrame(damaged)).toThrow(InputError);
      }
  });

  test("any truncation is found", () => {
    for (const [, blob] of versions)
      for (let length = 0; length < blob.length; length++)
        expect(() => decodeFrame(blob.subarray(0, length))).toThrow(InputError);
  });

  test("what follows a frame, an unknown version, a repeated key", () => {
    const blob = versions[5]![1];
    expect(() =>
      decodeFrame(
        bytes((to) => {
          to.raw(blob);
          to.u8(0);
        }),
      ),
    ).toThrow(/followed by 1 bytes/);
    const newer = blob.slice();
    newer[4] = 7;
    expect(() => decodeFrame(newer)).toThrow(/version 7/);
    const twice = {
      stream: "P",
      records: new Map([1, 2].map((i) => [String(i), { key: "a", typeName: "b", buffer: blob }])),
    };
    expect(() => decodeFrame(encodeFrame(twice))).toThrow(/"a" of frame P is not unique/);
  });
});
