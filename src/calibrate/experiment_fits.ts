/** Pseudo-experiments in a client's process: what stands there for an event's fits. */

import * as v from "valibot";
import type { Fits } from "../client/fit_process.ts";
import { openEvent } from "../client/fits.ts";
import type { FitOutcome, FitSetup, FitTask } from "../client/protocol.ts";
import { InputError } from "../config/errors.ts";
import { fitTuple, noFit } from "../scan/fit_values.ts";
import { openLaboratory } from "./laboratory.ts";
import { Orders } from "./wire.ts";

/**
 * Opens the laboratory that a server's orders ask for.
 * Throws InputError where orders, event, detector or light cannot be used.
 */
export async function openExperiments(setup: FitSetup): Promise<Fits> {
  const parsed = v.safeParse(Orders, setup.experiments);
  if (!parsed.success)
    throw new InputError(`the server's orders for experiments: ${parsed.issues[0].message}`);
  const { muon, losses, readout, ...orders } = parsed.output;
  const { event, detector, choice } = await openEvent(setup);
  const { photonTables } = setup;
  const laboratory = await openLaboratory(
    {
      ...{ ...orders, reco: setup.reco, choice },
      ...(photonTables !== undefined && { photonTables }),
      cause: { kind: "event", file: "", muon, ...(losses && { losses }), readout },
    },
    { event, detector },
  );
  return {
    light: laboratory.light,
    async fit({ id, pixel: k }: FitTask): Promise<FitOutcome> {
      const started = performance.now();
      const came = await laboratory.outcome(k);
      return {
        id,
        // No fit of the sky: whoever waits for it reads the experiment.
        values: fitTuple({ ...noFit, llh: 0 }),
        evaluations: "fits" in came ? came.fits : 0,
        seconds: (performance.now() - started) / 1000,
        experiment: came,
      };
    },
  };
}
