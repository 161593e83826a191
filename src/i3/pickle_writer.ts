import { InputError } from "../config/errors.ts";
import { ByteWriter, stringBytes } from "./bytes.ts";

/** Texts, tuples and the like that Python remembers have this behind them. */
const MEMOIZE = 0x94;
const PROTOCOL = 4;

/**
 * Writes a pickle opcode by opcode, protocol 4, byte for byte as CPython's pickler does: everything it could meet
 * again is memoised, and one frame holds all of it.
 */
export class PickleWriter {
  readonly #to = new ByteWriter();

  #opcode(opcode: string): this {
    this.#to.raw(stringBytes(opcode));
    return this;
  }

  #memoised(opcode: string): this {
    this.#opcode(opcode);
    this.#to.u8(MEMOIZE);
    return this;
  }

  /** A text of up to 255 bytes. */
  text(value: string): this {
    const bytes = new TextEncoder().encode(value);
    this.#opcode("\x8c");
    this.#to.u8(bytes.length);
    this.#to.raw(bytes);
    return this.#memoised("");
  }

  bytes(value: Uint8Array): this {
    if (value.length < 256) {
      this.#opcode("C");
      this.#to.u8(value.length);
    } else {
      this.#opcode("B");
      this.#to.u32(value.length);
    }
    this.#to.raw(value);
    return this.#memoised("");
  }

  float(value: number): this {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value, false);
    this.#opcode("G");
    this.#to.raw(bytes);
    return this;
  }

  /** Throws InputError beyond 32 bits. */
  integer(value: number): this {
    if (value !== (value | 0)) throw new InputError(`${value} is no integer of 32 bits`);
    if (value >= 0 && value < 256) {
      this.#opcode("K");
      this.#to.u8(value);
    } else if (value >= 0 && value < 65536) {
      this.#opcode("M");
      this.#to.u16(value);
    } else {
      this.#opcode("J");
      this.#to.i32(value);
    }
    return this;
  }

  /** A class by its module and name. */
  global(module: string, name: string): this {
    return this.text(module).text(name).#memoised("\x93");
  }

  /** The empty tuple: the arguments of what is made without any. */
  noArguments(): this {
    return this.#opcode(")");
  }

  /** Calls the class below with the arguments on top (REDUCE). */
  call(): this {
    return this.#memoised("R");
  }

  /** The same by the class's `__new__` (NEWOBJ). */
  newObject(): this {
    return this.#memoised("\x81");
  }

  emptyDict(): this {
    return this.#memoised("}");
  }

  mark(): this {
    return this.#opcode("(");
  }

  /** Sets all keys and values since the mark in the dictionary below it. */
  setItems(): this {
    return this.#opcode("u");
  }

  tuple2(): this {
    return this.#memoised("\x86");
  }

  tuple3(): this {
    return this.#memoised("\x87");
  }

  /** Gives what is on top to the object below as its state. */
  setState(): this {
    return this.#opcode("b");
  }

  finish(): Uint8Array {
    this.#opcode(".");
    const body = this.#to.finish();
    const whole = new ByteWriter();
    whole.raw(stringBytes("\x80"));
    whole.u8(PROTOCOL);
    whole.raw(stringBytes("\x95"));
    whole.u64(BigInt(body.length));
    whole.raw(body);
    return whole.finish();
  }
}
