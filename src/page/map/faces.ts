/**
 * The twelve faces of HEALPix as unit squares (Górski et al. 2005, ApJ 622, 759, section 5): the closed forms between a
 * direction and (face, x, y), without an nside. x grows from a face's southern corner to the north-east, y to the
 * north-west; a cell of nside n is a square of 1/n. healpix-ts has them for whole pixels only.
 */

const TWO_OVER_PI = 2 / Math.PI;

/**
 * Writes face, x and y of a unit vector into `out` from `at`. x and y lie in [0, 1).
 * √(3(1 − |z|)) is taken as √(3(x² + y²)/(1 + |z|)), which loses nothing at the poles.
 */
export function faceOf(x: number, y: number, z: number, out: Float64Array, at: number): void {
  let turn = Math.atan2(y, x) * TWO_OVER_PI;
  if (turn < 0) turn += 4;
  if (turn >= 4) turn = 0;
  const height = Math.abs(z);
  if (height <= 2 / 3) {
    const rising = 0.5 + turn - 0.75 * z;
    const falling = 0.5 + turn + 0.75 * z;
    const i = Math.floor(rising);
    const j = Math.floor(falling);
    out[at] = i === j ? (i & 3) | 4 : i < j ? i & 3 : (j & 3) + 8;
    out[at + 1] = falling - j;
    // A point on the line itself belongs to the cell south-east of it, as in the integer formula.
    out[at + 2] = below(1 - (rising - i));
    return;
  }
  const quadrant = Math.min(3, Math.floor(turn));
  const within = turn - quadrant;
  const depth = Math.sqrt((3 * (x * x + y * y)) / (1 + height));
  const p = within * depth;
  const m = (1 - within) * depth;
  out[at] = z >= 0 ? quadrant : quadrant + 8;
  out[at + 1] = below(z >= 0 ? 1 - m : p);
  out[at + 2] = below(z >= 0 ? 1 - p : m);
}

const LARGEST = 1 - 2 ** -53;
const below = (value: number): number => (value < 1 ? Math.max(0, value) : LARGEST);

/** Where the face's middle line lies, in units of 45° of RA, and its southern corner in units of ring. */
const faceColumn = [1, 3, 5, 7, 0, 2, 4, 6, 1, 3, 5, 7];
const faceRow = [2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4];

/** Direction of a point of a face (x and y in [0, 1]): ra and dec, rad. */
export function directionOn(face: number, x: number, y: number): { ra: number; dec: number } {
  const ring = faceRow[face]! - x - y;
  let z: number;
  let length = 1;
  if (ring < 1) {
    length = ring;
    z = 1 - (ring * ring) / 3;
  } else if (ring > 3) {
    length = 4 - ring;
    z = (length * length) / 3 - 1;
  } else z = ((2 - ring) * 2) / 3;
  const column = length < 1e-15 ? 0 : (x - y) / length;
  const ra = (Math.PI / 4) * (faceColumn[face]! + column);
  return { ra: ra < 0 ? ra + 2 * Math.PI : ra, dec: Math.asin(Math.max(-1, Math.min(1, z))) };
}
