/**
 * FITS files of one binary table (FITS Standard 4.0, Pence et al. 2010, A&A 524, A42 and its successors): writing
 * columns of doubles and 64-bit integers with the cards in the given order, reading tables of numbers and text.
 */

import { gunzipSync, gzipSync } from "node:zlib";
import { InputError } from "../config/errors.ts";
import { pythonFloat } from "./json.ts";

/** Header and data come in blocks of so many bytes, cards are so long. */
const BLOCK = 2880;
const CARD = 80;
/** Text of one card between its quotes. */
const LONGEST_TEXT = 68;
/** Unpacked files are no larger, bytes: a flat map of nside 2048 has 400 MB. */
const LARGEST = 512 * 2 ** 20;
/** Headers are no longer, cards: a map has fewer than a hundred. */
const MOST_CARDS = 10_000;

/** One entry of a header, 80 characters or, for long texts, several times that. */
export type Card = string;

/** Names of up to eight letters, digits, - and _ are standard; longer ones need ESO's HIERARCH convention. */
const keyword = (key: string): string =>
  /^[A-Z0-9_-]{1,8}$/.test(key) ? `${key.padEnd(8)}= ` : `HIERARCH ${key} = `;

const valued = (key: string, value: string): Card => {
  const start = keyword(key);
  // Fixed format: numbers end in column 30.
  return `${start}${start.length === 10 ? value.padStart(20) : value}`.padEnd(CARD);
};

export const integerCard = (key: string, value: number): Card => valued(key, String(value));

/** Shortest digits that read back the same double. Throws RangeError for what FITS has no number for. */
export function realCard(key: string, value: number): Card {
  if (!Number.isFinite(value)) throw new RangeError(`${key}: ${value} is no FITS number`);
  return valued(key, pythonFloat(value).toUpperCase());
}

export const logicalCard = (key: string, value: boolean): Card => valued(key, value ? "T" : "F");

/** What FITS has no letter for becomes a question mark. Texts too long for a card go on in CONTINUE cards. */
export function textCard(key: string, value: string): Card {
  const text = value.replace(/[^\x20-\x7e]/gu, "?").replaceAll("'", "''");
  const start = keyword(key);
  const room = LONGEST_TEXT - (start.length - 10);
  if (text.length <= room) return `${start}'${text.padEnd(8)}'`.padEnd(CARD);
  const cards: string[] = [];
  for (let at = 0; at < text.length; ) {
    const isFirst = cards.length === 0;
    // One letter less for the "&" that says that it goes on; a quote is not torn from its double.
    let length = Math.min((isFirst ? room : LONGEST_TEXT) - 1, text.length - at);
    const quotes = /'*$/.exec(text.slice(at, at + length))![0].length;
    if (quotes % 2 === 1) length--;
    const more = at + length < text.length ? "&" : "";
    const part = `'${text.slice(at, at + length)}${more}'`;
    cards.push(`${isFirst ? start : "CONTINUE  "}${part}`.padEnd(CARD));
    at += length;
  }
  return cards.join("");
}

/** A column of a table to write: 64-bit integers (K) or doubles (D). */
export interface Column {
  readonly name: string;
  readonly type: "K" | "D";
  readonly unit?: string;
  readonly values: ArrayLike<number>;
}

/**
 * A FITS file: an empty primary HDU and one binary table. Its first cards are those and in that order which mocpy
 * reads by position: XTENSION, BITPIX, NAXIS, NAXIS1, NAXIS2, PCOUNT, GCOUNT, TFIELDS, then TTYPEn, TFORMn of each
 * column; units follow only then.
 * @param cards what the table's header says besides
 */
export function writeFits(columns: readonly Column[], cards: readonly Card[]): Uint8Array {
  const rows = columns[0]?.values.length ?? 0;
  const rowSize = 8 * columns.length;
  const primary = header([
    logicalCard("SIMPLE", true),
    integerCard("BITPIX", 8),
    integerCard("NAXIS", 0),
    logicalCard("EXTEND", true),
  ]);
  const table = header([
    textCard("XTENSION", "BINTABLE"),
    integerCard("BITPIX", 8),
    integerCard("NAXIS", 2),
    integerCard("NAXIS1", rowSize),
    integerCard("NAXIS2", rows),
    integerCard("PCOUNT", 0),
    integerCard("GCOUNT", 1),
    integerCard("TFIELDS", columns.length),
    ...columns.flatMap(({ name, type }, i) => [
      textCard(`TTYPE${i + 1}`, name),
      textCard(`TFORM${i + 1}`, type),
    ]),
    ...columns.flatMap(({ unit }, i) =>
      unit === undefined ? [] : [textCard(`TUNIT${i + 1}`, unit)],
    ),
    ...cards,
  ]);
  const data = new Uint8Array(Math.ceil((rowSize * rows) / BLOCK) * BLOCK);
  const view = new DataView(data.buffer);
  columns.forEach(({ type, values }, c) => {
    for (let row = 0; row < rows; row++) {
      const at = row * rowSize + 8 * c;
      if (type === "D") view.setFloat64(at, values[row]!);
      else view.setBigInt64(at, BigInt(values[row]!));
    }
  });
  return Buffer.concat([primary, table, data]);
}

function header(cards: readonly Card[]): Uint8Array {
  const text = [...cards, "END".padEnd(CARD)].join("");
  return Buffer.from(text.padEnd(Math.ceil(text.length / BLOCK) * BLOCK), "latin1");
}

/** Packed without a date, so that equal contents give equal files. */
export const gzipped = (bytes: Uint8Array): Uint8Array => gzipSync(bytes, { level: 9 });

export type HeaderValue = string | number | boolean;

/** A binary table as it was read. */
export interface FitsTable {
  readonly header: ReadonlyMap<string, HeaderValue>;
  readonly rows: number;
  /** Names in the file's order. */
  readonly columns: readonly string[];
  /** One value a row: numbers. @throws InputError where there is no such column of numbers */
  numbers(name: string): Float64Array;
  /** One text a row, numbers as they print. @throws InputError where there is no such column */
  texts(name: string): string[];
  has(name: string): boolean;
}

export const isFits = (bytes: Uint8Array): boolean =>
  Buffer.from(bytes.subarray(0, 9)).toString("latin1") === "SIMPLE  =";

const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** Unpacks what is packed by gzip, up to a bound. @throws InputError naming the file */
export function unpacked(bytes: Uint8Array, file: string): Uint8Array {
  if (!isGzip(bytes)) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: LARGEST });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const isLarge = code === "ERR_BUFFER_TOO_LARGE";
    throw new InputError(
      isLarge
        ? `${file}: unpacks to more than ${LARGEST / 2 ** 20} MiB`
        : `${file}: cannot be unpacked (gzip): damaged or cut short`,
    );
  }
}

/**
 * Reads the first binary table of a FITS file, packed by gzip or not.
 * @param file name for messages
 * @throws InputError naming file, card and byte
 */
export function readFits(packed: Uint8Array, file: string): FitsTable {
  const bytes = unpacked(packed, file);
  const fail = (what: string): never => {
    throw new InputError(`${file}: ${what}`);
  };
  if (!isFits(bytes)) fail("no FITS file: it does not begin with SIMPLE");
  for (let at = 0; at < bytes.length; ) {
    const { cards, end } = readHeader(bytes, at, fail);
    const size = dataSize(cards, fail);
    if (cards.get("XTENSION") === "BINTABLE") {
      if (end + size > bytes.length)
        fail(`cut short: its table ends at byte ${end + size}, the file at ${bytes.length}`);
      return tableOf(cards, bytes.subarray(end, end + size), fail);
    }
    at = end + Math.ceil(size / BLOCK) * BLOCK;
  }
  return fail("holds no binary table (BINTABLE)");
}

type Fail = (what: string) => never;
type Cards = Map<string, HeaderValue>;

function readHeader(bytes: Uint8Array, start: number, fail: Fail): { cards: Cards; end: number } {
  const cards: Cards = new Map();
  let key = "";
  for (let n = 0; n < MOST_CARDS; n++) {
    const at = start + n * CARD;
    if (at + CARD > bytes.length) return fail(`cut short in the header, at byte ${bytes.length}`);
    const card = Buffer.from(bytes.subarray(at, at + CARD)).toString("latin1");
    if (/[^\x20-\x7e]/.test(card)) return fail(`damaged header card at byte ${at}`);
    if (card.trimEnd() === "END")
      return { cards, end: start + Math.ceil(((n + 1) * CARD) / BLOCK) * BLOCK };
    const goesOn = cards.get(key);
    if (card.startsWith("CONTINUE") && typeof goesOn === "string" && goesOn.endsWith("&")) {
      cards.set(key, goesOn.slice(0, -1) + String(cardValue(card.slice(8)) ?? ""));
      continue;
    }
    const [, long, short, rest] =
      /^(?:HIERARCH (.+?) *=|([A-Z0-9_-]{1,8}) *=)(.*)$/.exec(card) ?? [];
    if (rest === undefined) continue;
    key = (long ?? short)!;
    const value = cardValue(rest);
    if (value !== undefined) cards.set(key, value);
  }
  return fail(`a header of more than ${MOST_CARDS} cards`);
}

/** The value of a card; undefined where it has none, or one this program does not know (complex numbers). */
function cardValue(text: string): HeaderValue | undefined {
  const [, quoted] = /^ *'((?:[^']|'')*)'/.exec(text) ?? [];
  if (quoted !== undefined) return quoted.replaceAll("''", "'").trimEnd();
  const word = text.split("/", 1)[0]!.trim();
  if (word === "T" || word === "F") return word === "T";
  const number = Number(word.replace(/[dD]/, "E"));
  return word === "" || Number.isNaN(number) ? undefined : number;
}

function count(cards: Cards, key: string, fail: Fail, fallback?: number): number {
  const value = cards.get(key) ?? fallback;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0)
    return fail(`header card ${key}: expected a whole number, found ${value ?? "none"}`);
  return value;
}

/** Bytes of an HDU's data, without padding. */
function dataSize(cards: Cards, fail: Fail): number {
  const axes = count(cards, "NAXIS", fail);
  if (axes === 0) return 0;
  const bits = cards.get("BITPIX");
  if (typeof bits !== "number" || ![8, 16, 32, 64, -32, -64].includes(bits))
    return fail(`header card BITPIX: found ${bits ?? "none"}`);
  if (axes > 999) fail(`header card NAXIS: found ${axes}`);
  let elements = 1;
  for (let i = 1; i <= axes; i++) elements *= count(cards, `NAXIS${i}`, fail);
  elements += count(cards, "PCOUNT", fail, 0);
  return (Math.abs(bits) / 8) * count(cards, "GCOUNT", fail, 1) * elements;
}

/** Bytes of one element of each type, and how it is read; X (bits), P and Q (heap) are passed over. */
const numberTypes: Readonly<Record<string, [number, (view: DataView, at: number) => number]>> = {
  B: [1, (view, at) => view.getUint8(at)],
  I: [2, (view, at) => view.getInt16(at)],
  J: [4, (view, at) => view.getInt32(at)],
  K: [8, (view, at) => Number(view.getBigInt64(at))],
  E: [4, (view, at) => view.getFloat32(at)],
  D: [8, (view, at) => view.getFloat64(at)],
};
const otherSizes: Readonly<Record<string, number>> = { L: 1, A: 1, C: 8, M: 16, P: 8, Q: 16 };

interface Field {
  readonly offset: number;
  readonly repeat: number;
  readonly type: string;
  readonly scale: number;
  readonly zero: number;
}

function tableOf(cards: Cards, data: Uint8Array, fail: Fail): FitsTable {
  const rowSize = count(cards, "NAXIS1", fail);
  const rows = count(cards, "NAXIS2", fail);
  const fields = fieldsOf(cards, fail);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const fieldOf = (name: string): Field =>
    fields.get(name) ??
    fail(`no column "${name}"; there are ${[...fields.keys()].slice(0, 40).join(", ")}`);
  const isNumber = ({ type, repeat }: Field) => numberTypes[type] !== undefined && repeat > 0;
  const numbers = (name: string): Float64Array => {
    const field = fieldOf(name);
    if (!isNumber(field))
      return fail(`column "${name}" (${field.repeat}${field.type}) holds no numbers`);
    const { offset, repeat, scale, zero, type } = field;
    const [size, read] = numberTypes[type]!;
    // Maps may have many pixels in a row (healpy's 1024D).
    const values = new Float64Array(rows * repeat);
    for (let i = 0; i < values.length; i++) {
      const at = Math.floor(i / repeat) * rowSize + offset + (i % repeat) * size;
      values[i] = read(view, at) * scale + zero;
    }
    return values;
  };
  const texts = (name: string): string[] => {
    const field = fieldOf(name);
    if (field.type !== "A") return Array.from(numbers(name), String);
    return Array.from({ length: rows }, (_, row) => {
      const at = row * rowSize + field.offset;
      const text = Buffer.from(data.subarray(at, at + field.repeat)).toString("latin1");
      return text.split("\0", 1)[0]!.trimEnd();
    });
  };
  return {
    ...{ header: cards, rows, columns: [...fields.keys()], numbers, texts },
    has: (name) => fields.has(name),
  };
}

function fieldsOf(cards: Cards, fail: Fail): Map<string, Field> {
  const fields = new Map<string, Field>();
  let offset = 0;
  const columns = count(cards, "TFIELDS", fail);
  if (columns > 999) fail(`header card TFIELDS: found ${columns}, at most 999 are allowed`);
  for (let i = 1; i <= columns; i++) {
    const form = String(cards.get(`TFORM${i}`));
    const [, digits, type] = /^(\d*)([LXBIJKAEDCMPQ])/.exec(form) ?? [];
    if (type === undefined) fail(`header card TFORM${i}: found ${form}`);
    const repeat = digits === "" ? 1 : Number(digits);
    const number = (key: string, otherwise: number) => {
      const value = cards.get(`${key}${i}`);
      return typeof value === "number" ? value : otherwise;
    };
    const name = String(cards.get(`TTYPE${i}`) ?? `column ${i}`);
    fields.set(name, {
      ...{ offset, repeat, type: type! },
      ...{ scale: number("TSCAL", 1), zero: number("TZERO", 0) },
    });
    offset +=
      type === "X"
        ? Math.ceil(repeat / 8)
        : repeat * (numberTypes[type!]?.[0] ?? otherSizes[type!]!);
  }
  const rowSize = count(cards, "NAXIS1", fail);
  if (offset !== rowSize)
    fail(`its columns make rows of ${offset} bytes, header card NAXIS1 says ${rowSize}`);
  return fields;
}
