/** The pixels of a map as they come, in an order in which any point of the sky finds its finest pixel at once. */
import { fxy2nest, nest2ring, ring2fxy } from "healpix-ts";
import { npix } from "../../sky/healpix.ts";

/** A cell nobody has fitted, and one whose fits all failed. Both stand where values of likelihood stand. */
export const EMPTY = Number.NaN;
export const FAILED = Number.POSITIVE_INFINITY;

export interface Block {
  readonly nside: number;
  readonly pixels: ArrayLike<number>;
  /** llh less the map's base; NaN: no fit. */
  readonly values: ArrayLike<number>;
}

export interface Hit {
  readonly nside: number;
  /** RING. */
  readonly pixel: number;
  /** llh less the map's base; FAILED. */
  readonly value: number;
}

/**
 * Every level is a grid on the twelve faces. Level 0 is whole; a cell that finer pixels refine holds the place of the
 * first of its children, which lie row by row. 100 000 pixels take 2 MB, one more costs half a microsecond.
 */
export class Cells {
  /** Ascending; each a multiple of the one before by a power of two. */
  readonly nsides: number[];
  values: Float32Array;
  /** The least value at or below a cell. */
  least: Float32Array;
  /** Place of the first child, 0: none. */
  children: Int32Array;
  /** Cells in use. */
  count: number;
  /** Fits and failed pixels so far, a level. */
  readonly counts: number[];
  readonly failed: number[];
  /** The lowest value and where it is. */
  best: Hit | undefined;

  constructor(nsides: readonly number[]) {
    this.nsides = [...nsides].sort((a, b) => a - b);
    if (this.nsides.length === 0) this.nsides.push(1);
    this.count = npix(this.nsides[0]!);
    const room = this.count * 2;
    this.values = new Float32Array(room).fill(EMPTY);
    this.least = new Float32Array(room).fill(EMPTY);
    this.children = new Int32Array(room);
    this.counts = this.nsides.map(() => 0);
    this.failed = this.nsides.map(() => 0);
  }

  /** Children along one side of a cell of a level's parent level. */
  ratio(level: number): number {
    return this.nsides[level]! / this.nsides[level - 1]!;
  }

  /** Takes pixels in; the same pixel again replaces what was. */
  add({ nside, pixels, values }: Block): void {
    const level = this.nsides.indexOf(nside);
    if (level < 0) throw new RangeError(`nside ${nside} is none of ${this.nsides.join(", ")}`);
    for (let i = 0; i < pixels.length; i++) {
      const value = Number.isNaN(values[i]!) ? FAILED : values[i]!;
      this.#set(level, pixels[i]!, value);
      if (value !== FAILED && (this.best === undefined || value < this.best.value))
        this.best = { nside, pixel: pixels[i]!, value };
    }
  }

  #set(level: number, pixel: number, value: number): void {
    const nside = this.nsides[level]!;
    const { f, x, y } = nside === 1 ? { f: pixel, x: 0, y: 0 } : ring2fxy(nside, pixel);
    const coarse = this.nsides[0]!;
    const shrink = nside / coarse;
    let cell = (f * coarse + Math.floor(y / shrink)) * coarse + Math.floor(x / shrink);
    this.#lower(cell, value);
    for (let k = 1; k <= level; k++) {
      const n = this.nsides[k]!;
      const r = this.ratio(k);
      // First: a page may move all cells.
      const page = this.children[cell] === 0 ? this.#page(r * r) : this.children[cell]!;
      this.children[cell] = page;
      const within = nside / n;
      cell = page + (Math.floor(y / within) % r) * r + (Math.floor(x / within) % r);
      this.#lower(cell, value);
    }
    const before = this.values[cell]!;
    if (Number.isNaN(before)) this.counts[level]!++;
    if (value === FAILED && before !== FAILED) this.failed[level]!++;
    if (value !== FAILED && before === FAILED) this.failed[level]!--;
    this.values[cell] = value;
  }

  #lower(cell: number, value: number): void {
    if (!(this.least[cell]! <= value)) this.least[cell] = value;
  }

  #page(size: number): number {
    const first = this.count;
    this.count += size;
    if (this.count > this.values.length) {
      const room = Math.max(this.count, this.values.length * 2);
      const grown = <T extends Float32Array | Int32Array>(fresh: T, old: T) => {
        fresh.set(old);
        return fresh;
      };
      this.values = grown(new Float32Array(room).fill(EMPTY), this.values);
      this.least = grown(new Float32Array(room).fill(EMPTY), this.least);
      this.children = grown(new Int32Array(room), this.children);
    }
    return first;
  }

  /** The finest pixel with a value at a point of a face (x and y in [0, 1)); a failed one counts. */
  at(face: number, x: number, y: number): Hit | undefined {
    let found: Hit | undefined;
    let cell = 0;
    for (let k = 0; k < this.nsides.length; k++) {
      const n = this.nsides[k]!;
      const i = Math.floor(x * n);
      const j = Math.floor(y * n);
      if (k === 0) cell = (face * n + j) * n + i;
      else {
        if (this.children[cell] === 0) break;
        const r = this.ratio(k);
        cell = this.children[cell]! + (j % r) * r + (i % r);
      }
      const value = this.values[cell]!;
      if (!Number.isNaN(value)) found = { nside: n, pixel: ringOf(n, face, i, j), value };
    }
    return found;
  }

  /** The value of the finest pixel at a point of a face; EMPTY without, FAILED where it failed. */
  valueAt(face: number, x: number, y: number): number {
    const n0 = this.nsides[0]!;
    let cell = (face * n0 + ((y * n0) | 0)) * n0 + ((x * n0) | 0);
    let found = this.values[cell]!;
    for (let k = 1; k < this.nsides.length && this.children[cell] !== 0; k++) {
      const n = this.nsides[k]!;
      const r = this.ratio(k);
      cell = this.children[cell]! + (((y * n) | 0) % r) * r + (((x * n) | 0) % r);
      if (!Number.isNaN(this.values[cell]!)) found = this.values[cell]!;
    }
    return found;
  }

  /** Whether a point of a face lies in a pixel that is still to be fitted: others of its size beside it are, it is not. */
  isUnknown(face: number, x: number, y: number): boolean {
    const n0 = this.nsides[0]!;
    let cell = (face * n0 + Math.floor(y * n0)) * n0 + Math.floor(x * n0);
    for (let k = 1; k < this.nsides.length && this.children[cell] !== 0; k++) {
      const n = this.nsides[k]!;
      const r = this.ratio(k);
      cell = this.children[cell]! + (Math.floor(y * n) % r) * r + (Math.floor(x * n) % r);
    }
    return Number.isNaN(this.values[cell]!);
  }

  /** Calls back for every pixel with a value or failed, coarse ones first. */
  forEach(visit: (nside: number, pixel: number, value: number) => void): void {
    const n0 = this.nsides[0]!;
    const walk = (cell: number, level: number, f: number, x: number, y: number, wanted: number) => {
      if (level === wanted) {
        if (!Number.isNaN(this.values[cell]!))
          visit(this.nsides[level]!, ringOf(this.nsides[level]!, f, x, y), this.values[cell]!);
        return;
      }
      const first = this.children[cell]!;
      if (first === 0) return;
      const r = this.ratio(level + 1);
      for (let j = 0; j < r; j++)
        for (let i = 0; i < r; i++)
          walk(first + j * r + i, level + 1, f, x * r + i, y * r + j, wanted);
    };
    for (let wanted = 0; wanted < this.nsides.length; wanted++)
      for (let cell = 0; cell < npix(n0); cell++)
        walk(cell, 0, Math.floor(cell / (n0 * n0)), cell % n0, Math.floor(cell / n0) % n0, wanted);
  }
}

const ringOf = (nside: number, face: number, x: number, y: number): number =>
  nside === 1 ? face : nest2ring(nside, fxy2nest(nside, face, x, y));
