/** A table of sources that is laid over the map: name, RA and Dec in degrees, separated by commas, tabs or blanks. */
import type { Source } from "./map/overlay.ts";
import { shown } from "./words.ts";

const degree = Math.PI / 180;
const MOST = 5000;
const names = {
  name: /^(source_?)?(name|id|source|main_id)$/i,
  ra: /^_?(ra|raj2000|ra_deg|ra_icrs)$/i,
  dec: /^_?(dec|de|dej2000|decj2000|dec_deg|de_icrs)$/i,
};

/** @returns the sources, or what is wrong with the table */
export function readSources(text: string): Source[] | string {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "" && !line.startsWith("#"));
  const separator = lines[0]?.includes("\t") ? "\t" : lines[0]?.includes(",") ? "," : " ";
  const rows = lines.map((line) => cells(line, separator));
  const header = rows[0] ?? [];
  const column = (pattern: RegExp) => header.findIndex((title) => pattern.test(title));
  const [name, ra, dec] = [column(names.name), column(names.ra), column(names.dec)];
  if (ra < 0 || dec < 0)
    return `A table of sources has a line of titles with ra and dec (degrees); found ${shown(header.join(", "))}.`;
  if (rows.length - 1 > MOST)
    return `${rows.length - 1} sources are too many for a map: at most ${MOST}.`;
  const sources: Source[] = [];
  for (const [i, row] of rows.slice(1).entries()) {
    const [a, d] = [Number(row[ra]), Number(row[dec])];
    if (row[ra] === "" || !Number.isFinite(a) || !(Math.abs(d) <= 90))
      return `Line ${i + 2} of the table has no RA and Dec in degrees: ${shown(row.join(" "))}.`;
    sources.push({ name: shown(row[name] ?? ""), ra: a * degree, dec: d * degree });
  }
  return sources;
}

/** The cells of a line; quotation marks hold separators in. */
function cells(line: string, separator: string): string[] {
  if (separator === " ") return line.trim().split(/\s+/);
  const found: string[] = [];
  let cell = "";
  let isQuoted = false;
  for (const letter of line) {
    if (letter === '"') isQuoted = !isQuoted;
    else if (letter === separator && !isQuoted) {
      found.push(cell.trim());
      cell = "";
    } else cell += letter;
  }
  return [...found, cell.trim()];
}
