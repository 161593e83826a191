import type { FirstDirection } from "../geometry/first_direction.ts";
import type { Minimum, Start } from "../geometry/minima.ts";
import type { FitValues } from "./fit_values.ts";

/** A direction of the sky: HEALPix RING index, equatorial J2000. */
export interface Pixel {
  readonly nside: number;
  readonly pixel: number;
}

/** What is handed out in one piece: some of a pixel's fits, most often all of them. */
export interface Task extends Pixel {
  /** The number of the first fit's displaced seed. */
  readonly posvar: number;
  /** How many seeds, this one and those after it; absent: one. */
  readonly count?: number;
  /**
   * 0 or absent: the pixel's fits. Later: a pixel that has them looks where its neighbours have minima. The last,
   * {@link freeRound}: the direction is fitted too, from the first stage's best pixels, of which this is the best.
   */
  readonly round?: number;
}

/** The round that stands for the one task of a scan that leaves the direction free. */
export const freeRound = 63;

/** How many fits a task stands for. */
export const fitsOf = ({ count = 1 }: Task): number => count;

/** One number per task; exact below 2^53: nside ≤ 2^16 (pixel < 2^36), posvar < 64, round < 64. */
export const taskKey = ({ nside, pixel, posvar, round = 0 }: Task): number =>
  ((Math.log2(nside) * 64 + posvar) * 64 + round) * 2 ** 36 + pixel;

/** Each of a task's fits as a task of its own: for those who know no others. */
export const singleFits = <Of extends Task>(task: Of): Of[] =>
  Array.from({ length: fitsOf(task) }, (_, n) => ({ ...task, posvar: task.posvar + n, count: 1 }));

/** A fit without a result: its variation, and why. */
export type FailedVariation = readonly [posvar: number, reason: string];

/** The best of a task's fits. */
export interface TaskResult extends Task, FitValues {
  /** Those of its fits that have no result. */
  readonly failures?: readonly FailedVariation[];
  /** The direction's minima, lowest first, for its neighbours to start from. */
  readonly minima?: readonly Minimum[];
  /** Of a fit that left it free. */
  readonly direction?: FirstDirection;
}
export interface PixelResult extends Pixel, FitValues {}

/** A task the scan releases. */
export interface ReleasedTask extends Task {
  /** The coarser pixel's fit its seeds start from (absent at the first nside). */
  readonly parent?: PixelResult;
  /** Where neighbours have minima; none: the whole direction is to be searched. */
  readonly starts?: readonly Start[];
  /** Where a fit that leaves the direction free starts: these pixels' lowest minima. */
  readonly free?: readonly FreeStart[];
}

/** A pixel's direction, and where its track is. */
export interface FreeStart extends Pixel {
  readonly at: Minimum;
}
