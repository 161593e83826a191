import { InputError } from "../config/errors.ts";

/**
 * Passes zstd-compressed bytes on unchanged, and makes sure that they end where a frame ends: the
 * decompressor says nothing when they are cut. Walks block headers only (RFC 8878, section 3.1).
 */
export async function* wholeZstd(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const walk = walkFrames();
  let { value: wanted } = walk.next();
  const held: number[] = [];
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      if (typeof wanted !== "object") break;
      if (wanted.skip > 0) {
        const step = Math.min(wanted.skip, chunk.length - at);
        wanted = { ...wanted, skip: wanted.skip - step };
        at += step;
      } else held.push(chunk[at++]!);
      if (wanted.skip === 0 && held.length === wanted.read)
        ({ value: wanted } = walk.next(Uint8Array.from(held.splice(0))));
    }
    yield chunk;
  }
  if (typeof wanted === "object" && !(wanted.isBoundary && held.length === 0))
    throw new InputError("damaged compression: truncated zstd stream");
}

/** Bytes to step over, then bytes to read; whether the stream may end before them. */
interface Wanted {
  readonly skip: number;
  readonly read: number;
  readonly isBoundary: boolean;
}

const FRAME = 0xfd2fb528;
/** The lowest four bits are free. */
const SKIPPABLE = 0x184d2a50;
const RLE_BLOCK = 1;

/** Gives up on what is no zstd, and leaves that to the decompressor. */
function* walkFrames(): Generator<Wanted, void, Uint8Array> {
  const littleEndian = (bytes: Uint8Array) =>
    bytes.reduce((sum, byte, i) => sum + byte * 256 ** i, 0);
  for (;;) {
    const magic = littleEndian(yield { skip: 0, read: 4, isBoundary: true });
    if (magic - (magic % 16) === SKIPPABLE) {
      yield* skipAll(littleEndian(yield { skip: 0, read: 4, isBoundary: false }));
      continue;
    }
    if (magic !== FRAME) return;
    const [descriptor = 0] = yield { skip: 0, read: 1, isBoundary: false };
    const isSingleSegment = (descriptor & 0x20) !== 0;
    const hasChecksum = (descriptor & 0x04) !== 0;
    const windowBytes = isSingleSegment ? 0 : 1;
    const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!;
    const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
    let before = windowBytes + dictionaryBytes + sizeBytes;
    for (let isLast = false; !isLast; ) {
      const header = littleEndian(yield { skip: before, read: 3, isBoundary: false });
      isLast = (header & 1) === 1;
      before = ((header >> 1) & 3) === RLE_BLOCK ? 1 : header >> 3;
    }
    yield* skipAll(before + (hasChecksum ? 4 : 0));
  }
}

/** Steps over bytes that must all be there. */
function* skipAll(length: number): Generator<Wanted, void, Uint8Array> {
  if (length > 0) yield { skip: length - 1, read: 1, isBoundary: false };
}
