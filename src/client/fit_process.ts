import { dlopen } from "bun:ffi";
import { ExitCode, SkyscanError } from "../config/errors.ts";
import { type PackedToFitProcess, packFrom, unpackTo } from "./packed.ts";
import type { FitOutcome, FitSetup, FitTask, FromFitProcess, Light } from "./protocol.ts";

/** The fits of one event, ready to run. */
export interface Fits {
  readonly light: Light | null;
  /** May throw: that attempt has failed. */
  fit(task: FitTask): FitOutcome | Promise<FitOutcome>;
}

/**
 * Outcomes are reported at least this often, ms: what a crash leaves in doubt is no older. Half a batch, so that the next
 * is there before the last ends.
 */
const reportEvery = 100;

/**
 * The life of a fit process: one event, one algorithm, fits one after the other, until its parent is gone.
 * Never returns. Talks to its parent by Bun's process channel only.
 * @param warmUp gets ready what nearly every event needs; what it fails at is found again, and said, when one is opened
 */
export async function runFitProcess(
  open: (setup: FitSetup) => Promise<Fits>,
  warmUp: () => Promise<void>,
): Promise<never> {
  const send = (message: FromFitProcess) => void process.send?.(packFrom(message));
  const waiting: FitTask[] = [];
  let fits: Fits | undefined;
  let isBusy = false;
  /** What reading the event has left behind is still there: 12 MB, gone in 13 ms. */
  let isLittered = true;

  livesWithParent();

  const work = async () => {
    if (isBusy || fits === undefined) return;
    isBusy = true;
    let outcomes: FitOutcome[] = [];
    let reported = performance.now();
    for (let task = waiting.shift(); task !== undefined; task = waiting.shift()) {
      const started = performance.now();
      try {
        outcomes.push(await fits.fit(task));
      } catch (error) {
        outcomes.push({
          id: task.id,
          evaluations: 0,
          seconds: (performance.now() - started) / 1000,
          reason: `${error instanceof Error ? error.message : error}`.slice(0, 500),
        });
      }
      if (waiting.length > 0 && performance.now() - reported < reportEvery) continue;
      send({ kind: "done", outcomes });
      outcomes = [];
      // Let the message out and new tasks in before a fit that may never end.
      await new Promise(setImmediate);
      // Not before the first outcomes are out: nobody's first pixel waits for it.
      if (isLittered) Bun.gc(true);
      isLittered = false;
      reported = performance.now();
    }
    isBusy = false;
  };

  process.on("message", async (packed: PackedToFitProcess) => {
    const message = unpackTo(packed);
    if (message.kind === "warmUp") return void warmUp().catch(() => {});
    if (message.kind === "fit") {
      waiting.push(...message.tasks);
      await work();
      return;
    }
    try {
      fits = await open(message.setup);
    } catch (error) {
      const isUsers = error instanceof SkyscanError;
      send({
        kind: "refused",
        message: isUsers ? error.message : `${error instanceof Error ? error.stack : error}`,
        exitCode: isUsers ? error.exitCode : ExitCode.internal,
      });
      return;
    }
    send({ kind: "ready", light: fits.light });
    await work();
  });
  return await new Promise<never>(() => {});
}

/** Makes this process stay as long as its parent wants it, and end with it. */
export function livesWithParent(): void {
  // Ctrl-C goes to the whole process group; it is the parent that decides what becomes of us.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => {});
  process.on("disconnect", () => process.exit(ExitCode.done));
  dieWithParent();
}

/** Linux's prctl(PR_SET_PDEATHSIG, SIGKILL): a hung fit must not outlive a killed parent. */
function dieWithParent(): void {
  const PR_SET_PDEATHSIG = 1;
  const SIGKILL = 9;
  try {
    const { symbols } = dlopen("libc.so.6", {
      prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
    });
    symbols.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  } catch {
    // Another C library: the end of the channel, noticed between two fits, must do.
  }
}
