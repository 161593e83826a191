/** Catalogues of sources: reading them (FITS, CSV, TSV, ECSV; packed or not), and which of them a localisation holds. */

import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { InputError } from "../config/errors.ts";
import { degree } from "../geometry/constants.ts";
import { isEnclosed } from "../result/enclosed.ts";
import { isFits, readFits, unpacked } from "../result/fits.ts";
import type { Localisation } from "../result/localisation.ts";
import { angleBetween, type Direction, vectorOf } from "../sky/healpix.ts";

/** A source, its direction in rad. */
export interface Source extends Direction {
  readonly name: string;
}

export interface Catalogue {
  /** The file's name without its endings. */
  readonly name: string;
  readonly sources: readonly Source[];
}

/** The columns to read; those not given are looked for under the names catalogues use. */
export interface SourceColumns {
  readonly name?: string;
  readonly ra?: string;
  readonly dec?: string;
}

/** Names in lower case, without what is not a letter or a digit; the first one there is counts. */
const usualNames: Readonly<Record<keyof SourceColumns, readonly string[]>> = {
  name: ["sourcename", "name", "source", "mainid", "objname", "object", "designation", "id"],
  ra: ["raj2000", "ra", "radeg", "rightascension", "raicrs", "rarad"],
  dec: ["dej2000", "decj2000", "dec", "de", "decdeg", "dedeg", "declination", "deicrs", "decrad"],
};

/** Larger catalogues are refused before they are read, bytes: the 4FGL has 8 MB. */
const LARGEST = 256 * 2 ** 20;

/**
 * Reads a catalogue of sources.
 * @throws InputError naming the file, and the line where one is wrong
 */
export async function readSources(path: string, columns: SourceColumns = {}): Promise<Catalogue> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`${path}: cannot be read (${error.code}); expected a catalogue`);
  });
  if (bytes.length > LARGEST) throw new InputError(`${path}: larger than ${LARGEST / 2 ** 20} MiB`);
  return await parseSources(bytes, path, columns);
}

/**
 * A catalogue from a file's content.
 * @param file name for messages and, without its endings, of the catalogue
 * @throws InputError
 */
export async function parseSources(
  bytes: Uint8Array,
  file: string,
  columns: SourceColumns = {},
): Promise<Catalogue> {
  const content = unpacked(bytes, file);
  const table = isFits(content) ? fitsTable(content, file) : await textTable(content, file);
  const column = (key: keyof SourceColumns): string => {
    const given = columns[key];
    const plain = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, "");
    const found =
      given === undefined
        ? usualNames[key]
            .map((usual) => table.columns.find((name) => plain(name) === usual))
            .find((name) => name !== undefined)
        : table.columns.find((name) => name === given);
    if (found !== undefined) return found;
    const wanted = given === undefined ? `for the sources' ${key}` : `"${given}"`;
    throw new InputError(
      `${file}: no column ${wanted}; there are ${table.columns.slice(0, 40).join(", ")} (--source-columns NAME,RA,DEC)`,
    );
  };
  const [names, ras, decs] = [column("name"), column("ra"), column("dec")].map((name) => ({
    unit: table.unit(name),
    texts: table.texts(name),
  })) as [Texts, Texts, Texts];
  const sources = ras.texts.map((text, row): Source => {
    const where = `${file}: ${table.place(row)}`;
    const ra = angle(text, ras.unit, where, "RA", 0, 360);
    const dec = angle(decs.texts[row]!, decs.unit, where, "Dec", -90, 90);
    return { name: names.texts[row]!.trim(), ra, dec };
  });
  return { name: basename(file).replace(/(\.(gz|fits?|csv|tsv|txt|ecsv))+$/i, ""), sources };
}

interface Texts {
  readonly unit: string | undefined;
  readonly texts: readonly string[];
}

/** A table of texts, wherever it was read from. */
interface TextTable {
  readonly columns: readonly string[];
  texts(column: string): readonly string[];
  unit(column: string): string | undefined;
  /** "line 12", for messages. */
  place(row: number): string;
}

/** An angle in rad from a number of degrees, or of radians where the unit says so. */
function angle(
  text: string,
  unit: string | undefined,
  where: string,
  name: string,
  least: number,
  most: number,
): number {
  const isRadian = unit === "rad" || unit === "radian";
  const value = Number(text) / (isRadian ? degree : 1);
  if (text.trim() === "" || !(value >= least && value <= most))
    throw new InputError(
      `${where}: ${name} is "${text.trim().slice(0, 40)}", expected ${least} to ${most}°`,
    );
  return value * degree;
}

function fitsTable(bytes: Uint8Array, file: string): TextTable {
  const table = readFits(bytes, file);
  return {
    columns: table.columns,
    texts: (column) => table.texts(column),
    unit: (column) => {
      const unit = table.header.get(`TUNIT${table.columns.indexOf(column) + 1}`);
      return typeof unit === "string" ? unit : undefined;
    },
    place: (row) => `row ${row + 1}`,
  };
}

/** Comma, tab or blank, whichever the line with the columns' names has. */
const delimiterOf = (line: string): string =>
  line.includes(",") ? "," : line.includes("\t") ? "\t" : line.includes(";") ? ";" : " ";

async function textTable(bytes: Uint8Array, file: string): Promise<TextTable> {
  const text = new TextDecoder().decode(bytes);
  if (text.includes("\0")) throw new InputError(`${file}: neither FITS nor a table of text`);
  const first = text.split(/\r?\n/).find((line) => line.trim() !== "" && !line.startsWith("#"));
  if (first === undefined) throw new InputError(`${file}: a catalogue without a line`);
  const { parse } = await import("csv-parse/sync");
  let records: { record: Record<string, string>; info: { lines: number } }[];
  try {
    records = parse(text, {
      bom: true,
      columns: (names: string[]) => names.map((name) => name.trim()),
      comment: "#",
      comment_no_infix: true,
      delimiter: delimiterOf(first),
      info: true,
      skip_empty_lines: true,
      trim: true,
    }) as unknown as typeof records;
  } catch (error) {
    throw new InputError(`${file}: ${(error as Error).message.split("\n", 1)[0]}`);
  }
  if (records.length === 0) throw new InputError(`${file}: a catalogue without a source`);
  // VizieR's tables have a line of units and one of dashes below the names.
  const dashes = Object.values(records[1]?.record ?? {});
  if (dashes.length > 0 && dashes.every((value) => /^-+$/.test(value))) records = records.slice(2);
  const units = ecsvUnits(text, file);
  return {
    columns: Object.keys(records[0]?.record ?? {}),
    texts: (column) => records.map(({ record }) => record[column] ?? ""),
    unit: (column) => units.get(column),
    place: (row) => `line ${records[row]!.info.lines}`,
  };
}

/** Units of an ECSV file's columns, from the YAML in its comments; none for other files. */
function ecsvUnits(text: string, file: string): Map<string, string> {
  if (!text.startsWith("# %ECSV")) return new Map();
  const yaml = text
    .split(/\r?\n/)
    .filter((line) => line.startsWith("# ") && !line.startsWith("# %"))
    .map((line) => line.slice(2).replace(/^---$/, ""));
  let header: unknown;
  try {
    // Astropy's own types of metadata (!!omap) are no matter here.
    header = Bun.YAML.parse(yaml.join("\n").replace(/!!?[A-Za-z._]+/g, ""));
  } catch {
    throw new InputError(`${file}: an ECSV header that is no YAML`);
  }
  const { datatype } = (header ?? {}) as { datatype?: unknown };
  const units = new Map<string, string>();
  if (Array.isArray(datatype))
    for (const { name, unit } of datatype as { name?: unknown; unit?: unknown }[])
      if (typeof name === "string" && typeof unit === "string") units.set(name, unit);
  return units;
}

/** A source beside a best fit. */
export interface SourceFound {
  readonly source: Source;
  /** From the best fit, rad. */
  readonly distance: number;
  /** Of the smallest contour it lies in; beyond all of them infinite. */
  readonly percent: number;
}

export interface SourcesFound {
  /** The catalogue's name. */
  readonly catalogue: string;
  /** In any of the contours, nearest first. */
  readonly inside: readonly SourceFound[];
  /** The nearest outside of the 90 % contour. */
  readonly nearest?: SourceFound;
}

/** Which sources lie in the contours of a localisation, and which is the nearest outside. */
export function sourcesFound(found: Localisation, { name, sources }: Catalogue): SourcesFound {
  const { best, contours, result } = found;
  const centre = vectorOf(best);
  const near = sources
    .map((source) => ({ source, distance: angleBetween(vectorOf(source), centre) }))
    .sort((a, b) => a.distance - b.distance);
  // Nothing farther than a contour's farthest point lies in it.
  const reach = contours.map(({ lines, isOpen, area }) =>
    isOpen || area > 2 * Math.PI
      ? Math.PI
      : Math.max(
          0,
          ...lines.flatMap(({ points }) =>
            points.map((point) => angleBetween(vectorOf(point), centre)),
          ),
        ),
  );
  const placed = near.map(({ source, distance }): SourceFound => {
    const smallest = contours.find(
      (contour, i) => distance <= reach[i]! && isEnclosed(source, contour, best, result),
    );
    return { source, distance, percent: smallest?.percent ?? Number.POSITIVE_INFINITY };
  });
  const nearest = placed.find(({ percent }) => percent > 90);
  return {
    catalogue: name,
    inside: placed.filter(({ percent }) => Number.isFinite(percent)),
    ...(nearest && { nearest }),
  };
}
