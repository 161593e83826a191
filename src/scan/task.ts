import type { FitValues } from "./fit_values.ts";

/** A direction of the sky: HEALPix RING index, equatorial J2000. */
export interface Pixel {
  readonly nside: number;
  readonly pixel: number;
}

/** One fit to be done: a pixel and the number of its displaced seed. */
export interface Task extends Pixel {
  readonly posvar: number;
}

export interface TaskResult extends Task, FitValues {}
export interface PixelResult extends Pixel, FitValues {}

/** A task the scan releases, with the coarser pixel's fit its seed starts from (absent at the first nside). */
export interface ReleasedTask extends Task {
  readonly parent?: PixelResult;
}
