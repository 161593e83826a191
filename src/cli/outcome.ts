import { consola } from "consola";
import { print } from "../config/print.ts";
import type { ScanPlan } from "../server/plan.ts";
import type { ServerOutcome } from "../server/server.ts";
import { missedBy, summary, tooCoarse } from "../server/summary.ts";

/**
 * Tells how a scan ended: files and the true direction in the log, the best fit as the one line of stdout.
 * @param started when the command began, on performance.now()'s clock (ms)
 */
export function printOutcome(plan: ScanPlan, outcome: ServerOutcome, started: number): void {
  const seconds = (performance.now() - started) / 1000;
  consola.info(`written: ${outcome.files.join(", ")}`);
  const coarse = tooCoarse(outcome);
  if (coarse !== undefined) consola.warn(coarse);
  const missed = missedBy(plan, outcome);
  if (missed !== undefined) consola.info(missed);
  print(`${summary(plan, outcome, seconds)}\n`);
}
