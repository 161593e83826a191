import { InputError } from "../config/errors.ts";

/**
 * bzip2 decompression as a stream, block by block (at most 900 kB each), every block's checksum compared.
 * Written here because no maintained library reads it; Python's and IceTray's tools still write it.
 */

/** "BCD" of π and of √π: what a block and the stream's end begin with. */
const BLOCK_MAGIC = 0x314159265359;
const END_MAGIC = 0x177245385090;
/** Symbols per Huffman table choice. */
const GROUP = 50;
const MAX_CODE_LENGTH = 20;

const crcTable = (() => {
  const table = new Int32Array(256);
  for (let n = 0; n < 256; n++) {
    let c = n << 24;
    for (let bit = 0; bit < 8; bit++) c = c & 0x80000000 ? (c << 1) ^ 0x04c11db7 : c << 1;
    table[n] = c;
  }
  return table;
})();

/** Bits, highest first, out of chunks that arrive one by one. */
class BitSource {
  #chunks: AsyncIterator<Uint8Array>;
  #buffer: Uint8Array = new Uint8Array(0);
  #next = 0;
  #bits = 0;
  #count = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Makes at least `length` bytes ready to be read without waiting; fewer at the end of input. */
  async fill(length: number): Promise<void> {
    while (this.#buffer.length - this.#next < length) {
      const { value, done } = await this.#chunks.next();
      if (done) return;
      const rest = this.#buffer.subarray(this.#next);
      const joined = new Uint8Array(rest.length + value.length);
      joined.set(rest);
      joined.set(value, rest.length);
      this.#buffer = joined;
      this.#next = 0;
    }
  }

  /** Whether nothing but padding bits is left (after fill). */
  get isEmpty(): boolean {
    return this.#next >= this.#buffer.length;
  }

  /** Steps to the next whole byte. */
  align(): void {
    this.#count -= this.#count % 8;
  }

  /** An unsigned number of up to 24 bits. */
  bits(length: number): number {
    while (this.#count < length) {
      const byte = this.#buffer[this.#next++];
      if (byte === undefined) throw new InputError("truncated bzip2 stream");
      this.#bits = ((this.#bits << 8) | byte) & 0xffffffff;
      this.#count += 8;
    }
    this.#count -= length;
    return (this.#bits >>> this.#count) & ((1 << length) - 1);
  }

  bit(): number {
    return this.bits(1);
  }

  u32(): number {
    return (this.bits(16) * 0x10000 + this.bits(16)) >>> 0;
  }

  u48(): number {
    return this.bits(24) * 0x1000000 + this.bits(24);
  }
}

/** A Huffman code by its lengths: canonical, shortest first. */
interface Code {
  /** By length: the first code beyond those of this length, and what to subtract to get a position. */
  readonly limit: Int32Array;
  readonly offset: Int32Array;
  readonly symbols: Uint16Array;
  readonly shortest: number;
}

function codeOf(lengths: Uint8Array): Code {
  const counts = new Int32Array(MAX_CODE_LENGTH + 2);
  for (const length of lengths) counts[length]!++;
  const limit = new Int32Array(MAX_CODE_LENGTH + 2);
  const offset = new Int32Array(MAX_CODE_LENGTH + 2);
  let code = 0;
  let position = 0;
  for (let length = 1; length <= MAX_CODE_LENGTH; length++) {
    offset[length] = code - position;
    code += counts[length]!;
    position += counts[length]!;
    limit[length] = code;
    code *= 2;
  }
  const symbols = new Uint16Array(lengths.length);
  let at = 0;
  for (let length = 1; length <= MAX_CODE_LENGTH; length++)
    lengths.forEach((found, symbol) => {
      if (found === length) symbols[at++] = symbol;
    });
  return { limit, offset, symbols, shortest: Math.min(...lengths) };
}

function symbolOf(source: BitSource, code: Code): number {
  let value = source.bits(code.shortest);
  for (let length = code.shortest; length <= MAX_CODE_LENGTH; length++) {
    if (value < code.limit[length]!) return code.symbols[value - code.offset[length]!]!;
    value = value * 2 + source.bit();
  }
  throw new InputError("damaged bzip2 stream (no such code)");
}

/** Decompresses a bzip2 stream, or several one after the other. Throws InputError for damage of any kind. */
export async function* bunzip2(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = new BitSource(chunks);
  await source.fill(1);
  if (source.isEmpty) throw new InputError("truncated bzip2 stream");
  while (!source.isEmpty) {
    await source.fill(4);
    if (source.bits(24) !== 0x425a68) throw new InputError("damaged bzip2 stream (no header)");
    const level = source.bits(8) - 0x30;
    if (level < 1 || level > 9) throw new InputError("damaged bzip2 stream (block size)");
    const capacity = level * 100000;
    let streamCrc = 0;
    for (;;) {
      // a block's compressed bytes are never much more than what they stand for
      await source.fill(capacity + 100000);
      const magic = source.u48();
      const stored = source.u32();
      if (magic === END_MAGIC) {
        if (stored !== streamCrc) throw new InputError("damaged bzip2 stream (checksum)");
        break;
      }
      if (magic !== BLOCK_MAGIC) throw new InputError("damaged bzip2 stream (no block)");
      const { bytes, crc } = readBlock(source, capacity);
      if (crc !== stored) throw new InputError("damaged bzip2 stream (block checksum)");
      streamCrc = (((streamCrc << 1) | (streamCrc >>> 31)) ^ crc) >>> 0;
      yield bytes;
    }
    source.align();
    await source.fill(1);
  }
}

function readBlock(source: BitSource, capacity: number): { bytes: Uint8Array; crc: number } {
  if (source.bit()) throw new InputError("bzip2 block of the obsolete randomised kind");
  const origin = source.bits(24);
  const used = readUsedBytes(source);
  const symbolCount = used.length + 2;
  const tableCount = source.bits(3);
  const selectorCount = source.bits(15);
  if (tableCount < 2 || tableCount > 6 || selectorCount < 1 || used.length === 0)
    throw new InputError("damaged bzip2 stream (tables)");
  const selectors = readSelectors(source, tableCount, selectorCount);
  const codes = Array.from({ length: tableCount }, () => readCode(source, symbolCount));

  // move-to-front and run lengths of zeros; counts of bytes for the inverse transform on the way
  const last = new Uint32Array(capacity);
  const counts = new Uint32Array(256);
  const front = Uint8Array.from(used);
  const endOfBlock = symbolCount - 1;
  let length = 0;
  let run = 0;
  let runDigit = 1;
  const put = (byte: number, times: number) => {
    if (length + times > capacity) throw new InputError("damaged bzip2 stream (block overflows)");
    last.fill(byte, length, length + times);
    counts[byte]! += times;
    length += times;
  };
  for (let group = 0, left = 0, code = codes[0]!; ; left--) {
    if (left === 0) {
      if (group >= selectors.length) throw new InputError("damaged bzip2 stream (selectors)");
      code = codes[selectors[group++]!]!;
      left = GROUP;
    }
    const symbol = symbolOf(source, code);
    if (symbol <= 1) {
      run += runDigit << symbol;
      runDigit *= 2;
      if (run > capacity) throw new InputError("damaged bzip2 stream (run)");
      continue;
    }
    if (run > 0) {
      put(front[0]!, run);
      run = 0;
      runDigit = 1;
    }
    if (symbol === endOfBlock) break;
    const index = symbol - 1;
    const byte = front[index]!;
    front.copyWithin(1, 0, index);
    front[0] = byte;
    put(byte, 1);
  }
  if (origin >= length) throw new InputError("damaged bzip2 stream (origin)");

  // inverse Burrows–Wheeler transform: link every position to the one that follows it
  const starts = new Uint32Array(256);
  for (let byte = 0, sum = 0; byte < 256; byte++) {
    starts[byte] = sum;
    sum += counts[byte]!;
  }
  for (let i = 0; i < length; i++) {
    const byte = last[i]! & 0xff;
    last[starts[byte]!++]! |= i << 8;
  }
  return expandRuns(last, origin, length);
}

/** Four equal bytes are followed by how often they repeat. */
function expandRuns(
  links: Uint32Array,
  origin: number,
  length: number,
): { bytes: Uint8Array; crc: number } {
  let bytes = new Uint8Array(length + (length >> 2));
  let size = 0;
  let crc = -1;
  let previous = -1;
  let equal = 0;
  let at = links[origin]! >>> 8;
  for (let i = 0; i < length; i++) {
    const entry = links[at]!;
    at = entry >>> 8;
    const byte = entry & 0xff;
    const repeats = equal === 4 ? byte : 1;
    const value = equal === 4 ? previous : byte;
    if (size + repeats > bytes.length) {
      const larger = new Uint8Array(2 * bytes.length + repeats);
      larger.set(bytes);
      bytes = larger;
    }
    for (let k = 0; k < repeats; k++) {
      bytes[size++] = value;
      crc = (crc << 8) ^ crcTable[(crc >>> 24) ^ value]!;
    }
    if (equal === 4) {
      equal = 0;
      previous = -1;
    } else {
      equal = byte === previous ? equal + 1 : 1;
      previous = byte;
    }
  }
  return { bytes: bytes.subarray(0, size), crc: ~crc >>> 0 };
}

/** Which bytes occur in the block: a bitmap of sixteens, then of each. */
function readUsedBytes(source: BitSource): number[] {
  const used: number[] = [];
  const rows = source.bits(16);
  for (let row = 0; row < 16; row++) {
    if (!((rows >> (15 - row)) & 1)) continue;
    const columns = source.bits(16);
    for (let column = 0; column < 16; column++)
      if ((columns >> (15 - column)) & 1) used.push(16 * row + column);
  }
  return used;
}

/** Which table each group of symbols uses, move-to-front coded in unary. */
function readSelectors(source: BitSource, tableCount: number, count: number): Uint8Array {
  const front = Array.from({ length: tableCount }, (_, i) => i);
  const selectors = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    let index = 0;
    while (source.bit())
      if (++index >= tableCount) throw new InputError("damaged bzip2 stream (selector)");
    const [table] = front.splice(index, 1);
    front.unshift(table!);
    selectors[i] = table!;
  }
  return selectors;
}

/** Code lengths, each by its difference to the one before. */
function readCode(source: BitSource, symbolCount: number): Code {
  const lengths = new Uint8Array(symbolCount);
  let length = source.bits(5);
  for (let symbol = 0; symbol < symbolCount; symbol++) {
    for (;;) {
      if (length < 1 || length > MAX_CODE_LENGTH)
        throw new InputError("damaged bzip2 stream (code length)");
      if (!source.bit()) break;
      length += source.bit() ? -1 : 1;
    }
    lengths[symbol] = length;
  }
  return codeOf(lengths);
}
