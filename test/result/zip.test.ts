import { describe, expect, test } from "bun:test";
import { deflateRawSync } from "node:zlib";
import { InputError } from "../../src/config/errors.ts";
import { readZip, writeZip } from "../../src/result/zip.ts";

/** Python's zipfile, deflated: a.txt holds "pixel " forty times, empty nothing. */
const PACKED = Uint8Array.fromBase64(
  "UEsDBBQAAAAIAAAAIQByrsx8CwAAAPAAAAAFAAAAYS50eHQryKxIzVEoGDEkAFBLAwQUAAAACAAAACEAAAAAAAIAAAAAAAAABQAAAGVtcHR5AwBQSwECFAMUAAAACAAAACEAcq7MfAsAAADwAAAABQAAAAAAAAAAAAAAgAEAAAAAYS50eHRQSwECFAMUAAAACAAAACEAAAAAAAIAAAAAAAAABQAAAAAAAAAAAAAAgAEuAAAAZW1wdHlQSwUGAAAAAAIAAgBmAAAAUwAAAAAA",
);

/** An archive with one deflated member that says to be `size` bytes long. */
function deflated(bytes: Uint8Array, size: number): Uint8Array {
  const packed = deflateRawSync(bytes);
  const archive = writeZip([{ name: "a", bytes: packed }]);
  const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength);
  // the end record says where the directory is; in it: method, and size unpacked
  const directory = view.getUint32(archive.length - 6, true);
  view.setUint16(directory + 10, 8, true);
  view.setUint32(directory + 24, size, true);
  return archive;
}

describe("zip archives", () => {
  test("of deflated members as Python makes them", () => {
    expect(readZip(PACKED, "a.zip")).toEqual([
      { name: "a.txt", bytes: Buffer.from("pixel ".repeat(40)) },
      { name: "empty", bytes: Buffer.alloc(0) },
    ]);
  });

  test("a member that unpacks to more than it says is refused, as is one that says too much", () => {
    const bomb = new Uint8Array(20_000_000);
    for (const size of [0, 10, 19_999_999]) {
      expect(() => readZip(deflated(bomb, size), "a.zip")).toThrow(InputError);
      expect(() => readZip(deflated(bomb, size), "a.zip")).toThrow(
        /^a.zip: member a \(byte \d+\) cannot be unpacked/,
      );
    }
  });

  test("more than any map holds is refused before it is unpacked, in one member or in many", () => {
    expect(() => readZip(deflated(new Uint8Array(20_000_000), 0xf0000000), "a.zip")).toThrow(
      "a.zip: member a: the file unpacks to more than 512 MiB",
    );
  });

  test("members that lie over one another are refused", () => {
    const [one, other] = [writeZip([{ name: "a", bytes: new Uint8Array(5000) }]), 46 + 1];
    // The directory's entry once more: two members, one content.
    const directory = one.subarray(one.length - 22 - other, one.length - 22);
    const twice = Buffer.concat([one.subarray(0, one.length - 22), directory, one.subarray(-22)]);
    const view = new DataView(twice.buffer, twice.byteOffset, twice.byteLength);
    view.setUint16(twice.length - 22 + 10, 2, true);
    expect(() => readZip(twice, "a.zip")).toThrow("member a lies over another one");
  });

  test("a member cut short is refused", () => {
    const archive = deflated(new TextEncoder().encode("pixel ".repeat(9)), 54);
    archive[30 + 1 + 20 + 3]! ^= 0xff;
    expect(() => readZip(archive, "a.zip")).toThrow(/^a.zip: member a/);
  });
});
