// "SKM1": pixels on their way to the page, as typed arrays behind a JSON header; see MapHeader.
import type { PixelResult } from "../scan/task.ts";
import type { MapColumn, MapHeader } from "./messages.ts";

const magic = "SKM1";

/** Pixels of nsides above this do not fit in an u32 number. */
const largestShortNside = 16_384;

/** The field of a pixel that a column holds. */
const fields: Readonly<Record<MapColumn, keyof PixelResult>> = {
  ...{ X: "x", Y: "y", Z: "z", T: "time", E_in: "E_in", E_tot: "E_tot" },
};

export interface MapBodyOptions {
  readonly epoch: string;
  readonly seq: number;
  /** What differences of llh count from; undefined: the least there is. */
  readonly base?: number;
  readonly columns?: readonly MapColumn[];
}

/** @param pixels in any order; of one that is there twice the last counts */
export function mapBody(
  pixels: Iterable<PixelResult>,
  { epoch, seq, base, columns = [] }: MapBodyOptions,
): Uint8Array<ArrayBuffer> {
  const blocks = inBlocks(pixels);
  const all = [...blocks.values()].flat();
  const isLong = [...blocks.keys()].some((nside) => nside > largestShortNside);
  const least = base ?? leastOf(all);
  const header: MapHeader = {
    ...{ epoch, seq, base: least },
    blocks: [...blocks].map(([nside, list]) => ({ nside, count: list.length })),
    columns: [
      `pixel:${isLong ? "f64" : "u32"}`,
      ...["d", ...columns].map((column) => `${column}:f32`),
    ],
  };
  const words = [...blocks.values()].flatMap((list) => [
    isLong
      ? Float64Array.from(list, ({ pixel }) => pixel)
      : Uint32Array.from(list, ({ pixel }) => pixel),
    Float32Array.from(list, ({ llh }) => llh - least),
    ...columns.map((column) => Float32Array.from(list, (pixel) => pixel[fields[column]])),
  ]);
  return framed(magic, header, words);
}

/** Magic word, length of the header, header padded to a multiple of 4, columns. */
export function framed(
  word: string,
  header: object,
  columns: readonly ArrayBufferView[],
): Uint8Array<ArrayBuffer> {
  const text = JSON.stringify(header);
  const padded = Buffer.from(text + " ".repeat(-Buffer.byteLength(text) & 3));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(padded.length);
  return new Uint8Array(
    Buffer.concat([
      ...[Buffer.from(word), length, padded],
      ...columns.map(({ buffer, byteOffset, byteLength }) =>
        Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength),
      ),
    ]),
  );
}

/** By nside, coarse to fine; ascending. */
function inBlocks(pixels: Iterable<PixelResult>): Map<number, PixelResult[]> {
  const found = new Map<number, Map<number, PixelResult>>();
  for (const pixel of pixels) {
    const block = found.get(pixel.nside) ?? new Map<number, PixelResult>();
    found.set(pixel.nside, block.set(pixel.pixel, pixel));
  }
  return new Map(
    [...found]
      .sort(([a], [b]) => a - b)
      .map(([nside, block]) => [nside, [...block.values()].sort((a, b) => a.pixel - b.pixel)]),
  );
}

function leastOf(pixels: readonly PixelResult[]): number {
  let least = Number.POSITIVE_INFINITY;
  for (const { llh } of pixels) if (llh < least) least = llh;
  return Number.isFinite(least) ? least : 0;
}
