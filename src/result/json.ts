import { InputError } from "../config/errors.ts";
import type { PixelResult } from "../scan/task.ts";
import { disagreement, metadataFields, parseMetadata } from "./metadata.ts";
import { pixelsInOrder } from "./order.ts";
import {
  columnsOf,
  type PixelVersion,
  pixelFromFile,
  type ResultMetadata,
  type SkyScanResult,
} from "./result.ts";

/** Stands for NaN, which JSON does not have; skyreader's. */
const NAN = "<skyreader.nan>";

/** Beyond these powers of ten Python's repr of a float has an exponent. */
const SMALLEST_PLAIN_EXPONENT = -4;
const EXPONENT_FROM = 16;

/** A float as Python's repr and json.dump write it: shortest round-trip digits, always with a point or an exponent. */
export function pythonFloat(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const [mantissa, power] = Math.abs(value).toExponential().split("e") as [string, string];
  const digits = mantissa.replace(".", "");
  const exponent = Number(power);
  if (exponent < SMALLEST_PLAIN_EXPONENT || exponent >= EXPONENT_FROM) {
    const size = String(Math.abs(exponent)).padStart(2, "0");
    return `${sign}${mantissa}e${exponent < 0 ? "-" : "+"}${size}`;
  }
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  return `${sign}${whole}.${digits.slice(exponent + 1) || "0"}`;
}

/** A text as Python's json.dump writes it: everything outside printable ASCII escaped. */
const pythonString = (text: string): string =>
  JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

const float = (value: number): string => (Number.isNaN(value) ? `"${NAN}"` : pythonFloat(value));

/** A result as JSON text, byte for byte what skyreader's to_json writes: Python's json.dump with indent=4. */
export function writeJson(result: SkyScanResult): string {
  const columns = columnsOf(result.version);
  const block = (open: string, items: readonly string[], close: string, indent: string): string =>
    items.length === 0
      ? open + close
      : `${open}\n${items.map((item) => `${indent}    ${item}`).join(",\n")}\n${indent}${close}`;

  const indent = " ".repeat(4);
  const inner = indent.repeat(2);
  const nsides = [...result.nsides].map(([nside, pixels]) => {
    const names = columns.map(([name]) => `"${name}"`);
    const rows = pixels.map((pixel) =>
      block(
        "[",
        columns.map(([name, key]) => (name === "index" ? `${pixel[key]}` : float(pixel[key]))),
        "]",
        indent.repeat(3),
      ),
    );
    const metadata = metadataFields(nside, result.metadata).map(({ name, type, value }) => {
      const text = type === "float" ? float(Number(value)) : String(value);
      return `${pythonString(name)}: ${type === "str" ? pythonString(String(value)) : text}`;
    });
    const parts = [
      `"columns": ${block("[", names, "]", inner)}`,
      `"data": ${block("[", rows, "]", inner)}`,
      `"metadata": ${block("{", metadata, "}", inner)}`,
    ];
    return `"nside-${nside}": ${block("{", parts, "}", indent)}`;
  });
  return block("{", nsides, "}", "");
}

/** JSON as Python reads it: NaN and the infinities may stand bare. */
function parsePythonJson(text: string): unknown {
  return JSON.parse(
    text.replace(/"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g, (token) => {
      if (token === "NaN") return `"${NAN}"`;
      return token.startsWith('"') ? token : token.replace("Infinity", "1e999");
    }),
  );
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Reads a result of any version from JSON text.
 * @param file name for messages
 * @throws InputError naming file, nside and row
 */
export function readJson(text: string, file: string): SkyScanResult {
  let parsed: unknown;
  try {
    parsed = parsePythonJson(text);
  } catch (error) {
    throw new InputError(`${file}: no JSON: ${(error as Error).message}`);
  }
  // SkyDriver answers with the result inside.
  if (isRecord(parsed) && "skyscan_result" in parsed) parsed = parsed.skyscan_result;
  if (!isRecord(parsed)) throw new InputError(`${file}: expected an object of nside-<N>`);
  const entries = Object.entries(parsed);
  if (entries.length === 0) throw new InputError(`${file}: no pixels: expected keys nside-<N>`);

  const nsides = new Map<number, readonly PixelResult[]>();
  let common: ResultMetadata | undefined;
  let version: PixelVersion = 0;
  for (const [name, entry] of entries) {
    const where = `${file}: ${name}`;
    if (!isRecord(entry) || Object.keys(entry).sort().join() !== "columns,data,metadata")
      throw new InputError(`${where}: expected an object of columns, data and metadata`);
    const parsed = parseMetadata(withoutSentinel(entry.metadata));
    if ("issue" in parsed) throw new InputError(`${where}: metadata: ${parsed.issue}`);
    if (name !== `nside-${parsed.nside}`)
      throw new InputError(`${where}: metadata: nside is ${parsed.nside}`);
    const differs = common && disagreement(common, parsed.metadata);
    if (differs !== undefined)
      throw new InputError(
        `${where}: metadata: ${differs} is not what the other nsides have; one file holds one event`,
      );
    common = parsed.metadata;
    version = common.version ?? 0;
    nsides.set(parsed.nside, readPixels(entry, parsed.nside, version, where));
  }
  return { version, nsides, ...(common && { metadata: common }) };
}

function withoutSentinel(metadata: unknown): unknown {
  if (!isRecord(metadata)) return metadata;
  return Object.fromEntries(
    Object.entries(metadata).map(([name, value]) => [name, value === NAN ? Number.NaN : value]),
  );
}

function readPixels(
  entry: Record<string, unknown>,
  nside: number,
  version: PixelVersion,
  where: string,
): readonly PixelResult[] {
  const columns = columnsOf(version);
  const names = columns.map(([name]) => name).join(", ");
  if (!Array.isArray(entry.columns) || entry.columns.join(", ") !== names)
    throw new InputError(`${where}: columns: pixels of version ${version} have ${names}`);
  if (!Array.isArray(entry.data)) throw new InputError(`${where}: data: expected an array of rows`);
  const pixels = entry.data.map((row: unknown, i): PixelResult => {
    if (!Array.isArray(row) || row.length !== columns.length)
      throw new InputError(`${where}: row ${i}: expected ${columns.length} numbers`);
    return pixelFromFile(nside, version, (name, column) => {
      // Whoever passed the file on may have made null of NaN: jq does, and JSON.stringify.
      const isNan = row[column] === NAN || (row[column] === null && name !== "index");
      const value: unknown = isNan ? Number.NaN : row[column];
      if (typeof value !== "number" || (name === "index" && !Number.isSafeInteger(value)))
        throw new InputError(
          `${where}: row ${i}: ${name} is ${JSON.stringify(row[column])}, expected ${name === "index" ? "an integer" : "a number"}`,
        );
      return value;
    });
  });
  return pixelsInOrder(pixels, nside, where);
}
