/** One scan's map as the page knows it: cells, what they are numbered by, what has been traced on them. */
import type { MapHeader } from "../../desk/messages.ts";
import { type Direction, vectorOf } from "../../sky/healpix.ts";
import { type Block, Cells, FAILED, type Hit } from "./cells.ts";
import { colourCells } from "./colours.ts";
import { faceOf } from "./faces.ts";
import type { Palette } from "./painter.ts";

/** A "SKM1" body, read. */
export interface MapBody {
  readonly header: MapHeader;
  readonly blocks: readonly Block[];
}

/** @throws RangeError where it is not one */
export function readMapBody(bytes: ArrayBuffer): MapBody {
  const text = new TextDecoder();
  if (text.decode(bytes.slice(0, 4)) !== "SKM1") throw new RangeError("not a SKM1 body");
  const length = new DataView(bytes).getUint32(4, true);
  const header = JSON.parse(text.decode(new Uint8Array(bytes, 8, length))) as MapHeader;
  let at = Math.ceil((8 + length) / 4) * 4;
  const isWide = header.columns[0] === "pixel:f64";
  const blocks = header.blocks.map(({ nside, count }): Block => {
    // Slices where an array's place is not a multiple of its elements' size.
    const pixels = isWide
      ? new Float64Array(bytes.slice(at, at + 8 * count))
      : new Uint32Array(bytes, at, count);
    at += (isWide ? 8 : 4) * count;
    const values = new Float32Array(bytes, at, count);
    at += 4 * count * (header.columns.length - 1);
    return { nside, pixels, values };
  });
  return { header, blocks };
}

/** 2Δllh at the end of the local map's scale: far enough beyond the outermost contour. */
export const scaleEnd = (levels: readonly { readonly level: number }[]): number =>
  Math.max(40, 1.3 * levels.reduce((most, { level }) => Math.max(most, level), 0));

/** At most so many pixels are outlined because they are new; of more, some of each part. */
const NEWEST = 64;

export class SkyMap {
  cells: Cells;
  epoch = "";
  seq = 0;
  /** llh its values are counted from: the first body's. */
  base = Number.NaN;
  /** Grows with every change. */
  version = 0;
  /** The last pixels that came, and when, ms since 1970. */
  newest: { readonly nside: number; readonly pixel: number }[] = [];
  newestAt = Number.NEGATIVE_INFINITY;
  #palettes = new Map<number, { version: number; palette: Palette }>();

  constructor(readonly nsides: readonly number[]) {
    this.cells = new Cells(nsides);
  }

  /** Takes a body in; of another epoch, all that was known is void. @param now ms since 1970; undefined: nothing of it is news */
  take({ header, blocks }: MapBody, now?: number): void {
    if (header.epoch !== this.epoch || Number.isNaN(this.base)) {
      this.cells = new Cells(this.nsides);
      this.epoch = header.epoch;
      this.base = header.base;
    }
    this.seq = Math.max(this.seq, header.seq);
    const shift = header.base - this.base;
    const fresh: { nside: number; pixel: number }[] = [];
    for (const { nside, pixels, values } of blocks) {
      if (!this.cells.nsides.includes(nside)) this.#widen(nside);
      this.cells.add({
        nside,
        pixels,
        values: shift === 0 ? values : Float32Array.from(values, (value) => value + shift),
      });
      if (now !== undefined)
        for (let i = 0; i < pixels.length; i++) fresh.push({ nside, pixel: pixels[i]! });
    }
    if (now !== undefined && fresh.length > 0) {
      const every = Math.ceil(fresh.length / NEWEST);
      this.newest = fresh.filter((_, i) => i % every === 0);
      this.newestAt = now;
    }
    this.version++;
  }

  /** An nside nobody announced. */
  #widen(nside: number): void {
    const wider = new Cells([...this.cells.nsides, nside]);
    this.cells.forEach((n, pixel, value) => {
      wider.add({ nside: n, pixels: [pixel], values: [value === FAILED ? Number.NaN : value] });
    });
    this.cells = wider;
  }

  /** The finest pixel with a value in a direction; a failed one counts. */
  at(direction: Direction): Hit | undefined {
    const place = new Float64Array(3);
    const v = vectorOf(direction);
    faceOf(v[0], v[1], v[2], place, 0);
    return this.cells.at(place[0]!, place[1]!, place[2]!);
  }

  get best() {
    return this.cells.best;
  }

  /** 2Δllh of a value; undefined before the first fit. */
  delta(value: number): number {
    return 2 * (value - (this.cells.best?.value ?? 0));
  }

  /** The largest 2Δllh of a fitted pixel. */
  worst(): number {
    const { values, count } = this.cells;
    let worst = 0;
    for (let i = 0; i < count; i++) {
      const value = values[i]!;
      if (value < FAILED && value > worst) worst = value;
    }
    return Math.max(1, this.delta(worst));
  }

  /** Colours of all cells on a scale that ends at `end`. */
  palette(end: number): Palette {
    const known = this.#palettes.get(end);
    if (known?.version === this.version) return known.palette;
    const { values, least, count, best } = this.cells;
    const zero = best?.value ?? 0;
    const palette = {
      own: colourCells(values, count, zero, end, known?.palette.own),
      least: colourCells(least, count, zero, end, known?.palette.least),
    };
    if (this.#palettes.size > 3) this.#palettes.clear();
    this.#palettes.set(end, { version: this.version, palette });
    return palette;
  }
}
