import {
  ang2pix_ring,
  fxy2nest,
  fxy2tu,
  nest2ring,
  pix2ang_ring,
  query_disc_inclusive_ring,
  ring2fxy,
  ring2nest,
  tu2za,
} from "healpix-ts";

/**
 * The sphere in equal pixels (Górski et al. 2005, ApJ 622, 759), RING order, on the equatorial sphere:
 * ra is the longitude, dec the latitude. Pixel numbers must lie in [0, npix); nside is a power of two.
 */

/** Largest nside whose pixel arithmetic stays exact here. */
export const MAX_NSIDE = 32768;

export type Vector = readonly [number, number, number];

/** A direction of the sky, rad. */
export interface Direction {
  readonly ra: number;
  readonly dec: number;
}

/** Number of pixels of the whole sphere. */
export const npix = (nside: number): number => 12 * nside * nside;

/** Solid angle of one pixel, sr. */
export const pixelArea = (nside: number): number => (4 * Math.PI) / npix(nside);

export const isNside = (nside: number): boolean =>
  Number.isInteger(nside) && nside >= 1 && nside <= MAX_NSIDE && Number.isInteger(Math.log2(nside));

const turn = 2 * Math.PI;
/** To [0, 2π). */
export const wrap = (angle: number): number => {
  const positive = ((angle % turn) + turn) % turn;
  return positive < turn ? positive : 0;
};

/** Centre of a pixel: ra in [0, 2π), dec, rad. */
export function pixelCentre(nside: number, pixel: number): Direction {
  const { theta, phi } = pix2ang_ring(nside, pixel);
  return { ra: wrap(phi), dec: Math.PI / 2 - theta };
}

/** Where a pixel lies on its base face. At nside 1 it is one; the library's ring2fxy holds for even nsides only. */
const onFace = (nside: number, pixel: number) =>
  nside === 1 ? { f: pixel, x: 0, y: 0 } : ring2fxy(nside, pixel);

/** Unit vector to a pixel's centre: the library's, without its way there over the number in NESTED order. */
export function pixelVector(nside: number, pixel: number): Vector {
  const { f, x, y } = onFace(nside, pixel);
  const { t, u } = fxy2tu(nside, f, x, y);
  const { z, a } = tu2za(t, u);
  const across = Math.sqrt(1 - z * z);
  return [across * Math.cos(a), across * Math.sin(a), z];
}

/** The pixel that contains a direction (rad; any turn of ra). */
export function pixelAt(nside: number, ra: number, dec: number): number {
  const phi = wrap(ra);
  const theta = Math.PI / 2 - dec;
  // So near to a pole that cos θ is ±1 the library's projection has no longitude left. Four pixels meet
  // there, one a quadrant.
  const quadrant = Math.floor((phi * 2) / Math.PI);
  if (Math.cos(theta) === 1) return quadrant;
  if (Math.cos(theta) === -1) return npix(nside) - 4 + quadrant;
  return ang2pix_ring(nside, theta, phi);
}

/** The pixel of a coarser map (coarse ≤ nside) that contains a pixel. */
export function parentOf(nside: number, pixel: number, coarse: number): number {
  return nest2ring(coarse, Math.floor(ring2nest(nside, pixel) / (nside / coarse) ** 2));
}

/** The pixels of a finer map (fine ≥ nside) that make up a pixel, ascending. */
export function childrenOf(nside: number, pixel: number, fine: number): number[] {
  const count = (fine / nside) ** 2;
  const first = ring2nest(nside, pixel) * count;
  const children = Array.from({ length: count }, (_, i) => nest2ring(fine, first + i));
  return children.sort((a, b) => a - b);
}

/** The number in the NESTED order of a pixel numbered in RING order. */
export const nestedOf = (nside: number, pixel: number): number => ring2nest(nside, pixel);

/** The number in RING order of a pixel numbered in the NESTED order. */
export const ringOf = (nside: number, nested: number): number => nest2ring(nside, nested);

/** Angle between two unit vectors, rad; exact for small and large ones alike. */
export function angleBetween(a: Vector, b: Vector): number {
  const cross = Math.hypot(
    a[1] * b[2] - a[2] * b[1],
    a[2] * b[0] - a[0] * b[2],
    a[0] * b[1] - a[1] * b[0],
  );
  return Math.atan2(cross, a[0] * b[0] + a[1] * b[1] + a[2] * b[2]);
}

/** Unit vector of a direction. */
export const vectorOf = ({ ra, dec }: Direction): Vector => [
  Math.cos(dec) * Math.cos(ra),
  Math.cos(dec) * Math.sin(ra),
  Math.sin(dec),
];

/** The pixels whose centres are strictly closer than `radius` (rad) to a unit vector, ascending. */
export function discStrict(nside: number, centre: Vector, radius: number): number[] {
  const inside: number[] = [];
  const consider = (pixel: number) => {
    if (angleBetween(pixelVector(nside, pixel), centre) < radius) inside.push(pixel);
  };
  // The library offers only the inclusive disc, of less than a hemisphere.
  if (radius < Math.PI / 2) query_disc_inclusive_ring(nside, [...centre], radius, consider);
  else for (let pixel = 0; pixel < npix(nside); pixel++) consider(pixel);
  return inside.sort((a, b) => a - b);
}

const compass = [
  [-1, 0],
  [-1, 1],
  [0, 1],
  [1, 1],
  [1, 0],
  [1, -1],
  [0, -1],
  [-1, -1],
] as const;

/**
 * The pixels that share an edge or a corner with a pixel, in the order SW, W, NW, N, NE, E, SE, S.
 * Eight, but seven at the 24 places where only three pixels meet (six at nside 1).
 */
export function neighbours(nside: number, pixel: number): number[] {
  const { f, x, y } = onFace(nside, pixel);
  const found: number[] = [];
  for (const [dx, dy] of compass) {
    const place = acrossFaces(nside, f, x + dx, y + dy);
    if (place) found.push(nest2ring(nside, fxy2nest(nside, ...place)));
  }
  return found;
}

/**
 * Where the lattice point (x, y) of a base face lies when x or y is one step outside of [0, nside):
 * [face, x, y] there, or undefined at a corner where no fourth face exists. x counts from the face's
 * southern corner to the north-east, y to the north-west. Faces 0–3 touch the north pole (centres at
 * ra 45° + 90°·k), 4–7 lie on the equator (90°·k), 8–11 touch the south pole (45° + 90°·k).
 */
function acrossFaces(
  nside: number,
  face: number,
  x: number,
  y: number,
): [number, number, number] | undefined {
  const last = nside - 1;
  const east = x > last ? 1 : x < 0 ? -1 : 0;
  const west = y > last ? 1 : y < 0 ? -1 : 0;
  if (east === 0 && west === 0) return [face, x, y];
  const row = Math.floor(face / 4);
  const k = face % 4;
  const north = (i: number) => (i + 4) % 4;
  const equator = (i: number) => 4 + ((i + 4) % 4);
  const south = (i: number) => 8 + ((i + 4) % 4);
  const step = `${east},${west}`;
  if (row === 0)
    switch (step) {
      // Around the pole the next face is turned by 90°.
      case "1,0":
        return [north(k + 1), y, last];
      case "0,1":
        return [north(k - 1), last, x];
      case "1,1":
        return [north(k + 2), last, last];
      case "-1,0":
        return [equator(k), last, y];
      case "0,-1":
        return [equator(k + 1), x, last];
      case "-1,-1":
        return [south(k), last, last];
      default:
        return undefined;
    }
  if (row === 1)
    switch (step) {
      case "1,0":
        return [north(k), 0, y];
      case "0,1":
        return [north(k - 1), x, 0];
      case "-1,0":
        return [south(k - 1), last, y];
      case "0,-1":
        return [south(k), x, last];
      case "1,-1":
        return [equator(k + 1), 0, last];
      case "-1,1":
        return [equator(k - 1), last, 0];
      default:
        return undefined;
    }
  switch (step) {
    case "1,0":
      return [equator(k + 1), 0, y];
    case "0,1":
      return [equator(k), x, 0];
    case "1,1":
      return [north(k), 0, 0];
    case "0,-1":
      return [south(k + 1), 0, x];
    case "-1,0":
      return [south(k - 1), y, 0];
    case "-1,-1":
      return [south(k + 2), 0, 0];
    default:
      return undefined;
  }
}
