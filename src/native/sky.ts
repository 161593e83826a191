import { call } from "./core.ts";

/** Equatorial, J2000 (ICRS), rad: ra in [0, 2π), dec in [-π/2, π/2]. */
export interface Equatorial {
  readonly ra: number;
  readonly dec: number;
}

/** Where a particle comes from in IceCube's coordinates, rad: zenith in [0, π], azimuth in [0, 2π). */
export interface Local {
  readonly zenith: number;
  readonly azimuth: number;
}

/** One call of the core for any number of directions; the time may differ from one to the next. */
function convert(
  name: "skyscan_to_equatorial" | "skyscan_to_detector",
  first: Float64Array,
  second: Float64Array,
  mjd: number | Float64Array,
): [Float64Array, Float64Array] {
  const count = first.length;
  const times = typeof mjd === "number" ? new Float64Array(count).fill(mjd) : mjd;
  if (second.length !== count || times.length !== count)
    throw new RangeError(`directions of ${count}, ${second.length} and ${times.length} numbers`);
  const out: [Float64Array, Float64Array] = [new Float64Array(count), new Float64Array(count)];
  call(name, count, first, second, times, out[0], out[1]);
  return out;
}

/**
 * Detector directions to the sky, element by element.
 * @param mjd UTC; the same time again costs much less than another
 */
export function toEquatorialArray(
  zenith: Float64Array,
  azimuth: Float64Array,
  mjd: number | Float64Array,
): { ra: Float64Array; dec: Float64Array } {
  const [ra, dec] = convert("skyscan_to_equatorial", zenith, azimuth, mjd);
  return { ra, dec };
}

/** The sky to detector directions, element by element; see {@link toEquatorialArray}. */
export function toDetectorArray(
  ra: Float64Array,
  dec: Float64Array,
  mjd: number | Float64Array,
): { zenith: Float64Array; azimuth: Float64Array } {
  const [zenith, azimuth] = convert("skyscan_to_detector", ra, dec, mjd);
  return { zenith, azimuth };
}

/** One detector direction (rad) to the sky at an MJD (UTC). */
export function toEquatorial(zenith: number, azimuth: number, mjd: number): Equatorial {
  const { ra, dec } = toEquatorialArray(Float64Array.of(zenith), Float64Array.of(azimuth), mjd);
  return { ra: ra[0]!, dec: dec[0]! };
}

/** One direction of the sky (rad, J2000) to the detector at an MJD (UTC). */
export function toDetector(ra: number, dec: number, mjd: number): Local {
  const { zenith, azimuth } = toDetectorArray(Float64Array.of(ra), Float64Array.of(dec), mjd);
  return { zenith: zenith[0]!, azimuth: azimuth[0]! };
}
