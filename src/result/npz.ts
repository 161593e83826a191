// Our own reader and writer of the arrays inside (npy.ts): they are arrays of records, whose `descr` is a list of
// fields, and npyjs knows only those of one plain type ("Malformed .npy header").

import { InputError } from "../config/errors.ts";
import type { PixelResult } from "../scan/task.ts";
import { disagreement, metadataFields, parseMetadata } from "./metadata.ts";
import { type Field, readNpy, type Scalar, type StructuredArray, writeNpy } from "./npy.ts";
import { pixelsInOrder } from "./order.ts";
import {
  columnsOf,
  type PixelColumn,
  type PixelVersion,
  pixelFromFile,
  type ResultMetadata,
  type SkyScanResult,
} from "./result.ts";
import { readZip, writeZip, type ZipMember } from "./zip.ts";

const pixelFields = (version: PixelVersion): Field[] =>
  columnsOf(version).map(([name]) => [name, name === "index" ? "<i8" : "<f8"]);

const typeCodes = { int: "<i8", float: "<f8", bool: "|b1" } as const;

/**
 * A result as .npz, its members byte for byte what numpy.savez makes of skyreader's arrays; equal results give
 * equal files.
 * Without metadata there is no header, as in the oldest files.
 */
export function writeNpz(result: SkyScanResult): Uint8Array {
  const members: ZipMember[] = [];
  if (result.metadata !== undefined) {
    const rows = [...result.nsides.keys()].map((nside) => metadataFields(nside, result.metadata));
    const fields = (rows[0] ?? []).map(
      ({ name, type, value }): Field => [
        name,
        type === "str" ? `<U${[...String(value)].length}` : typeCodes[type],
      ],
    );
    const columns = Object.fromEntries(
      fields.map(([name], i) => [name, rows.map((row) => row[i]!.value)]),
    );
    members.push({ name: "header.npy", bytes: writeNpy({ fields, length: rows.length, columns }) });
  }
  for (const [nside, pixels] of result.nsides) {
    const columns: Record<string, number[]> = {};
    for (const [name, key] of columnsOf(result.version))
      columns[name] = pixels.map((pixel) => pixel[key]);
    const fields = pixelFields(result.version);
    members.push({
      name: `nside-${nside}.npy`,
      bytes: writeNpy({ fields, length: pixels.length, columns }),
    });
  }
  return writeZip(members);
}

/**
 * Reads a result of any version, with or without header, stored or compressed.
 * @param file name for messages
 * @throws InputError naming file, member and byte
 */
export function readNpz(bytes: Uint8Array, file: string): SkyScanResult {
  const arrays = new Map<string, () => StructuredArray>();
  for (const member of readZip(bytes, file))
    arrays.set(member.name.replace(/\.npy$/, ""), () =>
      readNpy(member.bytes, `${file}: ${member.name}`),
    );
  const header = arrays.get("header")?.();
  const metadata = header && readHeader(header, `${file}: header.npy`);
  const names = metadata
    ? metadata.nsides.map((nside) => ({ nside, name: `nside-${nside}` }))
    : [...arrays.keys()].map((name) => ({ nside: nsideOf(name, file), name }));
  if (names.length === 0)
    throw new InputError(`${file}: no pixels: expected members nside-<N>.npy`);

  const version = metadata?.common.version ?? 0;
  const expected = pixelFields(version);
  const nsides = new Map<number, readonly PixelResult[]>();
  for (const { nside, name } of names) {
    const array = arrays.get(name);
    if (array === undefined)
      throw new InputError(`${file}: header.npy lists nside ${nside}, but there is no ${name}.npy`);
    const table = array();
    if (JSON.stringify(table.fields) !== JSON.stringify(expected))
      throw new InputError(
        `${file}: ${name}.npy: pixels have ${describe(table.fields)}, version ${version} has ${describe(expected)}`,
      );
    const columns = table.columns as Record<PixelColumn, readonly number[]>;
    const pixels = Array.from({ length: table.length }, (_, row) =>
      pixelFromFile(nside, version, (column) => columns[column][row]!),
    );
    nsides.set(nside, pixelsInOrder(pixels, nside, `${file}: ${name}.npy`));
  }
  return { version, nsides, ...(metadata && { metadata: metadata.common }) };
}

const describe = (fields: readonly Field[]): string =>
  fields.map(([name, type]) => `${name} ${type}`).join(", ");

function nsideOf(name: string, file: string): number {
  const [, nside] = /^nside-(\d+)$/.exec(name) ?? [];
  const value = Number(nside);
  if (value > 0 && Number.isInteger(Math.log2(value))) return value;
  throw new InputError(`${file}: member ${name}: expected nside-<power of two>.npy`);
}

/** The nsides of the header's records and the metadata they share. */
function readHeader(
  header: StructuredArray,
  where: string,
): { nsides: number[]; common: ResultMetadata } {
  const nsides: number[] = [];
  let common: ResultMetadata | undefined;
  for (let row = 0; row < header.length; row++) {
    const record: Record<string, Scalar> = {};
    for (const [name] of header.fields) record[name] = header.columns[name]![row]!;
    const parsed = parseMetadata(record);
    if ("issue" in parsed) throw new InputError(`${where}: record ${row}: ${parsed.issue}`);
    const differs = common && disagreement(common, parsed.metadata);
    if (differs !== undefined)
      throw new InputError(
        `${where}: record ${row}: ${differs} is not what the other nsides have; one file holds one event`,
      );
    if (nsides.includes(parsed.nside))
      throw new InputError(`${where}: record ${row}: nside ${parsed.nside} a second time`);
    nsides.push(parsed.nside);
    common = parsed.metadata;
  }
  return { nsides, common: common ?? {} };
}
