/** Where a map is lowest, between its pixels: the direction that is reported, and the zero of 2·Δllh. */

import { fitParaboloid } from "../geometry/paraboloid.ts";
import {
  angleBetween,
  type Direction,
  neighbours,
  pixelArea,
  pixelCentre,
  pixelVector,
  vectorOf,
  wrap,
} from "../sky/healpix.ts";
import { tangentPlane } from "../sky/tangent_plane.ts";
import { northFirst } from "./orientation.ts";
import { bestFit, type SkyScanResult } from "./result.ts";

export interface BestDirection extends Direction {
  /** At the minimum. */
  readonly llh: number;
  /** Found between the pixels; else it is the best pixel and its centre. */
  readonly isSubPixel: boolean;
}

/** Names of these in a result file's metadata. */
const RA = "best_ra_deg";
const DEC = "best_dec_deg";
const LLH = "best_llh";
const degrees = Math.PI / 180;

/** A best direction (degrees) and its llh as fields of a result's metadata. */
export const bestDirectionFields = (ra: number, dec: number, llh: number) => ({
  [RA]: ra,
  [DEC]: dec,
  [LLH]: llh,
});

/**
 * The result with its best direction in its metadata; as it is where the pixels tell no more than the best of them.
 */
export function withBestDirection(result: SkyScanResult): SkyScanResult {
  const found = subPixelMinimum(result);
  if (found === undefined) return result;
  const fields = bestDirectionFields(found.ra / degrees, found.dec / degrees, found.llh);
  return {
    ...result,
    metadata: { ...result.metadata, other: { ...result.metadata?.other, ...fields } },
  };
}

/**
 * The best direction of a result: the one its metadata carries, else the best pixel's centre. Other programs' maps,
 * which carry none, keep the zero these programs give them.
 * @returns undefined for a map without any fit
 */
export function bestDirection(result: SkyScanResult): BestDirection | undefined {
  const best = bestFit(northFirst(result));
  if (best === undefined) return undefined;
  const centre = pixelCentre(best.nside, best.pixel);
  const pixel = { ...centre, llh: best.llh, isSubPixel: false };
  const { [RA]: ra, [DEC]: dec, [LLH]: llh } = result.metadata?.other ?? {};
  if (typeof ra !== "number" || typeof dec !== "number" || typeof llh !== "number") return pixel;
  const carried = { ra: ra * degrees, dec: dec * degrees, llh, isSubPixel: true };
  // A map cut or combined after it was written has another minimum than its metadata knows.
  const isNear =
    angleBetween(vectorOf(carried), vectorOf(centre)) <= FARTHEST * pixelWidth(best.nside);
  return isNear && llh <= best.llh ? carried : pixel;
}

/** Side of a pixel, rad. */
export const pixelWidth = (nside: number): number => Math.sqrt(pixelArea(nside));

/** Rings of pixels about the best one that the quadratic goes through: as many as stay this near the minimum. */
const RINGS = [4, 3, 2, 1] as const;
/** 2·Δllh up to which a likelihood is parabolic enough; beyond, the rings are too many. */
const PARABOLIC = 2;
/** Pixels that must have a fit, of the nine of the innermost ring. */
const FEWEST = 8;
/** The minimum lies in the best pixel or beside it, in pixel widths; else the surface is too rough for a quadratic. */
const FARTHEST = 1;

/** The minimum of a quadratic through the best pixel and those around it, where that is a better one. */
function subPixelMinimum(result: SkyScanResult): BestDirection | undefined {
  const upright = northFirst(result);
  const best = bestFit(upright);
  if (best === undefined) return undefined;
  const { nside } = best;
  const llhs = new Map(upright.nsides.get(nside)!.map(({ pixel, llh }) => [pixel, llh]));
  const centre = pixelVector(nside, best.pixel);
  const plane = tangentPlane(centre);
  for (const rings of RINGS) {
    const around = pixelsAround(nside, best.pixel, rings).filter(
      (pixel) => !Number.isNaN(llhs.get(pixel) ?? Number.NaN),
    );
    const samples = around.flatMap((pixel) => {
      const at = plane.toPlane(pixelVector(nside, pixel));
      return at ? [{ x: at[0], y: at[1], value: llhs.get(pixel)! }] : [];
    });
    const highest = samples.reduce((most, { value }) => Math.max(most, value), best.llh);
    if (samples.length < FEWEST || (rings > 1 && 2 * (highest - best.llh) > PARABOLIC)) continue;
    const surface = fitParaboloid(samples);
    if (surface === undefined || surface.least > best.llh) continue;
    if (Math.hypot(surface.x, surface.y) > FARTHEST * pixelWidth(nside)) continue;
    const [x, y, z] = plane.toSphere(surface.x, surface.y);
    const ra = Math.atan2(y, x);
    return {
      ra: wrap(ra),
      dec: Math.asin(z),
      llh: surface.least,
      isSubPixel: true,
    };
  }
  return undefined;
}

/** A pixel and the rings of neighbours about it. */
function pixelsAround(nside: number, pixel: number, rings: number): number[] {
  const found = new Set([pixel]);
  for (let ring = 0; ring < rings; ring++)
    for (const inner of [...found]) for (const outer of neighbours(nside, inner)) found.add(outer);
  return [...found];
}
