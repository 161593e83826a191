/** A direction of the sky: HEALPix RING index, equatorial J2000. */
export interface Pixel {
  readonly nside: number;
  readonly pixel: number;
}

/** One fit to be done: a pixel and the number of its displaced seed. */
export interface Task extends Pixel {
  readonly posvar: number;
}

/** Best-fit values of one task or, once all variations are in, of one pixel. Failed: llh NaN. */
export interface FitValues {
  readonly llh: number;
  /** m, ns. */
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly time: number;
  /** GeV; NaN where the algorithm has none. */
  readonly energy: number;
  readonly E_in: number;
  readonly E_tot: number;
}

export interface TaskResult extends Task, FitValues {}
export interface PixelResult extends Pixel, FitValues {}

/** A task the scan releases, with the coarser pixel's fit its seed starts from (absent at the first nside). */
export interface ReleasedTask extends Task {
  readonly parent?: PixelResult;
}
