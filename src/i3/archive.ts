import { ByteReader, ByteWriter, byteString, stringBytes } from "./bytes.ts";

/**
 * The portable binary archive inside a frame record: what the format writes before and between values.
 * Class information (tracking flag, version) appears once per class, object ids before each tracked object,
 * class ids in front of pointers. What the values themselves are is said in types.ts.
 */

/** A type as the archive knows it: by its C++ name. */
export interface Named {
  readonly name: string;
}

/** A class object: written with class information and, when tracked, object ids. */
export interface ArchivedClass<T> extends Named {
  /** What a writer of today writes. */
  readonly tracked: boolean;
  versionFor(value: T): number;
  readBody(from: ArchiveReader, version: number): T;
  writeBody(to: ArchiveWriter, value: T, version: number): void;
}

/** Classes nest at most this deep in any real object; only hostile input goes deeper. */
const MAX_DEPTH = 64;
/** Escape value of a size and of a class version: the real value follows in 64 bits. */
const LONG_SIZE = 0xffffffff;
const LONG_VERSION = 0xff;

interface ClassState {
  readonly name: string;
  tracked: boolean;
  version: number;
  isKnown: boolean;
}

export class ArchiveReader extends ByteReader {
  /** By class id. */
  readonly #classes: ClassState[] = [];
  readonly #byName = new Map<string, ClassState>();
  /** By object id. */
  readonly #objects: { name: string; value: unknown; isComplete: boolean }[] = [];
  #depth = 0;

  /** Gives the type its class id if it has none yet. */
  register(type: Named): ClassState {
    let state = this.#byName.get(type.name);
    if (!state) {
      state = { name: type.name, tracked: false, version: 0, isKnown: false };
      this.#byName.set(type.name, state);
      this.#classes.push(state);
    }
    return state;
  }

  /** Number of elements or bytes that follow; each takes at least `elementBytes`. */
  size(elementBytes = 1): number {
    const short = this.u32();
    const value = short === LONG_SIZE ? this.count(8) : short;
    if (value * elementBytes > this.remaining)
      this.fail(`size ${value} but ${this.remaining} bytes left`);
    return value;
  }

  text(): string {
    return byteString(this.raw(this.size()));
  }

  /** A class object by value. */
  object<T>(type: ArchivedClass<T>): T {
    return this.#body(this.register(type), type);
  }

  #body<T>(state: ClassState, type: ArchivedClass<T>): T {
    if (!state.isKnown) {
      state.tracked = this.flag();
      const version = this.u8();
      state.version = version === LONG_VERSION ? this.count(8) : version;
      state.isKnown = true;
    }
    if (!state.tracked) return this.#nested(type, state.version);
    const id = this.u32();
    const earlier = this.#objects[id];
    if (earlier) {
      if (earlier.name !== type.name || !earlier.isComplete)
        this.fail(`object ${id} is no earlier ${type.name}`);
      return earlier.value as T;
    }
    if (id !== this.#objects.length) this.fail(`object id ${id}, expected ${this.#objects.length}`);
    const entry = { name: type.name, value: undefined as unknown, isComplete: false };
    this.#objects.push(entry);
    const value = this.#nested(type, state.version);
    entry.value = value;
    entry.isComplete = true;
    return value;
  }

  #nested<T>(type: ArchivedClass<T>, version: number): T {
    if (++this.#depth > MAX_DEPTH) this.fail("objects nested too deep");
    const value = type.readBody(this, version);
    this.#depth--;
    return value;
  }

  /** A boolean; anything but 0 and 1 is damage. */
  flag(): boolean {
    const value = this.u8();
    if (value > 1) this.fail(`boolean with value ${value}`);
    return value === 1;
  }

  /**
   * What a raw pointer leads to, or null.
   * @param pointee the static type; takes a class id unless abstract
   * @param byName the classes it can be, by exported name; undefined for a pointee that is not polymorphic
   */
  pointer<T>(
    pointee: Named,
    byName: ((name: string) => ArchivedClass<T> | undefined) | ArchivedClass<T>,
  ): T | null {
    this.register(pointee);
    const id = this.i16();
    if (id === -1) return null;
    let name: string;
    if (id === this.#classes.length && typeof byName === "function") name = this.text();
    else {
      const known = this.#classes[id];
      if (!known) this.fail(`class id ${id}, expected at most ${this.#classes.length}`);
      name = known.name;
    }
    const type = typeof byName === "function" ? byName(name) : byName;
    if (!type || type.name !== name) return this.fail(`unknown class "${name}"`);
    return this.#body(this.register(type), type);
  }
}

export class ArchiveWriter extends ByteWriter {
  readonly #classes = new Map<string, { id: number; version: number | undefined }>();
  #objects = 0;

  register(type: Named): { id: number; version: number | undefined } {
    let state = this.#classes.get(type.name);
    if (!state) {
      state = { id: this.#classes.size, version: undefined };
      this.#classes.set(type.name, state);
    }
    return state;
  }

  size(value: number): void {
    this.u32(value);
  }

  text(value: string): void {
    const bytes = stringBytes(value);
    this.size(bytes.length);
    this.raw(bytes);
  }

  flag(value: boolean): void {
    this.u8(value ? 1 : 0);
  }

  object<T>(type: ArchivedClass<T>, value: T): void {
    const state = this.register(type);
    if (state.version === undefined) {
      state.version = type.versionFor(value);
      this.flag(type.tracked);
      this.u8(state.version);
    }
    if (type.tracked) this.u32(this.#objects++);
    type.writeBody(this, value, state.version);
  }

  /** A raw pointer to an object not written before, or null. */
  pointer<T>(pointee: Named, type: ArchivedClass<T> | null, value: T | null): void {
    this.register(pointee);
    if (type === null || value === null) {
      this.i16(-1);
      return;
    }
    const isNew = !this.#classes.has(type.name);
    this.i16(this.register(type).id);
    if (isNew) this.text(type.name);
    this.object(type, value);
  }
}
