import { InputError } from "../config/errors.ts";

/** One field of a structured array: name and numpy type code, e.g. ["llh", "<f8"]. */
export type Field = readonly [name: string, type: string];
export type Scalar = number | boolean | string;

/** A one-dimensional structured array, column by column. */
export interface StructuredArray {
  readonly fields: readonly Field[];
  readonly length: number;
  readonly columns: Readonly<Record<string, readonly Scalar[]>>;
}

// Format: numpy.lib.format. Magic, version, length of the header, header (a Python dict), records.
const MAGIC = "\x93NUMPY";
/** The records begin at a multiple of this. */
const ALIGNMENT = 64;
/** Digits numpy leaves room for, so that an array can grow in place. */
const ROOM_FOR_LENGTH = 21;

/** The size of one value in bytes, or undefined for types that do not occur in result files. */
function sizeOf(type: string): number | undefined {
  const [, kind, count] = /^[<>|=]([biufUSV])(\d+)$/.exec(type) ?? [];
  if (kind === undefined) return undefined;
  const size = Number(count);
  if (kind === "U") return 4 * size;
  if (kind === "S" || kind === "V") return size;
  if (kind === "b") return size === 1 ? 1 : undefined;
  return (kind === "f" ? [4, 8] : [1, 2, 4, 8]).includes(size) ? size : undefined;
}

/** NPY bytes (version 1.0) of a structured array, as numpy.save writes them. */
export function writeNpy({ fields, length, columns }: StructuredArray): Uint8Array {
  const descr = fields.map(([name, type]) => `('${name}', '${type}')`).join(", ");
  const dict =
    `{'descr': [${descr}], 'fortran_order': False, 'shape': (${length},), }` +
    " ".repeat(ROOM_FOR_LENGTH - String(length).length);
  const prefix = MAGIC.length + 4;
  // At least one byte of padding: already aligned headers grow by 64.
  const start = (Math.floor((prefix + dict.length + 1) / ALIGNMENT) + 1) * ALIGNMENT;
  const record = fields.reduce((size, [, type]) => size + sizeOf(type)!, 0);

  const view = new DataView(new ArrayBuffer(start + record * length));
  const text = `${MAGIC}\x01\x00__${dict.padEnd(start - prefix - 1)}\n`;
  for (let i = 0; i < start; i++) view.setUint8(i, text.charCodeAt(i));
  view.setUint16(prefix - 2, start - prefix, true);

  let offset = start;
  for (const [name, type] of fields) {
    const put = writer(view, type);
    columns[name]!.forEach((value, i) => {
      put(offset + i * record, value);
    });
    offset += sizeOf(type)!;
  }
  return new Uint8Array(view.buffer);
}

function writer(view: DataView, type: string): (at: number, value: Scalar) => void {
  if (type === "<i8") return (at, value) => view.setBigInt64(at, BigInt(value), true);
  if (type === "<f8") return (at, value) => view.setFloat64(at, Number(value), true);
  if (type === "|b1") return (at, value) => view.setUint8(at, value ? 1 : 0);
  return (at, value) => {
    [...String(value)].forEach((letter, i) => {
      view.setUint32(at + 4 * i, letter.codePointAt(0)!, true);
    });
  };
}

/**
 * Reads a one-dimensional structured array. Columns of padding ("V") are passed over.
 * @param where file and member, for messages
 * @throws InputError naming the place and the byte
 */
export function readNpy(bytes: Uint8Array, where: string): StructuredArray {
  const fail = (what: string): never => {
    throw new InputError(`${where}: ${what}`);
  };
  if (bytes.length < 12 || Buffer.from(bytes.subarray(0, 6)).toString("latin1") !== MAGIC)
    fail("no NPY array: expected \\x93NUMPY at byte 0");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const major = view.getUint8(6);
  if (major < 1 || major > 3) fail(`unknown NPY version ${major}, expected 1 to 3`);
  const headerAt = major === 1 ? 10 : 12;
  const start = headerAt + (major === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (start > bytes.length) fail(`NPY header ends at byte ${start}, the member at ${bytes.length}`);
  const header = new TextDecoder().decode(bytes.subarray(headerAt, start));

  const fields = parseDescr(header) ?? fail(`expected a structured array, found ${header.trim()}`);
  const [, shape] = /'shape':\s*\(([^)]*)\)/.exec(header) ?? fail("NPY header without a shape");
  const [, count] =
    /^\s*(\d+)\s*,?\s*$/.exec(shape!) ?? fail(`expected one dimension, found (${shape})`);
  const length = Number(count);

  const columns: Record<string, Scalar[]> = {};
  const sizes = fields.map(
    ([name, type]) =>
      sizeOf(type) ?? fail(`field ${name} has type ${type}, which no result file has`),
  );
  const record = sizes.reduce((a, b) => a + b, 0);
  // However many there are, they would fit: memory for them would not.
  if (record === 0) fail("records of 0 bytes hold nothing");
  if (start + record * length !== bytes.length)
    fail(
      `${length} records of ${record} bytes end at byte ${start + record * length}, the member at ${bytes.length}`,
    );
  let offset = start;
  fields.forEach(([name, type], i) => {
    if (type[1] !== "V") {
      const get = reader(view, type);
      const column: Scalar[] = new Array(length);
      for (let row = 0; row < length; row++) {
        const value = get(offset + row * record);
        column[row] =
          value ??
          fail(
            `field ${name} of record ${row} (byte ${offset + row * record}) cannot be represented`,
          );
      }
      columns[name] = column;
    }
    offset += sizes[i]!;
  });
  return { fields: fields.filter(([, type]) => type[1] !== "V"), length, columns };
}

/** The fields of `'descr': [('a', '<i8'), …]`; undefined for anything else. */
function parseDescr(header: string): Field[] | undefined {
  const field = /\(\s*'([^'\\]*)'\s*,\s*'([^'\\]*)'\s*,?\s*\)\s*,?\s*/y;
  const opening = /'descr':\s*\[\s*/.exec(header);
  if (opening === null) return undefined;
  field.lastIndex = opening.index + opening[0].length;
  const fields: Field[] = [];
  for (;;) {
    const at = field.lastIndex;
    const match = field.exec(header);
    if (match === null) return header[at] === "]" && fields.length > 0 ? fields : undefined;
    fields.push([match[1]!, match[2]!]);
  }
}

/** Reads one value; undefined where JavaScript cannot hold it (integers beyond 2^53, no Unicode). */
function reader(view: DataView, type: string): (at: number) => Scalar | undefined {
  const little = type[0] !== ">";
  const size = sizeOf(type)!;
  switch (type[1]) {
    case "b":
      return (at) => view.getUint8(at) !== 0;
    case "f":
      return size === 8 ? (at) => view.getFloat64(at, little) : (at) => view.getFloat32(at, little);
    case "i":
    case "u":
      return (at) => {
        const word = new Uint8Array(8);
        const source = new Uint8Array(view.buffer, view.byteOffset + at, size);
        word.set(little ? source : source.toReversed());
        const bits = new DataView(word.buffer).getBigUint64(0, true);
        const value = Number(type[1] === "i" ? BigInt.asIntN(8 * size, bits) : bits);
        return Number.isSafeInteger(value) ? value : undefined;
      };
    case "U":
      return (at) => {
        let text = "";
        for (let i = 0; i < size; i += 4) {
          const point = view.getUint32(at + i, little);
          if (point > 0x10ffff) return undefined;
          text += String.fromCodePoint(point);
        }
        return text.replace(/\0+$/, "");
      };
    default:
      return (at) =>
        Buffer.from(view.buffer, view.byteOffset + at, size)
          .toString("latin1")
          .replace(/\0+$/, "");
  }
}
