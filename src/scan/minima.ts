import {
  type Flood,
  farthestPlace,
  type Minimum,
  mostMinima,
  type Start,
} from "../geometry/minima.ts";
import {
  angleBetween,
  neighbours,
  nestedOf,
  parentOf,
  pixelVector,
  type Vector,
} from "../sky/healpix.ts";
import type { Pixel } from "./task.ts";

/** A minimum that much lower than the one before is news to the pixels around, llh. */
export const news = 0.05;

/** Neighbours a fit's starts are taken from, where they are of a coarser map. */
const nearest = 4;

/** Positions are passed on in whole centimetres: far below what a fit's last steps are. */
const rounded = (metres: number): number => Math.round(metres * 100) / 100;

type Place = readonly [number, number, number, ...unknown[]];

/**
 * A track's place as seen from another direction: what it is across and along the track stays, so that it turns about the
 * middle of the light by the rotation that takes one direction to the other (Rodrigues' formula).
 */
export function carried(place: Place, from: Vector, to: Vector): [number, number, number] {
  const x = place[0];
  const y = place[1];
  const z = place[2];
  const axis = [
    from[1] * to[2] - from[2] * to[1],
    from[2] * to[0] - from[0] * to[2],
    from[0] * to[1] - from[1] * to[0],
  ] as const;
  const cosine = from[0] * to[0] + from[1] * to[1] + from[2] * to[2];
  // Opposite directions have no rotation of their own; they are nobody's neighbours either.
  const share = (axis[0] * x + axis[1] * y + axis[2] * z) / Math.max(1e-9, 1 + cosine);
  return [
    x * cosine + axis[1] * z - axis[2] * y + share * axis[0],
    y * cosine + axis[2] * x - axis[0] * z + share * axis[1],
    z * cosine + axis[0] * y - axis[1] * x + share * axis[2],
  ];
}

const separation = (a: Place, b: Place): number =>
  Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);

/** The minima of a pixel of the same map or a coarser one; undefined or empty: nothing is known of it. */
export type MinimaOf = (pixel: number) => readonly Minimum[] | undefined;

/**
 * Where to start in a pixel whose neighbours of a coarser map have been fitted: their minima, the nearest pixel's first.
 * Empty: nothing is known there.
 */
export function startsBelow(
  { nside, pixel }: { readonly nside: number; readonly pixel: number },
  coarse: number,
  minimaOf: MinimaOf,
  flood: Flood,
): Start[] {
  const to = pixelVector(nside, pixel);
  const parent = parentOf(nside, pixel, coarse);
  const near = [parent, ...neighbours(coarse, parent)]
    .map((at) => ({ at, angle: angleBetween(pixelVector(coarse, at), to) }))
    .sort((a, b) => a.angle - b.angle || a.at - b.at)
    .slice(0, nearest);
  const starts: Start[] = [];
  for (const { at } of near)
    addGuesses(starts, minimaOf(at) ?? [], pixelVector(coarse, at), to, flood, flood.separation);
  return starts;
}

/** Whether a pixel of the second map is searched as if nothing were known around it: such pixels lie evenly over the map. */
export const isSearchedWhole = ({ nside, pixel }: Pixel, { searched }: Flood): boolean =>
  searched > 0 && nestedOf(nside, pixel) % searched === 0;

/** In which order the four pixels within one of a coarser map are chosen: those on a diagonal first, to lie evenly. */
const orderInFour = [0, 2, 3, 1];

/** Whether a pixel of the first map is searched before its neighbours are: such pixels lie evenly over the map. */
export const isSown = ({ nside, pixel }: Pixel, { sown }: Flood): boolean =>
  orderInFour[nestedOf(nside, pixel) % 4]! < sown;

/**
 * Where to look again in a pixel that has its fits: its own minima, then those of its neighbours in the same map that it
 * does not have. Empty: there is nothing to look at.
 */
export function startsBeside(
  { nside, pixel }: { readonly nside: number; readonly pixel: number },
  around: readonly number[],
  minimaOf: MinimaOf,
  flood: Flood,
): Start[] {
  const own = minimaOf(pixel) ?? [];
  const starts: Start[] = [...own];
  const to = pixelVector(nside, pixel);
  for (const at of around)
    addGuesses(starts, minimaOf(at) ?? [], pixelVector(nside, at), to, flood, flood.known);
  return starts.length > own.length ? starts : [];
}

/** Adds what of one direction's minima is worth a look in another. */
function addGuesses(
  starts: Start[],
  minima: readonly Minimum[],
  from: Vector,
  to: Vector,
  { most, margin, separation: gap }: Flood,
  known: number,
): void {
  const lowest = minima[0]?.[3] ?? Number.NaN;
  for (const minimum of minima.slice(0, most)) {
    if (!(minimum[3] <= lowest + margin)) break;
    const guess = carried(minimum, from, to);
    if (isThere(starts, guess, gap, known)) continue;
    starts.push([rounded(guess[0]), rounded(guess[1]), rounded(guess[2]), null]);
  }
}

/** @param gap how close a guess is the same as another, and as a minimum that is known, m */
function isThere(starts: readonly Start[], guess: Place, gap: number, known: number): boolean {
  for (const other of starts) {
    const limit = other[3] === null ? gap : known;
    // Most are far apart along one axis already, which costs no root.
    const isNear =
      Math.abs(other[0] - guess[0]) < limit &&
      Math.abs(other[1] - guess[1]) < limit &&
      Math.abs(other[2] - guess[2]) < limit;
    if (isNear && separation(other, guess) < limit) return true;
  }
  return false;
}

/** Minima closer than this are one, m. */
const sameMinimum = 4;

/** A direction's minima as they are passed on: each once, lowest first, rounded. */
export function passedOn(minima: readonly Minimum[]): Minimum[] {
  const kept: Minimum[] = [];
  const list = minima.map(
    ([x, y, z, llh]): Minimum => [rounded(x), rounded(y), rounded(z), Math.round(llh * 1e4) / 1e4],
  );
  for (const minimum of list.filter(isPlace).sort((a, b) => a[3] - b[3])) {
    if (kept.length === mostMinima) break;
    if (kept.every((other) => separation(other, minimum) > sameMinimum)) kept.push(minimum);
  }
  return kept;
}

const isPlace = ([x, y, z, llh]: Minimum): boolean =>
  Number.isFinite(llh) && [x, y, z].every((metres) => Math.abs(metres) <= farthestPlace);
