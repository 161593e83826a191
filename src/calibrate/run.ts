/** Many pseudo-experiments: side by side, remembered as they come, with progress. */

import { consola } from "consola";
import { InputError } from "../config/errors.ts";
import { type Entry, hasFailed } from "./experiment.ts";
import type { Request } from "./laboratory.ts";
import { identityOf, openNotebook } from "./notebook.ts";
import type { ExperimentOrders, ExperimentWorkforce } from "./workforce.ts";

export interface RunOptions {
  /** Who runs them. */
  readonly workforce: ExperimentWorkforce;
  readonly experiments: number;
  /** Where outcomes are kept until all are in. */
  readonly notebook: string;
  /** What they depend on beside the request: a hash of the event. */
  readonly input: string;
  /** What they are called. */
  readonly what?: string;
  readonly stop: AbortSignal;
  /** s of a clock that nobody sets. */
  readonly now: () => number;
}

export interface Run {
  readonly entries: readonly Entry[];
  readonly light: string | null;
  readonly detector: string;
  /** Forgets what was kept, once it stands elsewhere. */
  forget(): Promise<void>;
}

/** Progress is told so often, s. */
const TELL_EVERY = 10;

/**
 * Runs experiments 0 … n − 1, but those an earlier run has done already.
 * @throws InputError where none of them succeeds
 */
export async function runExperiments(request: Request, options: RunOptions): Promise<Run> {
  const { experiments, now, what = "pseudo-experiments" } = options;
  const notebook = await openNotebook(options.notebook, identityOf(request, options.input));
  const all = Array.from({ length: experiments }, (_, k) => k);
  const numbers = all.filter((k) => !notebook.entries.has(k));
  if (numbers.length < experiments)
    consola.info(`resumed: ${experiments - numbers.length} ${what} are done already`);
  let about: Parameters<ExperimentOrders["onReady"]>[0] | undefined;
  const started = now();
  let told = started;
  let done = 0;
  const writes: Promise<void>[] = [];
  const keep = (entry: Entry) => {
    writes.push(notebook.add(entry));
    done++;
    if (now() - told < TELL_EVERY && done < numbers.length) return;
    told = now();
    const left = ((told - started) / done) * (numbers.length - done);
    consola.info(
      `${experiments - numbers.length + done} of ${experiments} ${what}${left > 0 ? `, ${left.toFixed(0)} s left` : ""}`,
    );
  };
  await options.workforce({
    ...{ request, numbers, stop: options.stop },
    onReady(ready) {
      if (about === undefined) {
        consola.info(`detector: ${ready.detector}`);
        if (ready.light !== null) consola.info(`light: ${ready.light}`);
      }
      about ??= ready;
    },
    onOutcome: keep,
    onFailure: (k, reason) => {
      consola.debug(`${what} ${k}: ${reason}`);
      keep({ k, reason });
    },
  });
  await Promise.all(writes);
  const entries = all.map((k) => notebook.entries.get(k)!);
  const failed = entries.filter(hasFailed);
  if (failed.length === experiments)
    throw new InputError(`all ${experiments} ${what} failed: ${failed[0]!.reason}`);
  if (failed.length > 0)
    consola.warn(`${failed.length} of ${experiments} failed: ${failed[0]!.reason}`);
  return {
    entries,
    light: about?.light ?? null,
    detector: about?.detector ?? "",
    forget: () => notebook.remove(),
  };
}
