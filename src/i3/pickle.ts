import { ByteReader, byteString, stringBytes } from "./bytes.ts";

/**
 * Data-only reading of Python pickles: numbers, strings, lists, tuples, dictionaries, and of all classes only
 * the two an alert is made with (a frame, and the call that turns text into bytes). Nothing is looked up,
 * called or imported; an opcode or class outside this set is refused by name.
 */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickledFrame
  | PickleValue[]
  | Map<PickleValue, PickleValue>;

/** An I3Frame as its pickle holds it: the frame's blob. */
export class PickledFrame {
  blob: Uint8Array | undefined;
}

/** A class or function by name, on the way to its use. */
class Global {
  constructor(readonly name: string) {}
}
const FRAME = new Set(["icecube.icetray I3Frame", "icecube._icetray I3Frame"]);
const ENCODE = new Set(["_codecs encode"]);

const MARK = Symbol("mark");
type StackItem = PickleValue | Global | typeof MARK;

/** An alert is a dozen dictionaries and five texts: thousands of items at most. */
const MAX_ITEMS = 1_000_000;
/** Nesting of a value in values. */
const MAX_DEPTH = 50;
const NEWEST_PROTOCOL = 5;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Reads one pickle that fills `bytes`. Throws InputError for whatever is not plain data. */
export function readPickle(bytes: Uint8Array): PickleValue {
  const from = new ByteReader(bytes);
  const stack: StackItem[] = [];
  const memo = new Map<number, StackItem>();
  const memoOf = (id: number): StackItem => {
    const value = memo.get(id);
    return value === undefined
      ? from.fail(`pickle refers to memo ${id}, which it never set`)
      : value;
  };

  const text = (length: number): string => {
    const raw = from.raw(length);
    try {
      return utf8.decode(raw);
    } catch {
      return from.fail("text that is no UTF-8");
    }
  };
  const line = (): string => {
    const end = bytes.indexOf(10, from.offset);
    if (end < 0) from.fail("unfinished line in a pickle");
    const characters = byteString(from.raw(end - from.offset));
    from.u8();
    return characters;
  };
  const pop = (): PickleValue => {
    const item = stack.pop();
    if (item === undefined || item === MARK || item instanceof Global)
      return from.fail("pickle takes a value it never put down");
    return item;
  };
  const popToMark = (): PickleValue[] => {
    const mark = stack.lastIndexOf(MARK);
    if (mark < 0) from.fail("pickle without a mark");
    const items = stack.splice(mark).slice(1);
    if (items.some((item) => item instanceof Global)) from.fail("a class as data in a pickle");
    return items as PickleValue[];
  };
  const top = (): StackItem => stack.at(-1) ?? from.fail("pickle uses an empty stack");
  const listOnTop = (): PickleValue[] => {
    const item = top();
    return Array.isArray(item) ? item : from.fail("pickle appends to what is no list");
  };
  const dictOnTop = (): Map<PickleValue, PickleValue> => {
    const item = top();
    return item instanceof Map ? item : from.fail("pickle sets an item of what is no dictionary");
  };
  const pairs = (items: PickleValue[]): [PickleValue, PickleValue][] => {
    if (items.length % 2) from.fail("pickle with a key without value");
    return Array.from({ length: items.length / 2 }, (_, i) => [items[2 * i]!, items[2 * i + 1]!]);
  };
  const long = (length: number): number | bigint => {
    if (length > 64) from.fail("absurdly long integer in a pickle");
    let value = 0n;
    const raw = from.raw(length);
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(raw[i]!);
    if (length > 0) value = BigInt.asIntN(8 * length, value);
    return plainInteger(value);
  };
  const tuple = (length: number): PickleValue[] => {
    const items: PickleValue[] = [];
    for (let i = 0; i < length; i++) items.unshift(pop());
    return items;
  };
  const global = (name: string): Global => {
    if (!FRAME.has(name) && !ENCODE.has(name))
      return from.fail(
        `pickle names the class or function "${name.replace(" ", ".")}", which no alert needs; refused`,
      );
    return new Global(name);
  };

  for (let steps = 0; ; steps++) {
    if (steps > MAX_ITEMS) from.fail("pickle of too many items");
    const opcode = String.fromCharCode(from.u8());
    switch (opcode) {
      case "\x80": {
        const protocol = from.u8();
        if (protocol > NEWEST_PROTOCOL) from.fail(`pickle protocol ${protocol}`);
        break;
      }
      case "\x95": // FRAME: a hint of how much follows
        from.count(8);
        break;
      case ".": {
        const value = pop();
        if (from.remaining > 0) from.fail(`${from.remaining} bytes after the pickle's end`);
        if (stack.length > 0) from.fail("pickle leaves values behind");
        return tree(value, from);
      }
      case "(":
        stack.push(MARK);
        break;
      case "0":
        if (stack.pop() === undefined) from.fail("pickle uses an empty stack");
        break;
      case "1":
        popToMark();
        break;
      // numbers and constants
      case "N":
        stack.push(null);
        break;
      case "\x88":
        stack.push(true);
        break;
      case "\x89":
        stack.push(false);
        break;
      case "I": {
        const digits = line();
        if (digits === "00" || digits === "01") stack.push(digits === "01");
        else stack.push(integer(digits, from));
        break;
      }
      case "L":
        stack.push(integer(line().replace(/L$/, ""), from));
        break;
      case "J":
        stack.push(from.i32());
        break;
      case "K":
        stack.push(from.u8());
        break;
      case "M":
        stack.push(from.u16());
        break;
      case "\x8a":
        stack.push(long(from.u8()));
        break;
      case "\x8b":
        stack.push(long(from.u32()));
        break;
      case "F": {
        const digits = line();
        const value = Number(digits);
        if (digits.trim() === "" || (Number.isNaN(value) && digits !== "nan"))
          from.fail(`"${digits.slice(0, 40)}" is no number`);
        stack.push(value);
        break;
      }
      case "G": {
        const raw = from.raw(8);
        stack.push(new DataView(raw.buffer, raw.byteOffset, 8).getFloat64(0, false));
        break;
      }
      // text and bytes; Python 2 strings are taken as one character per byte
      case "S":
        stack.push(quoted(line(), from));
        break;
      case "T": {
        const length = from.i32();
        if (length < 0) from.fail("string of negative length");
        stack.push(byteString(from.raw(length)));
        break;
      }
      case "U":
        stack.push(byteString(from.raw(from.u8())));
        break;
      case "V":
        stack.push(unescaped(line(), from));
        break;
      case "X":
        stack.push(text(from.u32()));
        break;
      case "\x8c":
        stack.push(text(from.u8()));
        break;
      case "\x8d":
        stack.push(text(from.count(8)));
        break;
      case "B":
        stack.push(from.raw(from.u32()));
        break;
      case "C":
        stack.push(from.raw(from.u8()));
        break;
      case "\x8e":
        stack.push(from.raw(from.count(8)));
        break;
      // containers
      case "]":
        stack.push([]);
        break;
      case "l":
      case "t":
        stack.push(popToMark());
        break;
      case ")":
        stack.push([]);
        break;
      case "\x85":
        stack.push(tuple(1));
        break;
      case "\x86":
        stack.push(tuple(2));
        break;
      case "\x87":
        stack.push(tuple(3));
        break;
      case "a": {
        const value = pop();
        listOnTop().push(value);
        break;
      }
      case "e": {
        const values = popToMark();
        const list = listOnTop();
        for (const value of values) list.push(value);
        break;
      }
      case "}":
        stack.push(new Map());
        break;
      case "d":
        stack.push(new Map(pairs(popToMark())));
        break;
      case "s": {
        const value = pop();
        const key = pop();
        dictOnTop().set(key, value);
        break;
      }
      case "u": {
        const items = pairs(popToMark());
        const dict = dictOnTop();
        for (const [key, value] of items) dict.set(key, value);
        break;
      }
      // memo
      case "p":
        memo.set(memoId(line(), from), top());
        break;
      case "q":
        memo.set(from.u8(), top());
        break;
      case "r":
        memo.set(from.u32(), top());
        break;
      case "\x94":
        memo.set(memo.size, top());
        break;
      case "g":
        stack.push(memoOf(memoId(line(), from)));
        break;
      case "h":
        stack.push(memoOf(from.u8()));
        break;
      case "j":
        stack.push(memoOf(from.u32()));
        break;
      // the two known classes
      case "c":
        stack.push(global(`${line()} ${line()}`));
        break;
      case "\x93": {
        const name = pop();
        const module = pop();
        stack.push(global(`${String(module)} ${String(name)}`));
        break;
      }
      case "R": {
        const args = pop();
        const callable = stack.pop();
        if (!(callable instanceof Global) || !Array.isArray(args))
          from.fail("pickle calls what is no function");
        else stack.push(reduce(callable, args, from));
        break;
      }
      case "b": {
        const state = pop();
        const frame = top();
        if (!(frame instanceof PickledFrame))
          from.fail("pickle sets the state of what is no frame");
        else frame.blob = blobOf(state, from);
        break;
      }
      default:
        from.fail(
          `pickle opcode ${JSON.stringify(opcode)} (0x${opcode.charCodeAt(0).toString(16)}), which no alert needs; refused`,
        );
    }
  }
}

/** The one call there is: `_codecs.encode(text, 'latin1')`, and a frame made empty. */
function reduce(callable: Global, args: PickleValue[], from: ByteReader): PickleValue {
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
    else if (item instanceof Map)
      for (const [key, element] of item) {
        visit(key, depth + 1);
        visit(element, depth + 1);
      }
  };
  visit(value, 0);
  return value;
}
