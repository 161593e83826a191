import { InputError } from "../config/errors.ts";
import { ByteReader, ByteWriter, byteString, stringBytes } from "./bytes.ts";
import { crc16, crc32c } from "./checksum.ts";

/** One I3 frame: named records of one stream (G geometry, C calibration, D status, Q DAQ, P or p physics). */
export interface Frame {
  readonly stream: string;
  /** In the order of the file. */
  readonly records: ReadonlyMap<string, FrameRecord>;
}

export interface FrameRecord {
  readonly key: string;
  /** Documentation only (a demangled C++ name); the class that counts is inside the buffer. */
  readonly typeName: string;
  readonly buffer: Uint8Array;
}

/** A size of the archive: 32 bits, or 64 after the escape value. */
function size(reader: ByteReader): number {
  const short = reader.u32();
  const value = short === 0xffffffff ? reader.count(8) : short;
  if (value > reader.remaining) reader.missing(value);
  return value;
}

/**
 * Reads one frame from its first byte: tag, version, stop, records, checksum (format versions 1–6).
 * The checksum of versions 5 and 6 must agree; throws InputError otherwise.
 */
export function readFrame(reader: ByteReader): Frame {
  const start = reader.offset;
  const tagged =
    reader.remaining >= 4 && byteString(reader.bytes.subarray(start, start + 4)) === "[i3]";
  if (tagged) reader.raw(4);
  const version = reader.u32();
  if (tagged ? version < 4 || version > 6 : version < 1 || version > 3)
    reader.fail(`no I3 frame begins here (version ${version})`);
  if (version === 4) {
    // size and checksum; the writers of that time did not fill them reliably
    reader.raw(8 + 4);
  }
  if (version > 1 && version < 4) skipHistory(reader);
  if (reader.u16() !== 0) reader.fail("unknown class version of the frame's stop");
  const covered = reader.offset;
  const stream = String.fromCharCode(reader.u8());
  if (version === 4) skipHistory(reader);
  const count = reader.u32();
  const records = new Map<string, FrameRecord>();
  for (let i = 0; i < count; i++) {
    const key = byteString(reader.raw(size(reader)));
    const typeName = byteString(reader.raw(size(reader)));
    const buffer = reader.raw(size(reader));
    if (buffer.length === 0) reader.fail(`key "${key}" of frame ${stream} is empty`);
    if (key === "" || records.has(key))
      reader.fail(`key "${key}" of frame ${stream} is not unique`);
    records.set(key, { key, typeName, buffer });
  }
  if (version === 3) reader.raw(8 + 4);
  if (version >= 5) {
    const bytes = reader.bytes.subarray(covered, reader.offset);
    const stored = reader.u32();
    const computed = version === 6 ? crc32c(bytes) : crc16(bytes);
    if (stored !== computed)
      throw new InputError(
        `frame ${stream}: checksum mismatch (stored ${hex(stored)}, computed ${hex(computed)}): the file is damaged`,
      );
  }
  return { stream, records };
}

const hex = (value: number): string => `0x${value.toString(16).padStart(8, "0")}`;

/** vector<event> of old frames: who put, got or deleted what. */
function skipHistory(reader: ByteReader): void {
  reader.raw(2);
  const count = reader.u32();
  for (let i = 0; i < count; i++) {
    if (i === 0) reader.raw(2);
    reader.raw(size(reader));
    reader.u8();
    for (let k = 0; k < 3; k++) reader.raw(size(reader));
  }
}

/** Reads a blob that holds one frame and nothing else. */
export function decodeFrame(blob: Uint8Array): Frame {
  const reader = new ByteReader(blob);
  const frame = readFrame(reader);
  if (reader.remaining > 0)
    reader.fail(`frame ${frame.stream} is followed by ${reader.remaining} bytes`);
  return frame;
}

/** Writes a frame in version 6, records in the map's order. */
export function encodeFrame(frame: Frame): Uint8Array {
  const body = new ByteWriter();
  body.u8(frame.stream.charCodeAt(0));
  body.u32(frame.records.size);
  for (const { key, typeName, buffer } of frame.records.values())
    for (const part of [stringBytes(key), stringBytes(typeName), buffer]) {
      body.u32(part.length);
      body.raw(part);
    }
  const covered = body.finish();
  const blob = new ByteWriter();
  blob.raw(stringBytes("[i3]"));
  blob.u32(6);
  blob.u16(0);
  blob.raw(covered);
  blob.u32(crc32c(covered));
  return blob.finish();
}
