/** What a scan says of the direction that was fitted free: first in its log and manifest, at its end whether the map agrees. */

import { degreesPerRadian } from "../geometry/constants.ts";
import { type FirstDirection, sigmaEllipse, sigmasIn90 } from "../geometry/first_direction.ts";
import type { Scan } from "../scan/scan.ts";
import type { PixelResult } from "../scan/task.ts";
import { angleBetween, pixelVector, vectorOf } from "../sky/healpix.ts";

/** A pixel that is lower by more than this shows that the free fit ended in another valley, llh. */
const tolerance = 0.1;

/** As the manifest has it: degrees. */
export interface FirstDirectionReport {
  readonly ra: number;
  readonly dec: number;
  readonly llh: number;
  /** One standard deviation of the Gaussian with the likelihood's curvature: semi-axes, and position angle east of north. */
  readonly sigma: { readonly a: number; readonly b: number; readonly pa: number } | null;
  /** Of the circle as large as the ellipse that holds 90 % of it. */
  readonly radius_90: number | null;
  /** By how much the map's lowest pixel so far is lower (negative: higher), llh, and how far away it is. */
  readonly map: { readonly lower_by: number; readonly away: number } | null;
}

/** null as long as there is none, or where its fit failed. */
export function firstDirection({ freeFit, best }: Scan): FirstDirectionReport | null {
  const direction = freeFit?.direction;
  if (direction === undefined || !(Math.abs(freeFit!.llh) < Number.POSITIVE_INFINITY)) return null;
  const { llh } = freeFit!;
  const ellipse = sigmaEllipse(direction);
  const degrees = (radians: number) => radians * degreesPerRadian;
  return {
    ...{ ra: degrees(direction.ra), dec: degrees(direction.dec), llh },
    sigma: ellipse
      ? { a: degrees(ellipse.a), b: degrees(ellipse.b), pa: degrees(ellipse.positionAngle) }
      : null,
    radius_90: ellipse ? degrees(sigmasIn90 * Math.sqrt(ellipse.a * ellipse.b)) : null,
    map: best ? { lower_by: llh - best.llh, away: degrees(awayFrom(direction, best)) } : null,
  };
}

const awayFrom = (direction: FirstDirection, { nside, pixel }: PixelResult): number =>
  angleBetween(vectorOf(direction), pixelVector(nside, pixel));

const fixed = (degrees: number): string => `${degrees.toFixed(2)}°`;

/** "RA 44.91° Dec −4.80°": one line, the error where there is one. */
export function describeFirst(first: Omit<FirstDirectionReport, "map">): string {
  const { ra, dec, sigma, radius_90, llh } = first;
  const where = `RA ${fixed(ra)} Dec ${dec < 0 ? "" : "+"}${fixed(dec)}`;
  if (sigma === null || radius_90 === null)
    return `${where}, no error known, llh ${llh.toFixed(3)}`;
  const { a, b, pa } = sigma;
  const error = `${fixed(a)} × ${fixed(b)} at ${pa.toFixed(0)}°, 90 % within about ${fixed(radius_90)}`;
  return `${where} ± ${error}, llh ${llh.toFixed(3)}`;
}

/** What the finished map makes of it. */
export function verdictOn({ map }: FirstDirectionReport): {
  readonly text: string;
  readonly isContradicted: boolean;
} {
  if (map === null) return { text: "no pixel has a fit", isContradicted: false };
  const isContradicted = map.lower_by > tolerance;
  const text = isContradicted
    ? `a pixel ${fixed(map.away)} away lies lower by ${map.lower_by.toFixed(2)} in llh`
    : `no pixel lies lower; the map's best is ${fixed(map.away)} away`;
  return { text, isContradicted };
}
