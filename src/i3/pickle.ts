import { ByteReader, byteString, stringBytes } from "./bytes.ts";

/**
 * Data-only reading of Python pickles: numbers, strings, lists, tuples, dictionaries, and of all classes only
 * the two an alert is made with (a frame, and the call that turns text into bytes), or those the caller names.
 * Nothing is looked up, called or imported; an opcode or class outside this set is refused by name.
 */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickledFrame
  | PickledObject
  | PickleValue[]
  | Map<PickleValue, PickleValue>;

/** An I3Frame as its pickle holds it: the frame's blob. */
export class PickledFrame {
  blob: Uint8Array | undefined;
}

/** An object of a class the caller named, made without arguments: what its pickle says of its state. */
export class PickledObject {
  state: PickleValue | undefined;

  /** @param name module and class, "a.module Class" */
  constructor(readonly name: string) {}
}

/** A class or function by name, on the way to its use. */
class Global {
  constructor(readonly name: string) {}
}
const FRAME = new Set(["icecube.icetray I3Frame", "icecube._icetray I3Frame"]);
const ENCODE = new Set(["_codecs encode"]);
const ALERT: ReadonlySet<string> = new Set([...FRAME, ...ENCODE]);

const MARK = Symbol("mark");
type StackItem = PickleValue | Global | typeof MARK;

/** An alert is a dozen dictionaries and five texts: thousands of items at most. */
const MAX_ITEMS = 1_000_000;
/** Nesting of a value in values. */
const MAX_DEPTH = 50;
const NEWEST_PROTOCOL = 5;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads one pickle that fills `bytes`. Throws InputError for whatever is not plain data.
 * @param classes whose objects may be in it, "a.module Class" each, instead of an alert's
 */
export function readPickle(bytes: Uint8Array, classes: ReadonlySet<string> = ALERT): PickleValue {
  const machine = new Machine(bytes, classes);
  for (let steps = 0; steps <= MAX_ITEMS; steps++) {
    const opcode = String.fromCharCode(machine.from.u8());
    if (opcode === ".") return machine.end();
    const step = OPCODES[opcode];
    if (step === undefined) return machine.refuse(opcode);
    step(machine);
  }
  return machine.from.fail("pickle of too many items");
}

const neededBy = (classes: ReadonlySet<string>): string => (classes === ALERT ? "alert" : "result");

/** The stack machine that a pickle is a program for. */
class Machine {
  readonly from: ByteReader;
  readonly #bytes: Uint8Array;
  readonly #stack: StackItem[] = [];
  readonly #memo = new Map<number, StackItem>();

  constructor(
    bytes: Uint8Array,
    readonly classes: ReadonlySet<string>,
  ) {
    this.#bytes = bytes;
    this.from = new ByteReader(bytes);
  }

  refuse(opcode: string): never {
    return this.from.fail(
      `pickle opcode ${JSON.stringify(opcode)} (0x${opcode.charCodeAt(0).toString(16)}), which no ${neededBy(this.classes)} needs; refused`,
    );
  }

  push(item: StackItem): void {
    this.#stack.push(item);
  }

  pop(): PickleValue {
    const item = this.#stack.pop();
    if (item === undefined || item === MARK || item instanceof Global)
      return this.from.fail("pickle takes a value it never put down");
    return item;
  }

  /** The uppermost item, whatever it is. */
  popAny(): StackItem {
    const item = this.#stack.pop();
    return item === undefined ? this.from.fail("pickle uses an empty stack") : item;
  }

  popToMark(): PickleValue[] {
    const mark = this.#stack.lastIndexOf(MARK);
    if (mark < 0) this.from.fail("pickle without a mark");
    const items = this.#stack.splice(mark).slice(1);
    if (items.some((item) => item instanceof Global)) this.from.fail("a class as data in a pickle");
    return items as PickleValue[];
  }

  popTuple(length: number): PickleValue[] {
    const items: PickleValue[] = [];
    for (let i = 0; i < length; i++) items.unshift(this.pop());
    return items;
  }

  popPairs(): [PickleValue, PickleValue][] {
    const items = this.popToMark();
    if (items.length % 2) this.from.fail("pickle with a key without value");
    return Array.from({ length: items.length / 2 }, (_, i) => [items[2 * i]!, items[2 * i + 1]!]);
  }

  top(): StackItem {
    const item = this.#stack.at(-1);
    return item === undefined ? this.from.fail("pickle uses an empty stack") : item;
  }

  listOnTop(): PickleValue[] {
    const item = this.top();
    return Array.isArray(item) ? item : this.from.fail("pickle appends to what is no list");
  }

  dictOnTop(): Map<PickleValue, PickleValue> {
    const item = this.top();
    if (item instanceof Map) return item;
    return this.from.fail("pickle sets an item of what is no dictionary");
  }

  memorise(id: number = this.#memo.size): void {
    this.#memo.set(id, this.top());
  }

  recall(id: number): void {
    const value = this.#memo.get(id);
    if (value === undefined) this.from.fail(`pickle refers to memo ${id}, which it never set`);
    else this.push(value);
  }

  text(length: number): string {
    const raw = this.from.raw(length);
    try {
      return utf8.decode(raw);
    } catch {
      return this.from.fail("text that is no UTF-8");
    }
  }

  line(): string {
    const end = this.#bytes.indexOf(10, this.from.offset);
    if (end < 0) this.from.fail("unfinished line in a pickle");
    const characters = byteString(this.from.raw(end - this.from.offset));
    this.from.u8();
    return characters;
  }

  /** The pickle's one value, once its program has ended. */
  end(): PickleValue {
    const value = this.pop();
    if (this.from.remaining > 0)
      this.from.fail(`${this.from.remaining} bytes after the pickle's end`);
    if (this.#stack.length > 0) this.from.fail("pickle leaves values behind");
    return tree(value, this.from);
  }
}

type Opcodes = Readonly<Record<string, (machine: Machine) => void>>;

const ABOUT_THE_PICKLE: Opcodes = {
  "\x80": ({ from }) => {
    const protocol = from.u8();
    if (protocol > NEWEST_PROTOCOL) from.fail(`pickle protocol ${protocol}`);
  },
  // FRAME: a hint of how much follows.
  "\x95": ({ from }) => void from.count(8),
};

const NUMBERS: Opcodes = {
  N: (m) => m.push(null),
  "\x88": (m) => m.push(true),
  "\x89": (m) => m.push(false),
  I: (m) => {
    const digits = m.line();
    if (digits === "00" || digits === "01") m.push(digits === "01");
    else m.push(integer(digits, m.from));
  },
  L: (m) => m.push(integer(m.line().replace(/L$/, ""), m.from)),
  J: (m) => m.push(m.from.i32()),
  K: (m) => m.push(m.from.u8()),
  M: (m) => m.push(m.from.u16()),
  "\x8a": (m) => m.push(long(m.from.u8(), m.from)),
  "\x8b": (m) => m.push(long(m.from.u32(), m.from)),
  F: (m) => m.push(decimal(m.line(), m.from)),
  G: (m) => {
    const raw = m.from.raw(8);
    m.push(new DataView(raw.buffer, raw.byteOffset, 8).getFloat64(0, false));
  },
};

/** Python 2's strings are taken as one character per byte. */
const TEXTS: Opcodes = {
  S: (m) => m.push(quoted(m.line(), m.from)),
  T: (m) => {
    const length = m.from.i32();
    if (length < 0) m.from.fail("string of negative length");
    m.push(byteString(m.from.raw(length)));
  },
  U: (m) => m.push(byteString(m.from.raw(m.from.u8()))),
  V: (m) => m.push(unescaped(m.line(), m.from)),
  X: (m) => m.push(m.text(m.from.u32())),
  "\x8c": (m) => m.push(m.text(m.from.u8())),
  "\x8d": (m) => m.push(m.text(m.from.count(8))),
  B: (m) => m.push(m.from.raw(m.from.u32())),
  C: (m) => m.push(m.from.raw(m.from.u8())),
  "\x8e": (m) => m.push(m.from.raw(m.from.count(8))),
};

const CONTAINERS: Opcodes = {
  "(": (m) => m.push(MARK),
  "0": (m) => void m.popAny(),
  "1": (m) => void m.popToMark(),
  "]": (m) => m.push([]),
  l: (m) => m.push(m.popToMark()),
  t: (m) => m.push(m.popToMark()),
  ")": (m) => m.push([]),
  "\x85": (m) => m.push(m.popTuple(1)),
  "\x86": (m) => m.push(m.popTuple(2)),
  "\x87": (m) => m.push(m.popTuple(3)),
  a: (m) => {
    const value = m.pop();
    m.listOnTop().push(value);
  },
  e: (m) => {
    const values = m.popToMark();
    const list = m.listOnTop();
    for (const value of values) list.push(value);
  },
  "}": (m) => m.push(new Map()),
  d: (m) => m.push(new Map(m.popPairs())),
  s: (m) => {
    const value = m.pop();
    const key = m.pop();
    m.dictOnTop().set(key, value);
  },
  u: (m) => {
    const items = m.popPairs();
    const dict = m.dictOnTop();
    for (const [key, value] of items) dict.set(key, value);
  },
};

const MEMO: Opcodes = {
  p: (m) => m.memorise(memoId(m.line(), m.from)),
  q: (m) => m.memorise(m.from.u8()),
  r: (m) => m.memorise(m.from.u32()),
  "\x94": (m) => m.memorise(),
  g: (m) => m.recall(memoId(m.line(), m.from)),
  h: (m) => m.recall(m.from.u8()),
  j: (m) => m.recall(m.from.u32()),
};

const CLASSES: Opcodes = {
  c: (m) => m.push(global(`${m.line()} ${m.line()}`, m)),
  "\x93": (m) => {
    const name = m.pop();
    const module = m.pop();
    m.push(global(`${String(module)} ${String(name)}`, m));
  },
  R: (m) => {
    const args = m.pop();
    const callable = m.popAny();
    if (!(callable instanceof Global) || !Array.isArray(args))
      m.from.fail("pickle calls what is no function");
    else m.push(reduce(callable, args, m));
  },
  // NEWOBJ: as a call, but of a class only.
  "\x81": (m) => {
    if (m.classes === ALERT) m.refuse("\x81");
    const args = m.pop();
    const made = m.popAny();
    if (!(made instanceof Global) || !Array.isArray(args))
      m.from.fail("pickle makes an object of what is none of the classes expected");
    else m.push(reduce(made, args, m));
  },
  b: (m) => {
    const state = m.pop();
    const object = m.top();
    if (object instanceof PickledFrame) object.blob = blobOf(state, m.from);
    else if (object instanceof PickledObject && object.state === undefined) object.state = state;
    else m.from.fail("pickle sets the state of what has none");
  },
};

/** All that is obeyed, but the end ("."). Without a prototype: "constructor" is no opcode. */
const OPCODES: Opcodes = Object.assign(
  Object.create(null),
  ...[ABOUT_THE_PICKLE, NUMBERS, TEXTS, CONTAINERS, MEMO, CLASSES],
);

/** One of the known classes. */
function global(name: string, { classes, from }: Machine): Global {
  if (!classes.has(name))
    return from.fail(
      `pickle names the class or function "${name.replace(" ", ".")}", which no ${neededBy(classes)} needs; refused`,
    );
  return new Global(name);
}

/** The one call there is, `_codecs.encode(text, 'latin1')`; a frame or a known object made empty. */
function reduce(callable: Global, args: PickleValue[], { classes, from }: Machine): PickleValue {
  if (classes !== ALERT) {
    if (args.length > 0) from.fail(`${callable.name.replace(" ", ".")} made with arguments`);
    return new PickledObject(callable.name);
  }
  if (FRAME.has(callable.name)) {
    if (args.length > 0) from.fail("frame made with arguments");
    return new PickledFrame();
  }
  const [text, encoding] = args;
  if (args.length !== 2 || typeof text !== "string" || encoding !== "latin1")
    return from.fail("_codecs.encode called with other than (text, 'latin1')");
  return bytesOf(text, from);
}

function bytesOf(text: string, from: ByteReader): Uint8Array {
  if (/[^\0-\xff]/.test(text)) from.fail("frame text with characters beyond latin-1");
  return stringBytes(text);
}

/** State of a frame: ({}, blob). */
function blobOf(state: PickleValue, from: ByteReader): Uint8Array {
  const [dict, blob] = Array.isArray(state) ? state : [];
  if (!Array.isArray(state) || state.length !== 2 || !(dict instanceof Map) || dict.size > 0)
    return from.fail("frame state that is not ({}, blob)");
  if (blob instanceof Uint8Array) return blob;
  return typeof blob === "string" ? bytesOf(blob, from) : from.fail("frame state without blob");
}

const plainInteger = (value: bigint): number | bigint =>
  BigInt.asIntN(54, value) === value ? Number(value) : value;

function integer(digits: string, from: ByteReader): number | bigint {
  return /^[+-]?\d{1,40}$/.test(digits)
    ? plainInteger(BigInt(digits.replace("+", "")))
    : from.fail(`"${digits.slice(0, 40)}" is no integer`);
}

/** A little-endian integer of any length, in two's complement. */
function long(length: number, from: ByteReader): number | bigint {
  if (length > 64) from.fail("absurdly long integer in a pickle");
  let value = 0n;
  const raw = from.raw(length);
  for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(raw[i]!);
  if (length > 0) value = BigInt.asIntN(8 * length, value);
  return plainInteger(value);
}

function decimal(digits: string, from: ByteReader): number {
  const value = Number(digits);
  if (digits.trim() === "" || (Number.isNaN(value) && digits !== "nan"))
    from.fail(`"${digits.slice(0, 40)}" is no number`);
  return value;
}

function memoId(digits: string, from: ByteReader): number {
  return /^\d{1,9}$/.test(digits)
    ? Number(digits)
    : from.fail(`"${digits.slice(0, 40)}" is no memo number`);
}

/** A Python string literal: quotes and backslash escapes. */
function quoted(literal: string, from: ByteReader): string {
  const quote = literal[0];
  if (literal.length < 2 || (quote !== "'" && quote !== '"') || literal.at(-1) !== quote)
    return from.fail("string without quotes");
  const plain: Record<string, string> = {
    n: "\n",
    r: "\r",
    t: "\t",
    "\\": "\\",
    "'": "'",
    '"': '"',
    a: "\x07",
    b: "\b",
    f: "\f",
    v: "\v",
  };
  return literal.slice(1, -1).replace(/\\(x[0-9a-fA-F]{2}|[0-7]{1,3}|.)/g, (_, code: string) => {
    if (code[0] === "x" && code.length === 3)
      return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8) & 0xff);
    return plain[code] ?? `\\${code}`;
  });
}

/** Unicode of protocol 0: latin-1 with \u and \U escapes. */
function unescaped(raw: string, from: ByteReader): string {
  return raw.replace(
    /\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g,
    (_, four?: string, eight?: string) => {
      const point = Number.parseInt((four ?? eight)!, 16);
      return point <= 0x10ffff
        ? String.fromCodePoint(point)
        : from.fail("character beyond Unicode");
    },
  );
}

/**
 * Makes sure a value is a tree of bearable size: a pickle can share one list a million times over in a few
 * bytes, or put it into itself.
 */
function tree(value: PickleValue, from: ByteReader): PickleValue {
  let items = 0;
  const visit = (item: PickleValue, depth: number): void => {
    if (++items > MAX_ITEMS) from.fail("pickle of too many items");
    if (depth > MAX_DEPTH) from.fail("pickle nested too deep");
    if (Array.isArray(item)) for (const element of item) visit(element, depth + 1);
    else if (item instanceof PickledObject) visit(item.state ?? null, depth + 1);
    else if (item instanceof Map)
      for (const [key, element] of item) {
        visit(key, depth + 1);
        visit(element, depth + 1);
      }
  };
  visit(value, 0);
  return value;
}
