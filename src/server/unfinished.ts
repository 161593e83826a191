import { Interrupted, TimedOut } from "../config/errors.ts";
import type { ScanProgress } from "../scan/scan.ts";
import type { Output } from "./output.ts";

/** Why a scan ends early, and how much is missing: "no results for 60 s; 3 of 48 fits sent are missing". */
export function shortfall({ message }: Error, { recosSent, recosDone }: ScanProgress): string {
  return `${message}; ${recosSent - recosDone} of ${recosSent} fits sent are missing`;
}

/**
 * Saves what there is of a scan that ends early.
 * @param reason as {@link shortfall} says it
 * @returns the same kind of error, saying what is missing and where the rest is
 */
export async function saveUnfinished(
  error: TimedOut | Interrupted,
  reason: string,
  output: Output,
): Promise<TimedOut | Interrupted> {
  const isLate = error instanceof TimedOut;
  await output.save(isLate ? "failed" : "interrupted", reason);
  const saved = output.files.length > 0 ? `; saved so far: ${output.files.join(", ")}` : "";
  const message = `${reason}, the list is in scan-manifest.json${saved}`;
  return isLate ? new TimedOut(message) : new Interrupted(message);
}
