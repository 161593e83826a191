/** The lowest llh over directions near one: hexagons of shrinking step about the running minimum, then a quadratic. */

import { fitParaboloid } from "../geometry/paraboloid.ts";
import type { Direction, Vertex } from "../geometry/track.ts";
import type { Vector } from "../sky/healpix.ts";
import { tangentPlane } from "../sky/tangent_plane.ts";

/** A fit at one direction. */
export interface DirectionFit extends Vertex {
  readonly llh: number;
}

export interface LocalMinimum {
  readonly direction: Direction;
  readonly fit: DirectionFit;
  /** Fits it took. */
  readonly fits: number;
}

/** Fits at a direction, from a nearby direction's fit where there is one. */
export type FitAt = (
  direction: Direction,
  nearby: DirectionFit | undefined,
) => DirectionFit | Promise<DirectionFit>;

const degree = Math.PI / 180;
/** Step of the first hexagon, whose 19 points reach two of them, and how much smaller the next is. */
const FIRST_STEP = 1 * degree;
const SHRINKING = 2.5;
/** A hexagon whose step is below this part of the narrower width σ of the minimum is the last, as is the smallest. */
const FINE_ENOUGH = 0.5;
const SMALLEST_STEP = 0.005 * degree;
/** 2·Δllh up to which samples belong to the quadratic. */
const PARABOLIC = 6;
/** Points nearer to a known one than this part of a step are known. */
const KNOWN = 0.3;
/** A surface without end is left after so many fits. */
const MOST_FITS = 300;

/** The 19 places of a hexagon with two rings, in steps. */
const HEXAGON: readonly (readonly [number, number])[] = [-2, -1, 0, 1, 2].flatMap((q) =>
  [-2, -1, 0, 1, 2]
    .filter((r) => Math.abs(q + r) <= 2)
    .map((r) => [q + r / 2, (r * Math.sqrt(3)) / 2] as const),
);

interface Sample {
  readonly x: number;
  readonly y: number;
  readonly value: number;
  readonly fit: DirectionFit;
}

export const vectorFrom = ({ zenith, azimuth }: Direction): Vector => [
  Math.sin(zenith) * Math.cos(azimuth),
  Math.sin(zenith) * Math.sin(azimuth),
  Math.cos(zenith),
];

export function directionFrom([x, y, z]: Vector): Direction {
  const azimuth = Math.atan2(y, x);
  return {
    zenith: Math.acos(Math.max(-1, Math.min(1, z))),
    azimuth: azimuth < 0 ? azimuth + 2 * Math.PI : azimuth,
  };
}

/**
 * @param start where to look, with its fit
 * @returns the lowest fit found; that of `start` where all others failed
 */
export async function localMinimum(
  fitAt: FitAt,
  start: { readonly direction: Direction; readonly fit: DirectionFit },
): Promise<LocalMinimum> {
  const plane = tangentPlane(vectorFrom(start.direction));
  const samples: Sample[] = [{ x: 0, y: 0, value: start.fit.llh, fit: start.fit }];
  let fits = 0;
  const directionAt = (x: number, y: number) => directionFrom(plane.toSphere(x, y));
  const lowest = () => samples.reduce((a, b) => (b.value < a.value ? b : a));
  const add = async (x: number, y: number, step: number) => {
    if (samples.some((known) => Math.hypot(known.x - x, known.y - y) < KNOWN * step)) return;
    const nearby = samples.reduce((a, b) =>
      Math.hypot(b.x - x, b.y - y) < Math.hypot(a.x - x, a.y - y) ? b : a,
    );
    const fit = await fitAt(directionAt(x, y), nearby.fit);
    fits++;
    if (Number.isFinite(fit.llh)) samples.push({ x, y, value: fit.llh, fit });
  };

  let step = FIRST_STEP;
  while (step >= SMALLEST_STEP && fits < MOST_FITS) {
    const centre = lowest();
    for (const [u, v] of HEXAGON) await add(centre.x + u * step, centre.y + v * step, step);
    const best = lowest();
    // Not before the minimum lies inside of the outer ring.
    if (Math.hypot(best.x - centre.x, best.y - centre.y) > 1.6 * step) continue;
    const surface = fitParaboloid(
      samples.filter(({ value }) => 2 * (value - best.value) <= PARABOLIC),
    );
    const inside = surface && Math.hypot(surface.x - best.x, surface.y - best.y) < 1.5 * step;
    if (inside) await add(surface.x, surface.y, 0);
    if (inside && step < FINE_ENOUGH * narrowWidth(surface.curvature)) break;
    step /= SHRINKING;
  }
  const { x, y, fit } = lowest();
  return { direction: directionAt(x, y), fit, fits };
}

/** 1σ of the narrower axis: the larger eigenvalue of the curvature is its inverse square. */
function narrowWidth([xx, xy, yy]: readonly [number, number, number]): number {
  const mean = (xx + yy) / 2;
  return 1 / Math.sqrt(mean + Math.hypot((xx - yy) / 2, xy));
}
