import type { FirstDirection } from "../geometry/first_direction.ts";
import type { Minimum, Start } from "../geometry/minima.ts";
import type { StartupData } from "../mq/messages.ts";
import type { FitTuple, SeedTuple } from "../scan/fit_values.ts";
import type { FailedVariation, FreeStart } from "../scan/task.ts";

/** What a fit process needs before its first task. */
export interface FitSetup {
  readonly startup: Pick<StartupData, "baseline_GCD_file" | "GCDQp_packet">;
  readonly reco: string;
  /** Random seed of the scan, if it has one. */
  readonly seed?: number;
  readonly isRealEvent: boolean;
  readonly miniTest: boolean;
  /** What the user chose of light and detector, as the server says it. */
  readonly choice?: unknown;
  readonly photonTables?: string;
  readonly gcdDir?: string;
  /** What pseudo-experiments are made of, as the server says it; absent: tasks are pixels. */
  readonly experiments?: unknown;
}

/** One task to do: fits of one pixel, see scan/task.ts. */
export interface FitTask {
  readonly id: number;
  readonly nside: number;
  readonly pixel: number;
  readonly posvar: number;
  readonly count: number;
  readonly round: number;
  /** From the coarser pixel's fit. */
  readonly parent: Readonly<SeedTuple> | null;
  /** Where neighbours have minima; null: search the whole direction. */
  readonly starts: readonly Start[] | null;
  /** Where a fit that leaves the direction free starts; null: it is the pixel's. */
  readonly free: readonly FreeStart[] | null;
}

/** What came of it: the best fit's values (llh NaN where none could be done), or an attempt that failed. */
export interface FitOutcome {
  readonly id: number;
  readonly values?: Readonly<FitTuple>;
  readonly evaluations: number;
  readonly seconds: number;
  /** Fits without a result. */
  readonly failures?: readonly FailedVariation[];
  /** The direction's minima. */
  readonly minima?: readonly Minimum[];
  /** Where it was left free. */
  readonly direction?: FirstDirection;
  /** Why the attempt failed. */
  readonly reason?: string;
  /** What came of a pseudo-experiment. */
  readonly experiment?: unknown;
}

/** The light model a fit process opened; null: none needed. */
export interface Light {
  readonly kind: string;
  readonly description: string;
}

/** Main process → fit process. warmUp: nothing is known yet, but get ready what nearly every scan needs. */
export type ToFitProcess =
  | { readonly kind: "warmUp" }
  | { readonly kind: "open"; readonly setup: FitSetup }
  | { readonly kind: "fit"; readonly tasks: readonly FitTask[] };

/** Fit process → main process. refused: the input cannot be used, here or anywhere. */
export type FromFitProcess =
  | { readonly kind: "ready"; readonly light: Light | null }
  | { readonly kind: "refused"; readonly message: string; readonly exitCode: number }
  | { readonly kind: "done"; readonly outcomes: readonly FitOutcome[] };
