import { InputError } from "../config/errors.ts";

/** The bytes end before what is read; `total` would be enough. */
export class MissingBytes extends InputError {
  constructor(
    message: string,
    readonly total: number,
  ) {
    super(message);
  }
}

/**
 * A cursor over little-endian bytes, never aligned or padded. Every read checks that the bytes are there;
 * throws InputError with the byte offset when they are not.
 */
export class ByteReader {
  readonly #view: DataView;
  #offset = 0;

  constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.bytes.length - this.#offset;
  }

  fail(problem: string): never {
    throw new InputError(`${problem} at byte ${this.#offset} of ${this.bytes.length}`);
  }

  /** `length` more bytes should follow, and do not. */
  missing(length: number): never {
    throw new MissingBytes(
      `truncated: ${length} more bytes expected at byte ${this.#offset} of ${this.bytes.length}`,
      this.#offset + length,
    );
  }

  /** Steps over `length` bytes and returns where they begin. */
  #take(length: number): number {
    const start = this.#offset;
    if (length > this.bytes.length - start) this.missing(length);
    this.#offset = start + length;
    return start;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }
  i8(): number {
    return this.#view.getInt8(this.#take(1));
  }
  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }
  i16(): number {
    return this.#view.getInt16(this.#take(2), true);
  }
  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }
  i32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }
  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }
  i64(): bigint {
    return this.#view.getBigInt64(this.#take(8), true);
  }
  f32(): number {
    return this.#view.getFloat32(this.#take(4), true);
  }
  f64(): number {
    return this.#view.getFloat64(this.#take(8), true);
  }

  /** A view of the next `length` bytes; no copy. */
  raw(length: number): Uint8Array {
    const start = this.#take(length);
    return this.bytes.subarray(start, start + length);
  }

  /** An unsigned integer of 1–8 bytes that must fit a count of things in memory. */
  count(byteCount: number): number {
    const start = this.#take(byteCount);
    let value = 0;
    for (let i = byteCount - 1; i >= 0; i--) value = value * 256 + this.#view.getUint8(start + i);
    if (!Number.isSafeInteger(value)) this.fail("absurd count");
    return value;
  }
}

/** Little-endian bytes growing at the end. */
export class ByteWriter {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  #grow(length: number): number {
    const start = this.#length;
    const needed = start + length;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, start));
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#length = needed;
    return start;
  }

  u8(value: number): void {
    const at = this.#grow(1);
    this.#view.setUint8(at, value);
  }
  u16(value: number): void {
    const at = this.#grow(2);
    this.#view.setUint16(at, value, true);
  }
  i16(value: number): void {
    const at = this.#grow(2);
    this.#view.setInt16(at, value, true);
  }
  u32(value: number): void {
    const at = this.#grow(4);
    this.#view.setUint32(at, value, true);
  }
  i32(value: number): void {
    const at = this.#grow(4);
    this.#view.setInt32(at, value, true);
  }
  u64(value: bigint): void {
    const at = this.#grow(8);
    this.#view.setBigUint64(at, value, true);
  }
  i64(value: bigint): void {
    const at = this.#grow(8);
    this.#view.setBigInt64(at, value, true);
  }
  f32(value: number): void {
    const at = this.#grow(4);
    this.#view.setFloat32(at, value, true);
  }
  f64(value: number): void {
    const at = this.#grow(8);
    this.#view.setFloat64(at, value, true);
  }
  raw(bytes: Uint8Array): void {
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** What was written so far; a copy. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}

/** Every byte one character, 0–255; the file format knows no encoding. (TextDecoder's "latin1" is windows-1252.) */
export const byteString = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");

/** Latin-1 bytes of a string that byteString made (or any string of characters up to 255). */
export const stringBytes = (text: string): Uint8Array =>
  new Uint8Array(Buffer.from(text, "latin1"));
