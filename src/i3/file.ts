import { createReadStream } from "node:fs";
import { pipeline, type Transform } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { InputError } from "../config/errors.ts";
import { ByteReader, MissingBytes } from "./bytes.ts";
import { placed } from "./context.ts";
import { type Frame, readFrame } from "./frame.ts";
import { wholeZstd } from "./zstd.ts";

/** Largest single frame read, bytes; a geometry and calibration of 5500 DOMs takes 35 to 120 MB. */
const LARGEST_FRAME = 192 * 2 ** 20;
/** Bytes read at once. */
const CHUNK = 256 * 2 ** 10;

/** How files are packed, by what they begin with. */
const MAGICS = [
  { packing: "gzip", magic: [0x1f, 0x8b] },
  { packing: "bzip2", magic: [0x42, 0x5a, 0x68] },
  { packing: "zstd", magic: [0x28, 0xb5, 0x2f, 0xfd] },
] as const;
export type Packing = (typeof MAGICS)[number]["packing"];

/** How these bytes are packed; undefined when not at all. */
export const packingOf = (start: Uint8Array): Packing | undefined =>
  MAGICS.find(({ magic }) => magic.every((byte, i) => start[i] === byte))?.packing;

/** Whether an I3 frame begins here: a tag, or the version number of the oldest ones. */
export const beginsFrame = (start: Uint8Array): boolean =>
  (start[0] === 0x5b && start[1] === 0x69 && start[2] === 0x33 && start[3] === 0x5d) ||
  (start[0]! >= 1 && start[0]! <= 3 && start[1] === 0 && start[2] === 0 && start[3] === 0);

/**
 * The frames of an .i3 file one after the other: plain, or packed with gzip (of several members too), bzip2 or
 * zstd, told by content. Holds one frame at a time, not the file.
 * @throws InputError naming the file, and the frame by number, where it is damaged or cannot be read
 */
export async function* readI3File(path: string): AsyncGenerator<Frame> {
  try {
    yield* readI3(bytesOf(path));
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** A file's bytes, or, for "-", those of the standard input. */
export const bytesOf = (path: string): AsyncIterable<Uint8Array> =>
  createReadStream(path === "-" ? "/dev/stdin" : path, { highWaterMark: CHUNK });

/** What went wrong while a file was read, as an InputError that names it. */
export function unreadable(path: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return new InputError(`${path}: no such file`);
  if (error instanceof InputError) return placed(path, error);
  if (code) return new InputError(`${path}: cannot be read (${code})`);
  return error;
}

/** The same from bytes that arrive in chunks. */
export const readI3 = (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> =>
  framesOf(unpacked(chunks));

/** Bytes enough to tell what they are. */
const START = 4;

/** The first bytes of a stream, at least four if it has so many, and the whole of it, these included. */
export async function peeked(
  chunks: AsyncIterable<Uint8Array>,
): Promise<{ start: Uint8Array; all: AsyncGenerator<Uint8Array> }> {
  const source = chunks[Symbol.asyncIterator]();
  let start: Uint8Array = new Uint8Array(0);
  // A pipe gives what there is, be it a byte.
  while (start.length < START) {
    const { value, done } = await source.next();
    if (done) break;
    start = start.length === 0 ? value : Buffer.concat([start, value]);
  }
  const all = async function* () {
    try {
      if (start.length > 0) yield start;
      for (;;) {
        const { value, done } = await source.next();
        if (done) return;
        yield value;
      }
    } finally {
      await source.return?.();
    }
  };
  return { start, all: all() };
}

/** Undoes compression, whichever the first bytes announce. Throws InputError where it is damaged, or there is nothing. */
export async function* unpacked(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { start, all } = await peeked(chunks);
  if (start.length === 0) throw new InputError("empty file");
  try {
    switch (packingOf(start)) {
      case "gzip":
        yield* through(all, createGunzip());
        break;
      case "zstd":
        yield* through(wholeZstd(all), createZstdDecompress());
        break;
      case "bzip2": {
        // the core is loaded only where it is needed
        const { bunzip2 } = await import("../native/bzip2.ts");
        yield* bunzip2(all);
        break;
      }
      default:
        yield* all;
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code?.startsWith("Z") || code?.startsWith("ERR_ZSTD"))
      throw new InputError(`damaged compression: ${message}`);
    throw error;
  }
}

async function* through(
  chunks: AsyncIterable<Uint8Array>,
  unpacker: Transform,
): AsyncGenerator<Uint8Array> {
  // a failure of the input ends the iteration below, which must not hide what it was
  let failure: unknown;
  const checked = async function* () {
    try {
      yield* chunks;
    } catch (error) {
      failure = error;
      throw error;
    }
  };
  pipeline(checked, unpacker, () => {});
  try {
    yield* unpacker as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw failure ?? error;
  }
}

/** Cuts a stream of bytes into frames. */
export async function* framesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  // Frames are views into the buffer they were read from, so a buffer is never written twice.
  let buffer = new Uint8Array(4 * CHUNK);
  let start = 0;
  let end = 0;
  let number = 1;
  // a frame that was incomplete with so many bytes is tried again with half as many more
  let enough = 1;
  const parse = function* (isLast: boolean): Generator<Frame> {
    while (end - start >= (isLast ? 1 : enough)) {
      const reader = new ByteReader(buffer.subarray(start, end));
      try {
        yield readFrame(reader);
      } catch (error) {
        if (!isLast && error instanceof MissingBytes && error.total <= LARGEST_FRAME) {
          enough = Math.max(error.total, Math.ceil(1.5 * (end - start)));
          return;
        }
        throw placed(`frame ${number}`, error);
      }
      start += reader.offset;
      number++;
      enough = 1;
    }
  };
  for await (const chunk of chunks) {
    if (end + chunk.length > buffer.length) {
      const rest = buffer.subarray(start, end);
      const larger = new Uint8Array(
        Math.min(
          Math.max(4 * CHUNK, 2 * (rest.length + chunk.length)),
          rest.length + LARGEST_FRAME,
        ),
      );
      larger.set(rest);
      buffer = larger;
      start = 0;
      end = rest.length;
    }
    buffer.set(chunk, end);
    end += chunk.length;
    yield* parse(false);
  }
  yield* parse(true);
  if (number === 1) throw new InputError("holds no frames");
}
