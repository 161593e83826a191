import type { FitTask } from "./protocol.ts";

/** Short fits are handed over in batches of about this long, s: the channel's latency, and its cost, disappear in them. */
const batchSeconds = 0.2;
const longestBatch = 128;

export interface BatchNeeds {
  /** Tasks in their order. What is taken is taken out. */
  readonly waiting: FitTask[];
  /** Tasks of which one is dangerous: they go first, and one at a time. What is taken is taken out. */
  readonly suspects: FitTask[];
  /** Tasks the fit process has not finished. */
  readonly unfinished: number;
  /** Usual time of one fit, s; NaN: not known. */
  readonly usualSeconds: number;
  /** Fit processes there are. */
  readonly workers: number;
}

/** Takes what one fit process gets next; nothing when it has enough. */
export function takeBatch(needs: BatchNeeds): FitTask[] {
  const { waiting, suspects, unfinished, usualSeconds, workers } = needs;
  if (suspects.length > 0) return unfinished === 0 ? suspects.splice(0, 1) : [];
  const batch = Math.min(longestBatch, Math.max(1, Math.floor(batchSeconds / usualSeconds) || 1));
  if (unfinished > batch / 2) return [];
  // A share of what is left, so that at the end all processes end together.
  const share = Math.max(1, Math.ceil(waiting.length / (2 * workers)));
  return waiting.splice(0, Math.min(batch, share));
}
