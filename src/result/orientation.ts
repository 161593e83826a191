import { npix } from "../sky/healpix.ts";
import type { SkyScanResult } from "./result.ts";

/**
 * Whether a result counts its pixels from the south pole (Dec = θ − π/2). The oldest files do, those without any
 * metadata: the best fits of runs 136662 and 136766 in such files are the published ones only when mirrored.
 */
export const isSouthFirst = ({ from, metadata }: SkyScanResult): boolean =>
  from === undefined ? Object.keys(metadata ?? {}).length === 0 : from === "south";

/**
 * Whether nothing in a result tells which pole its pixels are counted from: it has a header, so it was written
 * after November 2022, but no version, so maybe before 4 April 2023, when the count was turned.
 */
export const isOrientationUnknown = ({ from, metadata }: SkyScanResult): boolean =>
  from === undefined && metadata !== undefined && metadata.version === undefined;

/** The result with its pixels counted from the north pole, as HEALPix defines them: for everything that has to do with directions. */
export function northFirst(result: SkyScanResult): SkyScanResult {
  if (!isSouthFirst(result)) return result;
  const nsides = [...result.nsides].map(([nside, pixels]) => {
    const mirrored = pixels.map((pixel) => ({
      ...pixel,
      pixel: mirroredPixel(nside, pixel.pixel),
    }));
    return [nside, mirrored.sort((a, b) => a.pixel - b.pixel)] as const;
  });
  return { ...result, from: "north", nsides: new Map(nsides) };
}

/** The pixel at the same RA and the opposite Dec (RING). */
export function mirroredPixel(nside: number, pixel: number): number {
  const last = npix(nside) - 1;
  if (pixel > last / 2) return mirrorWithinRing(nside, last - pixel);
  return last - mirrorWithinRing(nside, pixel);
}

/** In a northern ring (or the equator's first half): the place counted from the ring's other end. */
function mirrorWithinRing(nside: number, pixel: number): number {
  const polarCap = 2 * nside * (nside - 1);
  let first: number;
  let length: number;
  if (pixel < polarCap) {
    let ring = Math.floor((1 + Math.sqrt(1 + 2 * pixel)) / 2);
    if (2 * ring * (ring - 1) > pixel) ring--;
    if (2 * ring * (ring + 1) <= pixel) ring++;
    first = 2 * ring * (ring - 1);
    length = 4 * ring;
  } else {
    length = 4 * nside;
    first = polarCap + Math.floor((pixel - polarCap) / length) * length;
  }
  return first + length - 1 - (pixel - first);
}
