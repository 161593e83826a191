import { trueDirection } from "../event/online.ts";
import { momentAt, toDetector } from "../native/sky.ts";
import { bestDirection } from "../result/best_direction.ts";
import { coarsenessOf } from "../result/coarseness.ts";
import { angleBetween, vectorOf } from "../sky/healpix.ts";
import type { ScanPlan } from "./plan.ts";
import type { ServerOutcome } from "./server.ts";

const degrees = (radians: number): string => `${((radians * 180) / Math.PI).toFixed(4)}°`;

/** One line: best fit on the sky and in the detector, llh, number of fits, wall time. */
export function summary(plan: ScanPlan, outcome: ServerOutcome, seconds: number): string {
  const fits = `${outcome.manifest.progress.recos.done} fits in ${seconds.toFixed(1)} s`;
  const best = bestDirection(outcome.result);
  if (best === undefined) return `no fit succeeded, ${fits}`;
  const { ra, dec } = best;
  const { zenith, azimuth } = toDetector(ra, dec, momentAt(plan.event.metadata.mjd));
  return [
    `best fit RA ${degrees(ra)} Dec ${degrees(dec)}`,
    `zenith ${degrees(zenith)} azimuth ${degrees(azimuth)}`,
    `llh ${best.llh}`,
    fits,
  ].join(", ");
}

/** That a map's pixels are too large for its contour, or its peak; undefined where they are not. */
export function tooCoarse({ result, manifest }: ServerOutcome): string | undefined {
  const found = coarsenessOf(result);
  if (found === undefined)
    return manifest.best_fit !== null && manifest.resolved === false
      ? "the map is too coarse for its peak: its areas are those of pixels (see --nsides)"
      : undefined;
  const { radius, pixel, stage } = found;
  const remedy = manifest.scan.refine_to_contour
    ? "--refine-to-contour has come to its end"
    : `--refine-to-contour, or ${stage} at the end of --nsides, would do`;
  return `the map is too coarse for its 90 % contour: a radius of ${degrees(radius)}, pixels of ${degrees(pixel)}; ${remedy}`;
}

/** How far the best fit is from the true direction, for events that record one; undefined for all others. */
export function missedBy({ event }: ScanPlan, { result }: ServerOutcome): string | undefined {
  const truth = trueDirection(event);
  const best = bestDirection(result);
  if (truth === undefined || best === undefined) return undefined;
  const { ra, dec } = truth;
  const angle = angleBetween(vectorOf(truth), vectorOf(best));
  return `true direction RA ${degrees(ra)} Dec ${degrees(dec)}: the best fit is ${degrees(angle)} away`;
}
