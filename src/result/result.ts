import type { EventMetadata } from "../event/event.ts";
import { noFit } from "../scan/fit_values.ts";
import type { PixelResult } from "../scan/task.ts";
import { type Direction, pixelAt } from "../sky/healpix.ts";

/** HEALPix counts from the north; result files before April 2023 from the south. */
export type Pole = "north" | "south";

/** What a result file says of each pixel: 0 has llh, E_in, E_tot; 1 has the fitted vertex and time as well. */
export type PixelVersion = 0 | 1;

/** A metadata field this program does not know, kept as it was read. */
export type OtherField = boolean | number | string;

/** What a result file says about itself. Files of older versions lack some or all of it. */
export interface ResultMetadata extends Partial<EventMetadata> {
  /** Every pixel of the scan is in; false in the partial results written on the way. */
  readonly complete?: boolean;
  /** The pixels' version as the file states it; absent means 0. */
  readonly version?: PixelVersion;
  readonly other?: Readonly<Record<string, OtherField>>;
}

/**
 * A likelihood map of the sky.
 * The order of the nsides is that of the file: it decides ties for the best fit. Pixels are sorted by index (RING)
 * and unique. With pixels of version 0, x, y, z and time are NaN; energy is in no result file and always NaN.
 */
export interface SkyScanResult {
  readonly version: PixelVersion;
  /** Which pole its pixels are counted from, where the reader was told; else its metadata says. */
  readonly from?: Pole;
  readonly nsides: ReadonlyMap<number, readonly PixelResult[]>;
  /** Read from a probability map: llh is −ln of the density per sr, and the fits it was made of are lost. */
  readonly isProbability?: boolean;
  /** Absent only for the oldest .npz files, which have no header. */
  readonly metadata?: ResultMetadata;
}

/** The columns of a result file with the PixelResult field each one holds, in file order. */
export const pixelColumns = [
  ["index", "pixel"],
  ["llh", "llh"],
  ["E_in", "E_in"],
  ["E_tot", "E_tot"],
  ["X", "x"],
  ["Y", "y"],
  ["Z", "z"],
  ["T", "time"],
] as const satisfies readonly (readonly [string, keyof PixelResult])[];

export type PixelColumn = (typeof pixelColumns)[number][0];

/** The columns a pixel version has, in file order. */
export const columnsOf = (version: PixelVersion) => pixelColumns.slice(0, version === 0 ? 4 : 8);

/**
 * A pixel as a file has it. What its version has no column for is NaN, and so is what is no number a fit can
 * give: an infinite llh is no minimum.
 * @param value the number in a column of that name and place
 */
export function pixelFromFile(
  nside: number,
  version: PixelVersion,
  value: (column: PixelColumn, at: number) => number,
): PixelResult {
  const pixel: { -readonly [K in keyof PixelResult]: number } = { nside, pixel: 0, ...noFit };
  for (const [at, [column, key]] of columnsOf(version).entries()) {
    const read = value(column, at);
    pixel[key] = Number.isFinite(read) ? read : Number.NaN;
  }
  return pixel;
}

/**
 * The result of a scan, finished or not: pixels of version 1, nsides ascending, those without a pixel left out.
 * @param other further fields of its metadata, e.g. where it came from
 */
export function resultFromScan(
  pixelsByNside: ReadonlyMap<number, readonly PixelResult[]>,
  event: EventMetadata,
  complete: boolean,
  other: Readonly<Record<string, OtherField>> = {},
): SkyScanResult {
  const { runId, eventId, eventType, mjd, isRealEvent } = event;
  return {
    version: 1,
    nsides: new Map(
      [...pixelsByNside]
        .filter(([, pixels]) => pixels.length > 0)
        .sort(([a], [b]) => a - b)
        .map(([nside, pixels]) => [nside, pixels.toSorted((a, b) => a.pixel - b.pixel)]),
    ),
    metadata: {
      ...{ complete, runId, eventId, eventType, mjd, isRealEvent, version: 1 },
      ...(Object.keys(other).length > 0 && { other }),
    },
  };
}

/** The pixel with the lowest llh of the whole map, the first nside winning ties; undefined when there is none but NaN. */
export function bestFit(result: SkyScanResult): PixelResult | undefined {
  let best: PixelResult | undefined;
  for (const pixels of result.nsides.values())
    for (const pixel of pixels)
      if (!Number.isNaN(pixel.llh) && (best === undefined || pixel.llh < best.llh)) best = pixel;
  return best;
}

/** The finest pixel with a fit at a direction, in a map counted from the north. */
export function pixelWithFitAt(
  { nsides }: SkyScanResult,
  { ra, dec }: Direction,
): PixelResult | undefined {
  for (const nside of [...nsides.keys()].sort((a, b) => b - a)) {
    const index = pixelAt(nside, ra, dec);
    const found = nsides
      .get(nside)!
      .find(({ pixel, llh }) => pixel === index && !Number.isNaN(llh));
    if (found) return found;
  }
  return undefined;
}

/** The event the result is about, or undefined where the file does not fully say. */
export function eventOf(result: SkyScanResult): EventMetadata | undefined {
  const { runId, eventId, eventType, mjd, isRealEvent } = result.metadata ?? {};
  if (runId === undefined || eventId === undefined || eventType === undefined || mjd === undefined)
    return undefined;
  return { runId, eventId, eventType, mjd, isRealEvent: isRealEvent ?? false };
}
