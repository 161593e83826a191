import { crc32, inflateRawSync } from "node:zlib";
import { InputError } from "../config/errors.ts";

export interface ZipMember {
  readonly name: string;
  readonly bytes: Uint8Array;
}

// Signatures and field layout: PKWARE APPNOTE 6.3, sections 4.3.7, 4.3.12, 4.3.16.
const LOCAL_FILE = 0x04034b50;
const CENTRAL_FILE = 0x02014b50;
const END_OF_DIRECTORY = 0x06054b50;
const LOCAL_FILE_SIZE = 30;
const CENTRAL_FILE_SIZE = 46;
const END_OF_DIRECTORY_SIZE = 22;
const STORED = 0;
const DEFLATED = 8;
/** Version 2.0 of the format. */
const VERSION = 20;
const MADE_ON_UNIX = 3 << 8;
/** 1980-01-01, the earliest date there is: equal contents give equal files. */
const DATE = 0x0021;
/** Deflate cannot pack better; a larger promise is damage. */
const MOST_EXPANSION = 1032;
/** All members together are no larger unpacked, bytes: a whole sky of nside 512 has 200 MB. */
const LARGEST = 512 * 2 ** 20;
/** Mode 0600, as numpy writes it. */
const ATTRIBUTES = 0x01800000;

/** A zip archive of stored members, as numpy.savez writes them. */
export function writeZip(members: readonly ZipMember[]): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const { name, bytes } of members) {
    const encodedName = new TextEncoder().encode(name);
    const crc = crc32(bytes);

    // numpy opens members with force_zip64, hence the sizes a second time in a ZIP64 extra field.
    const local = new DataView(new ArrayBuffer(LOCAL_FILE_SIZE + encodedName.length + 20));
    local.setUint32(0, LOCAL_FILE, true);
    common(local, 4, crc, bytes.length, encodedName.length);
    local.setUint16(28, 20, true);
    new Uint8Array(local.buffer).set(encodedName, LOCAL_FILE_SIZE);
    const extra = LOCAL_FILE_SIZE + encodedName.length;
    local.setUint16(extra, 1, true);
    local.setUint16(extra + 2, 16, true);
    local.setBigUint64(extra + 4, BigInt(bytes.length), true);
    local.setBigUint64(extra + 12, BigInt(bytes.length), true);

    const central = new DataView(new ArrayBuffer(CENTRAL_FILE_SIZE + encodedName.length));
    central.setUint32(0, CENTRAL_FILE, true);
    central.setUint16(4, VERSION | MADE_ON_UNIX, true);
    common(central, 6, crc, bytes.length, encodedName.length);
    central.setUint32(38, ATTRIBUTES, true);
    central.setUint32(42, offset, true);
    new Uint8Array(central.buffer).set(encodedName, CENTRAL_FILE_SIZE);

    parts.push(new Uint8Array(local.buffer), bytes);
    directory.push(new Uint8Array(central.buffer));
    offset += local.byteLength + bytes.length;
  }
  const end = new DataView(new ArrayBuffer(END_OF_DIRECTORY_SIZE));
  end.setUint32(0, END_OF_DIRECTORY, true);
  end.setUint16(8, members.length, true);
  end.setUint16(10, members.length, true);
  end.setUint32(
    12,
    directory.reduce((size, entry) => size + entry.length, 0),
    true,
  );
  end.setUint32(16, offset, true);
  return Buffer.concat([...parts, ...directory, new Uint8Array(end.buffer)]);
}

/** The fields local and central headers share, from "version needed" to the length of the name. */
function common(view: DataView, at: number, crc: number, size: number, nameLength: number): void {
  view.setUint16(at, VERSION, true);
  view.setUint16(at + 8, DATE, true);
  view.setUint32(at + 10, crc, true);
  view.setUint32(at + 14, size, true);
  view.setUint32(at + 18, size, true);
  view.setUint16(at + 22, nameLength, true);
}

/**
 * Reads all members of a zip archive, stored or deflated, and checks their checksums.
 * @param file name for messages
 * @throws InputError naming file, member and byte
 */
export function readZip(bytes: Uint8Array, file: string): ZipMember[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fail = (what: string): never => {
    throw new InputError(`${file}: ${what}`);
  };
  const end = findEnd(view);
  if (end === undefined) return fail("no zip archive (no end of central directory); truncated?");
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  const members: ZipMember[] = [];
  let unpacked = 0;
  let packedInAll = 0;
  for (let i = 0; i < count; i++) {
    if (at + CENTRAL_FILE_SIZE > bytes.length || view.getUint32(at, true) !== CENTRAL_FILE)
      fail(`entry ${i + 1} of ${count} of the zip directory expected at byte ${at}`);
    const flags = view.getUint16(at + 8, true);
    const method = view.getUint16(at + 10, true);
    const crc = view.getUint32(at + 16, true);
    const packedSize = view.getUint32(at + 20, true);
    const size = view.getUint32(at + 24, true);
    const nameLength = view.getUint16(at + 28, true);
    const extraLength = view.getUint16(at + 30, true);
    const commentLength = view.getUint16(at + 32, true);
    const local = view.getUint32(at + 42, true);
    const name = new TextDecoder().decode(
      bytes.subarray(at + CENTRAL_FILE_SIZE, at + CENTRAL_FILE_SIZE + nameLength),
    );
    at += CENTRAL_FILE_SIZE + nameLength + extraLength + commentLength;

    if ((flags & 1) !== 0) fail(`member ${name} is encrypted`);
    if ([packedSize, size, local].includes(0xffffffff)) fail(`member ${name} is larger than 4 GiB`);
    if (local + LOCAL_FILE_SIZE > bytes.length || view.getUint32(local, true) !== LOCAL_FILE)
      fail(`member ${name} expected at byte ${local}`);
    const start =
      local + LOCAL_FILE_SIZE + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    if (start + packedSize > bytes.length)
      fail(`member ${name} ends at byte ${start + packedSize}, the file at ${bytes.length}`);
    unpacked += size;
    packedInAll += packedSize;
    if (unpacked > LARGEST)
      fail(`member ${name}: the file unpacks to more than ${LARGEST / 2 ** 20} MiB`);
    if (packedInAll > bytes.length) fail(`member ${name} lies over another one`);
    const packed = bytes.subarray(start, start + packedSize);
    const content =
      unpack(packed, method, size) ?? fail(`member ${name} (byte ${start}) cannot be unpacked`);
    if (content.length !== size || crc32(content) !== crc)
      fail(`member ${name} (byte ${start}) does not match its checksum`);
    members.push({ name, bytes: content });
  }
  return members;
}

function unpack(packed: Uint8Array, method: number, size: number): Uint8Array | undefined {
  if (method === STORED) return packed;
  if (method !== DEFLATED || size > MOST_EXPANSION * packed.length) return undefined;
  try {
    // stops where more comes out than was announced
    return inflateRawSync(packed, { maxOutputLength: Math.max(size, 1) });
  } catch {
    return undefined;
  }
}

/** The end record stands last, before a comment of at most 65535 bytes. */
function findEnd(view: DataView): number | undefined {
  const last = view.byteLength - END_OF_DIRECTORY_SIZE;
  for (let at = last; at >= Math.max(0, last - 0xffff); at--)
    if (view.getUint32(at, true) === END_OF_DIRECTORY) return at;
  return undefined;
}
