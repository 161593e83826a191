/** Those who run pseudo-experiments, wherever they are: processes of this machine, or the clients of a pool. */

import type { Outcome } from "./experiment.ts";
import type { Request } from "./laboratory.ts";

/** What they are asked for, and whom they tell. */
export interface ExperimentOrders {
  readonly request: Request;
  /** Which experiments. */
  readonly numbers: readonly number[];
  readonly onReady: (about: { readonly light: string | null; readonly detector: string }) => void;
  readonly onOutcome: (outcome: Outcome) => void;
  readonly onFailure: (k: number, reason: string) => void;
  readonly stop: AbortSignal;
}

/**
 * Runs them all: each is told of once.
 * @throws what it cannot work for; Interrupted when stopped
 */
export type ExperimentWorkforce = (orders: ExperimentOrders) => Promise<void>;
