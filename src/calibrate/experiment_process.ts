/** The life of a process that runs pseudo-experiments for the one that started it. */

import { livesWithParent } from "../client/fit_process.ts";
import { ExitCode, SkyscanError } from "../config/errors.ts";
import { hasFailed, type Outcome } from "./experiment.ts";
import { type OpenLaboratory, openLaboratory, type Request } from "./laboratory.ts";

export type ToExperimentProcess =
  | { readonly kind: "open"; readonly request: Request }
  | { readonly kind: "run"; readonly k: number };

export type FromExperimentProcess =
  | { readonly kind: "ready"; readonly light: string | null; readonly detector: string }
  | { readonly kind: "refused"; readonly message: string; readonly exitCode: number }
  | { readonly kind: "done"; readonly k: number; readonly outcome: Outcome }
  | { readonly kind: "failed"; readonly k: number; readonly reason: string };

/** One experiment after the other, as asked for by Bun's process channel; never returns. */
export async function runExperimentProcess(): Promise<never> {
  const send = (message: FromExperimentProcess) => void process.send?.(message);
  livesWithParent();
  let laboratory: OpenLaboratory | undefined;
  process.on("message", async (message: ToExperimentProcess) => {
    if (message.kind === "open") {
      try {
        laboratory = await openLaboratory(message.request);
        const { light, detector } = laboratory;
        send({ kind: "ready", light: light?.description ?? null, detector });
      } catch (error) {
        const isUsers = error instanceof SkyscanError;
        send({
          kind: "refused",
          message: isUsers ? error.message : `${error instanceof Error ? error.stack : error}`,
          exitCode: isUsers ? error.exitCode : ExitCode.internal,
        });
      }
      return;
    }
    const came = await laboratory!.outcome(message.k);
    if (hasFailed(came)) send({ kind: "failed", ...came });
    else send({ kind: "done", k: message.k, outcome: came });
  });
  return await new Promise<never>(() => {});
}
