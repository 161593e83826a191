/** Colours of cells, as 32-bit pixels of a canvas: those of the printed maps. */
import { colourOf } from "../../plot/colour.ts";

/** Steps of a scale: finer than the eye tells apart. */
const STEPS = 1024;

/** Nothing fitted here, and fitted in vain (drawn hatched). */
export const UNSEEN = pack("#171d27");
export const HATCHED = 1;

/** #rrggbb as little-endian RGBA, as an ImageData holds it. */
export function pack(colour: string): number {
  const rgb = Number.parseInt(colour.slice(1), 16);
  const [r, g, b] = [rgb >> 16, (rgb >> 8) & 255, rgb & 255];
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

/** Square root of 2Δllh from light yellow to dark blue; the end of the scale and above alike. */
export const likelihoodColours: Uint32Array = Uint32Array.from({ length: STEPS + 1 }, (_, i) =>
  pack(colourOf(i / STEPS)),
);

/** For a difference of two maps, −1 to 1: blue where the first is better, red where the second is (ColorBrewer's RdBu). */
export const differenceColours: Uint32Array = Uint32Array.from(
  { length: 2 * STEPS + 1 },
  (_, i) => {
    const share = i / STEPS - 1;
    const end = share < 0 ? [0x21, 0x66, 0xac] : [0xb2, 0x18, 0x2b];
    const rgb = [0xf7, 0xf7, 0xf7].map((v, k) => Math.round(v + (end[k]! - v) * Math.abs(share)));
    return pack(`#${rgb.map((v) => v.toString(16).padStart(2, "0")).join("")}`);
  },
);

/** Colours of all cells of a map: of their own value, and of the least below them. */
export interface Painted {
  readonly own: Uint32Array;
  readonly least: Uint32Array;
}

/**
 * @param values llh less the map's base
 * @param best the least of them
 * @param end 2Δllh at the end of the scale
 */
export function colourCells(
  values: Float32Array,
  count: number,
  best: number,
  end: number,
  into?: Uint32Array,
): Uint32Array {
  const colours =
    into !== undefined && into.length >= count ? into : new Uint32Array(values.length);
  const factor = (2 * STEPS * STEPS) / (end > 0 && Number.isFinite(end) ? end : 1);
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    if (Number.isNaN(value)) colours[i] = 0;
    else if (value === Number.POSITIVE_INFINITY) colours[i] = HATCHED;
    else {
      const step = Math.sqrt(Math.max(0, value - best) * factor);
      colours[i] = likelihoodColours[step < STEPS ? step | 0 : STEPS]!;
    }
  }
  return colours;
}
