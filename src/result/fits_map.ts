/**
 * Reading sky maps in FITS back: those of this program, of skyreader and of others, multi-order or flat, likelihood
 * or probability. Every one becomes a SkyScanResult of disjoint pixels.
 */

import { InputError } from "../config/errors.ts";
import { noFit } from "../scan/fit_values.ts";
import type { PixelResult } from "../scan/task.ts";
import { isNside, nestedOf, npix, ringOf } from "../sky/healpix.ts";
import { bestDirectionFields } from "./best_direction.ts";
import { type CellPlace, MAX_ORDER, placeOf } from "./cells.ts";
import { type HeaderValue, readFits } from "./fits.ts";
import { provenanceFields } from "./provenance.ts";
import type { ResultMetadata, SkyScanResult } from "./result.ts";

/** The columns a map may have, and what they hold; in the order in which they are looked for. */
const quantities = [
  ["2DLLH", "likelihood"],
  ["PROBDENSITY", "density"],
  ["PROB", "probability"],
  ["PROBABILITY", "probability"],
] as const;
type Quantity = (typeof quantities)[number][1];

/** −ln of the smallest double: where a density has underflowed to zero, llh is at least so much. */
const LLH_OF_ZERO = 745;

/**
 * Reads a map. A likelihood map (2DLLH) gives llh up to the constant its header names (LLHMIN); a probability map
 * gives −ln ρ, marked as such: what it was made of is lost.
 * @throws InputError naming the file
 */
export function readFitsMap(bytes: Uint8Array, file: string): SkyScanResult {
  const table = readFits(bytes, file);
  const found = quantities.find(([name]) => table.has(name));
  if (found === undefined)
    throw new InputError(
      `${file}: expected a column ${quantities.map(([name]) => name).join(", ")}; found ${table.columns.join(", ")}`,
    );
  const [name, quantity] = found;
  const values = table.numbers(name);
  const cells = table.has("UNIQ")
    ? multiOrderCells(table.numbers("UNIQ"), values, quantity, file)
    : flatCells(table.header, values, quantity, file);
  const lowest = table.header.get("LLHMIN");
  const offset = quantity === "likelihood" && typeof lowest === "number" ? lowest : 0;
  const nsides = pixelsByNside(cells, offset);
  return {
    version: 0,
    from: "north",
    nsides,
    metadata: metadataOf(table.header, leastOf(cells) + offset),
    ...(quantity !== "likelihood" && { isProbability: true }),
  };
}

const leastOf = (cells: readonly Valued[]): number =>
  cells
    .filter(({ llh }) => !Number.isNaN(llh))
    .reduce((least, { llh }) => Math.min(least, llh), Number.POSITIVE_INFINITY);

interface Valued extends CellPlace {
  readonly llh: number;
}

/** −ln L of a value, up to a constant; NaN where the map has none. @throws InputError for what no map has */
function llhOf(value: number, quantity: Quantity, area: number, file: string): number {
  if (quantity === "likelihood") return Number.isFinite(value) ? value / 2 : Number.NaN;
  // HEALPix marks what it has not seen by −1.6375e30.
  if (Number.isNaN(value) || value < -1e30) return Number.NaN;
  if (!(value >= 0 && Number.isFinite(value)))
    throw new InputError(`${file}: a probability of ${value}`);
  if (value === 0) return LLH_OF_ZERO;
  return -Math.log(quantity === "probability" ? value / area : value);
}

function multiOrderCells(
  uniqs: Float64Array,
  values: Float64Array,
  quantity: Quantity,
  file: string,
): Valued[] {
  let covered = 0;
  const cells = Array.from(uniqs, (uniq, row) => {
    if (!(Number.isSafeInteger(uniq) && uniq >= 4))
      throw new InputError(`${file}: row ${row + 1}: UNIQ ${uniq} names no pixel`);
    const place = placeOf(uniq);
    if (place.order > MAX_ORDER)
      throw new InputError(
        `${file}: row ${row + 1}: order ${place.order}; up to ${MAX_ORDER} can be read`,
      );
    covered += 1 / npix(2 ** place.order);
    return { ...place, llh: llhOf(values[row]!, quantity, areaOf(place.order), file) };
  });
  if (covered > 1 + 1e-9) throw new InputError(`${file}: its pixels overlap`);
  return cells;
}

const areaOf = (order: number): number => (4 * Math.PI) / npix(2 ** order);

/** A flat map, its equal siblings joined as long as there are four. */
function flatCells(
  header: ReadonlyMap<string, HeaderValue>,
  values: Float64Array,
  quantity: Quantity,
  file: string,
): Valued[] {
  const nside = Math.sqrt(values.length / 12);
  if (!isNside(nside))
    throw new InputError(`${file}: ${values.length} pixels are no whole sky (12·nside²)`);
  const ordering = String(header.get("ORDERING")).toUpperCase();
  if (!["NESTED", "NEST", "RING"].includes(ordering))
    throw new InputError(
      `${file}: header card ORDERING: expected NESTED or RING, found ${ordering}`,
    );
  let nested = values;
  if (ordering === "RING") {
    nested = new Float64Array(values.length);
    for (let ring = 0; ring < values.length; ring++) nested[nestedOf(nside, ring)] = values[ring]!;
  }
  const cells: Valued[] = [];
  const area = areaOf(Math.log2(nside));
  const split = (order: number, pixel: number): void => {
    const length = (nside / 2 ** order) ** 2;
    const first = pixel * length;
    const value = nested[first]!;
    let isUniform = true;
    for (let i = first + 1; isUniform && i < first + length; i++)
      isUniform = Object.is(nested[i], value);
    if (isUniform) cells.push({ order, pixel, llh: llhOf(value, quantity, area, file) });
    else for (let child = 0; child < 4; child++) split(order + 1, 4 * pixel + child);
  };
  for (let face = 0; face < 12; face++) split(0, face);
  return cells;
}

function pixelsByNside(cells: readonly Valued[], offset: number): Map<number, PixelResult[]> {
  const nsides = new Map<number, PixelResult[]>();
  for (const { order, pixel, llh } of cells) {
    const nside = 2 ** order;
    const pixels = nsides.get(nside) ?? [];
    nsides.set(nside, pixels);
    pixels.push({ ...noFit, nside, pixel: ringOf(nside, pixel), llh: llh + offset });
  }
  for (const pixels of nsides.values()) pixels.sort((a, b) => a.pixel - b.pixel);
  return new Map([...nsides].sort(([a], [b]) => a - b));
}

/**
 * What a header says about the event, under the names of FITS headers by skyreader and this program, and of how the
 * map came about.
 * @param lowest llh of the best pixel
 */
function metadataOf(header: ReadonlyMap<string, HeaderValue>, lowest: number): ResultMetadata {
  const number = (key: string) => {
    const value = header.get(key);
    return typeof value === "number" ? value : undefined;
  };
  const text = (key: string) => {
    const value = header.get(key);
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const [runId, eventId, mjd] = [number("RUNID"), number("EVENTID"), number("MJD-OBS")];
  const eventType = text("I3TYPE") ?? text("EVENT-TYPE");
  const isReal = header.get("REAL");
  const provenance = provenanceFields({
    ...defined("recoAlgo", text("RECOALGO")),
    ...defined("levels", text("LEVELS")),
    ...defined("light", text("LIGHT")),
    ...defined("detector", text("DETECTOR")),
    ...defined("eventSha256", text("EVTSHA")),
    ...defined("commandLine", text("COMMAND")),
  });
  // Of a widened map the minimum between the pixels is not known.
  const isWidened = header.has("SMOOTH") || header.has("TEMPER");
  const [ra, dec, least, best] = [number("RA"), number("DEC"), number("LLHMIN"), number("LLHBEST")];
  const isSubPixel = [ra, dec, least, best].every((value) => value !== undefined) && !isWidened;
  return {
    ...(runId !== undefined && { runId }),
    ...(eventId !== undefined && { eventId }),
    ...(eventType !== undefined && { eventType }),
    ...(mjd !== undefined && { mjd }),
    ...(typeof isReal === "boolean" && { isRealEvent: isReal }),
    other: {
      ...provenance,
      ...(isSubPixel && bestDirectionFields(ra!, dec!, lowest + (best! - least!))),
    },
  };
}

const defined = <Key extends string, T>(key: Key, value: T | undefined) =>
  value === undefined ? {} : ({ [key]: value } as Record<Key, T>);
