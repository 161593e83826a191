import {
  childrenOf,
  type Direction,
  discStrict,
  neighbours,
  npix,
  pixelArea,
  pixelAt,
  pixelVector,
} from "./healpix.ts";
import type { Progression } from "./progression.ts";

/** What the choice looks at: the likelihoods so far, by nside, then pixel. NaN: the fit failed. */
export type LlhMap = ReadonlyMap<number, ReadonlyMap<number, { readonly llh: number }>>;

/** Scan only around a direction (rad). */
export interface Pointing {
  readonly centre: Direction;
  /** From the centre of the pixel that contains the direction, rad. */
  readonly radius: number;
}

/** 2·|Δllh| of two neighbours above which both are refined, wherever they are. */
const STEEP = 200_000;

/** A pixel and its likelihood. */
export interface Best {
  readonly nside: number;
  readonly pixel: number;
  readonly llh: number;
}

/** Whether `a` is the better pixel: lower llh; equal ones: coarser, then lower index. NaN never is. */
export function isBetter(a: Best, b: Best | undefined): boolean {
  if (Number.isNaN(a.llh)) return false;
  if (!b || a.llh !== b.llh) return !b || a.llh < b.llh;
  return a.nside !== b.nside ? a.nside < b.nside : a.pixel < b.pixel;
}

/** The best pixel over all nsides; undefined when there is none but NaN. */
export function bestPixel(map: LlhMap): Best | undefined {
  let best: Best | undefined;
  for (const [nside, pixels] of map)
    for (const [pixel, { llh }] of pixels) {
      const candidate = { nside, pixel, llh };
      if (isBetter(candidate, best)) best = candidate;
    }
  return best;
}

/** The pixels a scan begins with: all of an nside, or those around a direction. Ascending. */
export function firstPixels(nside: number, pointing?: Pointing): number[] {
  if (!pointing) return Array.from({ length: npix(nside) }, (_, pixel) => pixel);
  const { centre, radius } = pointing;
  return discStrict(nside, pixelVector(nside, pixelAt(nside, centre.ra, centre.dec)), radius);
}

/**
 * The pixels of one nside to be split, given the extension of the stage that follows: every pixel (also
 * one not fitted itself) whose centre is nearer to that of the best pixel than √(extension · area / π),
 * so `extension` of them on average; and both of every pair of fitted neighbours with a likelihood step
 * that promises structure finer than the pixels.
 */
export function pixelsToSplit(
  nside: number,
  extension: number,
  pixels: ReadonlyMap<number, { readonly llh: number }>,
  best: Best | undefined,
): Set<number> {
  const split = new Set<number>();
  if (best) {
    const radius = Math.sqrt((extension * pixelArea(nside)) / Math.PI);
    for (const pixel of discStrict(nside, pixelVector(best.nside, best.pixel), radius))
      split.add(pixel);
  }
  for (const pixel of steepPixels(nside, pixels)) split.add(pixel);
  return split;
}

function steepPixels(
  nside: number,
  pixels: ReadonlyMap<number, { readonly llh: number }>,
): Set<number> {
  const steep = new Set<number>();
  let lowest = Number.POSITIVE_INFINITY;
  let highest = Number.NEGATIVE_INFINITY;
  for (const { llh } of pixels.values()) {
    if (llh < lowest) lowest = llh;
    if (llh > highest) highest = llh;
  }
  // Nearly always: no two pixels differ that much, whether neighbours or not.
  if (!(2 * (highest - lowest) > STEEP)) return steep;
  for (const [pixel, { llh }] of pixels)
    for (const neighbour of neighbours(nside, pixel)) {
      const other = pixels.get(neighbour);
      if (other && 2 * Math.abs(llh - other.llh) > STEEP) {
        steep.add(pixel);
        steep.add(neighbour);
      }
    }
  return steep;
}

/**
 * The pixels a scan wants, given what it has: by nside, ascending, including those it already has. With
 * nothing yet, the first stage; else, for every pair of successive stages whose coarser one has been
 * fitted at all, the children of {@link pixelsToSplit}.
 * @param best the best pixel, if known already
 */
export function choosePixels(
  map: LlhMap,
  progression: Progression,
  pointing?: Pointing,
  best: Best | undefined = bestPixel(map),
): Map<number, number[]> {
  const chosen = new Map<number, number[]>();
  const [first] = progression;
  if (first && !progression.some(({ nside }) => map.get(nside)?.size))
    return chosen.set(first.nside, firstPixels(first.nside, pointing));
  for (const [i, { nside, extension }] of progression.entries()) {
    const coarse = progression[i - 1]?.nside;
    const fitted = coarse && map.get(coarse);
    if (!fitted || fitted.size === 0) continue;
    const children = [...pixelsToSplit(coarse, extension, fitted, best)].flatMap((pixel) =>
      childrenOf(coarse, pixel, nside),
    );
    if (children.length > 0)
      chosen.set(
        nside,
        children.sort((a, b) => a - b),
      );
  }
  return chosen;
}
