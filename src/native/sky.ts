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

/** skyscan_ways. */
const TO_SKY = 1;
const TO_DETECTOR = 2;
/** Numbers in a skyscan_moment. */
const MOMENT_LENGTH = 23;

/**
 * A moment, for as many directions as one likes: what depends on the time alone costs as much as some
 * hundred of them, and is worked out once for each way when it is first needed.
 */
export interface Moment {
  /** UTC, days. */
  readonly mjd: number;
  /** The core's numbers for directions to the sky, and for those to the detector. */
  readonly toSky: Float64Array;
  readonly toDetector: Float64Array;
}

/** The moment at this MJD (UTC). Its use throws InputError when that is no date. */
export function momentAt(mjd: number): Moment {
  const numbersOf = (way: number): Float64Array => {
    const numbers = new Float64Array(MOMENT_LENGTH);
    call("skyscan_moment_at", mjd, way, numbers);
    return numbers;
  };
  let toSky: Float64Array | undefined;
  let toDetector: Float64Array | undefined;
  return {
    mjd,
    get toSky() {
      toSky ??= numbersOf(TO_SKY);
      return toSky;
    },
    get toDetector() {
      toDetector ??= numbersOf(TO_DETECTOR);
      return toDetector;
    },
  };
}

/** One call of the core for any number of directions. */
function convert(
  name: "skyscan_to_equatorial" | "skyscan_to_detector",
  moment: Float64Array,
  first: Float64Array,
  second: Float64Array,
): [Float64Array, Float64Array] {
  const count = first.length;
  if (second.length !== count)
    throw new RangeError(`directions of ${count} and ${second.length} numbers`);
  const out: [Float64Array, Float64Array] = [new Float64Array(count), new Float64Array(count)];
  call(name, moment, count, first, second, out[0], out[1]);
  return out;
}

/** Detector directions (rad) to the sky at one moment, element by element. Throws RangeError on unequal lengths. */
export function toEquatorialArray(
  zenith: Float64Array,
  azimuth: Float64Array,
  moment: Moment,
): { ra: Float64Array; dec: Float64Array } {
  const [ra, dec] = convert("skyscan_to_equatorial", moment.toSky, zenith, azimuth);
  return { ra, dec };
}

/** The sky (rad, J2000) to detector directions, element by element; see {@link toEquatorialArray}. */
export function toDetectorArray(
  ra: Float64Array,
  dec: Float64Array,
  moment: Moment,
): { zenith: Float64Array; azimuth: Float64Array } {
  const [zenith, azimuth] = convert("skyscan_to_detector", moment.toDetector, ra, dec);
  return { zenith, azimuth };
}

/** One detector direction (rad) to the sky. */
export function toEquatorial(zenith: number, azimuth: number, moment: Moment): Equatorial {
  const { ra, dec } = toEquatorialArray(Float64Array.of(zenith), Float64Array.of(azimuth), moment);
  return { ra: ra[0]!, dec: dec[0]! };
}

/** One direction of the sky (rad, J2000) to the detector. */
export function toDetector(ra: number, dec: number, moment: Moment): Local {
  const { zenith, azimuth } = toDetectorArray(Float64Array.of(ra), Float64Array.of(dec), moment);
  return { zenith: zenith[0]!, azimuth: azimuth[0]! };
}
