import { InputError } from "../config/errors.ts";
import type { ArchivedClass, ArchiveReader, ArchiveWriter, Named } from "./archive.ts";

/**
 * The vocabulary in which classes are described: each type knows how it is read and written, so one
 * description serves both ways. Names are those of the C++ types, because the archive gives class
 * information and class ids per exact type.
 */
export interface Type<T> extends Named {
  /** Fewest bytes a value takes; bounds the sizes that can be true. */
  readonly leastBytes: number;
  read(from: ArchiveReader): T;
  write(to: ArchiveWriter, value: T): void;
}

export interface ClassType<T> extends Type<T>, ArchivedClass<T> {}

const primitive = <T>(
  name: string,
  leastBytes: number,
  read: (from: ArchiveReader) => T,
  write: (to: ArchiveWriter, value: T) => void,
): Type<T> => ({ name, leastBytes, read, write });

export const bool = primitive(
  "bool",
  1,
  (a) => a.flag(),
  (a, v: boolean) => a.flag(v),
);
export const u8 = primitive(
  "u8",
  1,
  (a) => a.u8(),
  (a, v: number) => a.u8(v),
);
export const u16 = primitive(
  "u16",
  2,
  (a) => a.u16(),
  (a, v: number) => a.u16(v),
);
export const u32 = primitive(
  "u32",
  4,
  (a) => a.u32(),
  (a, v: number) => a.u32(v),
);
export const i32 = primitive(
  "i32",
  4,
  (a) => a.i32(),
  (a, v: number) => a.i32(v),
);
export const u64 = primitive(
  "u64",
  8,
  (a) => a.u64(),
  (a, v: bigint) => a.u64(v),
);
export const i64 = primitive(
  "i64",
  8,
  (a) => a.i64(),
  (a, v: bigint) => a.i64(v),
);
export const f32 = primitive(
  "f32",
  4,
  (a) => a.f32(),
  (a, v: number) => a.f32(v),
);
export const f64 = primitive(
  "f64",
  8,
  (a) => a.f64(),
  (a, v: number) => a.f64(v),
);
export const string = primitive(
  "string",
  4,
  (a) => a.text(),
  (a, v: string) => a.text(v),
);

/** An enumeration (i32 in the file) by the names of its values; a value without a name reads as its number. */
export function enumeration(names: Readonly<Record<number, string>>): Type<string> {
  const numbers = new Map(Object.entries(names).map(([value, name]) => [name, Number(value)]));
  return primitive(
    "enum",
    4,
    (a) => {
      const value = a.i32();
      return names[value] ?? String(value);
    },
    (a, name) => a.i32(numbers.get(name) ?? Number(name)),
  );
}

/** A class described by how its body is read and written. */
export function classType<T>(
  name: string,
  options: { version?: number | ((value: T) => number); newest?: number; tracked?: boolean },
  readBody: (from: ArchiveReader, version: number) => T,
  writeBody: (to: ArchiveWriter, value: T, version: number) => void,
): ClassType<T> {
  const { version = 0, tracked = true } = options;
  const versionFor = typeof version === "number" ? () => version : version;
  const newest = options.newest ?? (typeof version === "number" ? version : 0);
  const type: ClassType<T> = {
    name,
    leastBytes: 0,
    tracked,
    versionFor,
    readBody: (from, found) => {
      if (found > newest)
        throw new InputError(`${name} of version ${found}; known are versions up to ${newest}`);
      return readBody(from, found);
    },
    writeBody,
    read: (from) => from.object(type),
    write: (to, value) => to.object(type, value),
  };
  return type;
}

/** The empty base class of everything that can stand in a frame: class information once, then an object id. */
export const base: ClassType<undefined> = classType(
  "I3FrameObject",
  {},
  () => undefined,
  () => {},
);

export interface FieldOptions<V> {
  /** First and last class version that has the field. */
  readonly since?: number;
  readonly until?: number;
  /** Its value in the other versions. */
  readonly otherwise?: V;
}

/** A member: name, type, and in which class versions it exists. */
export type Field<T> = {
  [K in keyof T & string]-?: readonly [
    key: K,
    type: Type<NonNullable<T[K]>>,
    options?: FieldOptions<T[K]>,
  ];
}[keyof T & string];

/** Members that are read over and not kept (an older version's), written with `value`. */
export type Skipped = readonly [key: null, type: Type<unknown>, options?: FieldOptions<unknown>];

export interface StructOptions<T> {
  /** The version a writer of today writes, and the newest that can be read. */
  readonly version?: number;
  readonly versionFor?: (value: T) => number;
  readonly tracked?: boolean;
  /** Whether the base entry comes first, for a given version. Default: yes. */
  readonly base?: boolean | ((version: number) => boolean);
}

/** A class whose body is its members in order, one after the other. */
export function struct<T extends object>(
  name: string,
  options: StructOptions<T>,
  fields: readonly (Field<T> | Skipped)[],
): ClassType<T> {
  const hasBase = typeof options.base === "function" ? options.base : () => options.base !== false;
  const version = options.version ?? 0;
  const isIn = (field: Field<T> | Skipped, found: number) =>
    found >= (field[2]?.since ?? 0) && found <= (field[2]?.until ?? Number.POSITIVE_INFINITY);
  return classType<T>(
    name,
    { version: options.versionFor ?? version, newest: version, tracked: options.tracked ?? true },
    (from, found) => {
      if (hasBase(found)) base.read(from);
      const value: Record<string, unknown> = {};
      for (const field of fields) {
        const present = isIn(field, found);
        const member = present ? field[1].read(from) : field[2]?.otherwise;
        if (field[0] !== null && member !== undefined) value[field[0]] = member;
      }
      return value as T;
    },
    (to, value, found) => {
      if (hasBase(found)) base.write(to, undefined);
      for (const field of fields)
        if (isIn(field, found)) {
          const member = field[0] === null ? field[2]?.otherwise : value[field[0]];
          (field[1] as Type<unknown>).write(to, member);
        }
    },
  );
}

/** A class that adds nothing but its base entry to one member (I3Double, I3Vector, I3Map …). */
export function holder<T>(name: string, content: Type<T>): ClassType<T> {
  return classType(
    name,
    {},
    (from) => {
      base.read(from);
      return content.read(from);
    },
    (to, value) => {
      base.write(to, undefined);
      content.write(to, value);
    },
  );
}

/** Arithmetic elements as one block of bytes; takes a class id but has no class information. */
function level1<T>(
  element: Type<unknown>,
  read: (bytes: Uint8Array, count: number) => T,
  write: (value: T) => Uint8Array,
): Type<T> {
  const name = `vector<${element.name}>`;
  return {
    name,
    leastBytes: 4,
    read: (from) => {
      from.register({ name });
      const count = from.size(element.leastBytes);
      return read(from.raw(count * element.leastBytes), count);
    },
    write: (to, value) => {
      to.register({ name });
      const bytes = write(value);
      to.size(bytes.length / element.leastBytes);
      to.raw(bytes);
    },
  };
}

/** A copy whose start is aligned, as typed arrays need; the file is little endian like every host we run on. */
const aligned = (bytes: Uint8Array): ArrayBuffer => bytes.slice().buffer as ArrayBuffer;
const bytesOf = (array: Float64Array | Int32Array | BigUint64Array): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

export const vectorF64: Type<Float64Array> = level1(
  f64,
  (b) => new Float64Array(aligned(b)),
  bytesOf,
);
export const vectorI32: Type<Int32Array> = level1(i32, (b) => new Int32Array(aligned(b)), bytesOf);
export const vectorU64: Type<BigUint64Array> = level1(
  u64,
  (b) => new BigUint64Array(aligned(b)),
  bytesOf,
);
/** vector<char>: a view into the record, not a copy. */
export const vectorChar: Type<Uint8Array> = level1(
  { ...u8, name: "char" },
  (bytes) => bytes,
  (value) => value,
);

/** vector<T> or list<T> of classes or strings. */
export function sequence<T>(kind: "vector" | "list", element: Type<T>): ClassType<T[]> {
  return classType(
    `${kind}<${element.name}>`,
    { tracked: false },
    (from) => {
      const values: T[] = [];
      for (let n = from.size(Math.max(1, element.leastBytes)); n > 0; n--)
        values.push(element.read(from));
      return values;
    },
    (to, values) => {
      to.size(values.length);
      for (const value of values) element.write(to, value);
    },
  );
}
export const vector = <T>(element: Type<T>): ClassType<T[]> => sequence("vector", element);
export const list = <T>(element: Type<T>): ClassType<T[]> => sequence("list", element);

/** Numeric keys ascending, whatever their order in the file: masks count on it. Other keys as they are. */
function inNumericalOrder<K, V>(entries: Map<K, V>): Map<K, V> {
  let previous = Number.NEGATIVE_INFINITY;
  for (const key of entries.keys()) {
    if (typeof key !== "number") return entries;
    if (key < previous)
      return new Map([...entries].sort(([a], [b]) => (a as number) - (b as number)));
    previous = key;
  }
  return entries;
}

/** map<K,V>: pairs in ascending key order. */
export function map<K, V>(key: Type<K>, value: Type<V>): ClassType<Map<K, V>> {
  const pair = classType<readonly [K, V]>(
    `pair<${key.name},${value.name}>`,
    { tracked: false },
    (from) => [key.read(from), value.read(from)],
    (to, [k, v]) => {
      key.write(to, k);
      value.write(to, v);
    },
  );
  return classType(
    `map<${key.name},${value.name}>`,
    { tracked: false },
    (from) => {
      const entries = new Map<K, V>();
      const count = from.size();
      for (let n = 0; n < count; n++) {
        const [k, v] = pair.read(from);
        entries.set(k, v);
      }
      if (entries.size !== count) from.fail(`${count - entries.size} repeated keys in a map`);
      return inNumericalOrder(entries);
    },
    (to, entries) => {
      to.size(entries.size);
      for (const entry of entries) pair.write(to, entry);
    },
  );
}

/** A C array: its length, then the elements; nested arrays repeat the rule for every row. */
export function array<T>(length: number, element: Type<T>): Type<T[]> {
  return {
    name: `${element.name}[${length}]`,
    leastBytes: 4 + length * element.leastBytes,
    read: (from) => {
      const found = from.size();
      if (found !== length) from.fail(`array of ${found} elements, expected ${length}`);
      return Array.from({ length }, () => element.read(from));
    },
    write: (to, values) => {
      to.size(values.length);
      for (const value of values) element.write(to, value);
    },
  };
}

/** A C array of doubles, as one block. */
export function arrayF64(length: number): Type<Float64Array> {
  return {
    name: `f64[${length}]`,
    leastBytes: 4 + 8 * length,
    read: (from) => {
      const found = from.size(8);
      if (found !== length) from.fail(`array of ${found} elements, expected ${length}`);
      return new Float64Array(aligned(from.raw(8 * length)));
    },
    write: (to, values) => {
      to.size(values.length);
      to.raw(bytesOf(values));
    },
  };
}

/** bitset<N> as a number; N is at most 32 in every class known here. */
export const bitset = (length: number): ClassType<number> =>
  classType(
    `bitset<${length}>`,
    { tracked: false },
    (from) => (length <= 8 ? from.u8() : from.u32()),
    (to, value) => (length <= 8 ? to.u8(value) : to.u32(value)),
  );

/** dynamic_bitset: bit i is bit i mod 64 of block i div 64. */
export const dynamicBitset: ClassType<boolean[]> = classType(
  "dynamic_bitset",
  { tracked: false },
  (from) => {
    const length = from.count(8);
    const blocks = vectorU64.read(from);
    if (blocks.length !== Math.ceil(length / 64))
      from.fail(`bitset of ${length} bits in ${blocks.length} blocks`);
    return Array.from({ length }, (_, i) => ((blocks[i >> 6]! >> BigInt(i & 63)) & 1n) === 1n);
  },
  (to, bits) => {
    to.u64(BigInt(bits.length));
    const blocks = new BigUint64Array(Math.ceil(bits.length / 64));
    bits.forEach((bit, i) => {
      if (bit) blocks[i >> 6]! |= 1n << BigInt(i & 63);
    });
    vectorU64.write(to, blocks);
  },
);

/**
 * shared_ptr<T>.
 * @param pointee static type, as named in the pointer's declaration
 * @param classes the dynamic classes by exported name; or the pointee itself where it is not polymorphic
 * @param classOf which of them a value is (for writing)
 */
export function sharedPointer<T>(
  pointee: Named,
  classes: ((name: string) => ArchivedClass<T> | undefined) | ArchivedClass<T>,
  classOf: (value: T) => ArchivedClass<T>,
): ClassType<T | null> {
  return classType<T | null>(
    `shared_ptr<${pointee.name}>`,
    { version: 1, tracked: false },
    (from) => from.pointer(pointee, classes),
    (to, value) => to.pointer(pointee, value === null ? null : classOf(value), value),
  );
}
