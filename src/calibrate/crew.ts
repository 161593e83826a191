/** Processes that run pseudo-experiments side by side. A crash costs one experiment one attempt, and nothing else. */

import { type ExitCode, Interrupted, SkyscanError } from "../config/errors.ts";
import type { FromExperimentProcess, ToExperimentProcess } from "./experiment_process.ts";
import type { ExperimentOrders, ExperimentWorkforce } from "./workforce.ts";

/** An experiment that ends its process so often is given up. */
const MOST_CRASHES = 2;
/** An experiment that takes longer is hung, ms. */
const LONGEST = 900_000;
/** A process that cannot be started so often in a row is no accident. */
const MOST_BAD_STARTS = 3;

/**
 * @param command the command line of one process
 * @param workers processes at a time
 */
export const localCrew =
  (command: readonly string[], workers: number): ExperimentWorkforce =>
  (orders) =>
    runCrew(orders, command, workers);

async function runCrew(
  orders: ExperimentOrders,
  command: readonly string[],
  workers: number,
): Promise<void> {
  const { numbers, onOutcome, onFailure, stop } = orders;
  const waiting = [...numbers].reverse();
  const crashes = new Map<number, number>();
  const over = Promise.withResolvers<void>();
  let left = numbers.length;
  let badStarts = 0;
  let isOver = left === 0;
  const children = new Set<Bun.Subprocess>();
  const finish = (error?: Error) => {
    isOver = true;
    if (error) over.reject(error);
    else over.resolve();
  };
  const count = () => {
    if (--left === 0) finish();
  };
  const crashed = (k: number, how: string) => {
    const times = (crashes.get(k) ?? 0) + 1;
    crashes.set(k, times);
    if (times < MOST_CRASHES) waiting.push(k);
    else {
      onFailure(k, how);
      count();
    }
  };
  const start = () => {
    let doing: number | undefined;
    let isReady = false;
    let watch: ReturnType<typeof setTimeout> | undefined;
    const next = (send: (message: ToExperimentProcess) => void) => {
      clearTimeout(watch);
      doing = waiting.pop();
      if (doing === undefined) return;
      watch = setTimeout(() => child.kill("SIGKILL"), LONGEST);
      send({ kind: "run", k: doing });
    };
    const child = Bun.spawn([...command], {
      stdio: ["ignore", "inherit", "inherit"],
      serialization: "advanced",
      ipc(message: FromExperimentProcess, process) {
        const send = (order: ToExperimentProcess) => void process.send(order);
        if (message.kind === "refused") {
          finish(new SkyscanError(message.message, message.exitCode as ExitCode));
          return;
        }
        if (message.kind === "ready") {
          isReady = true;
          badStarts = 0;
          orders.onReady(message);
        } else if (message.kind === "done") {
          onOutcome(message.outcome);
          count();
        } else {
          onFailure(message.k, message.reason);
          count();
        }
        next(send);
      },
    });
    children.add(child);
    child.send({ kind: "open", request: orders.request } satisfies ToExperimentProcess);
    void child.exited.then(() => {
      clearTimeout(watch);
      children.delete(child);
      if (isOver) return;
      const how = `the process ended with ${child.signalCode ?? `code ${child.exitCode}`}`;
      if (!isReady && ++badStarts >= MOST_BAD_STARTS) {
        finish(new Error(`processes cannot be started: ${how}`));
        return;
      }
      if (doing !== undefined) crashed(doing, how);
      if (!isOver) start();
    });
  };
  const interrupt = () => finish(new Interrupted());
  stop.addEventListener("abort", interrupt);
  if (stop.aborted) interrupt();
  try {
    if (!isOver) for (let n = 0; n < Math.min(workers, left); n++) start();
    if (numbers.length > 0 || stop.aborted) await over.promise;
  } finally {
    stop.removeEventListener("abort", interrupt);
    const all = [...children];
    for (const child of all) child.kill("SIGKILL");
    await Promise.all(all.map((child) => child.exited));
  }
}
