import { basename } from "node:path";
import { InputError } from "../config/errors.ts";
import type { Detector } from "../detector/detector.ts";
import { detectorOf } from "../detector/gcd.ts";
import { parseEvent } from "../event/load.ts";
import { openLight } from "../light/light.ts";
import { momentAt, toDetector } from "../native/sky.ts";
import { findReco } from "../reco/registry.ts";
import { pixelSeed, withMiniTest } from "../reco/seed.ts";
import { fitTuple, seedValues } from "../scan/fit_values.ts";
import { pixelCentre } from "../sky/healpix.ts";
import type { Fits } from "./fit_process.ts";
import type { FitOutcome, FitSetup, FitTask } from "./protocol.ts";

/**
 * Opens an event for fitting: detector, light, pulses, the native fitter.
 * Throws InputError when any of it cannot be used.
 */
export async function openFits(setup: FitSetup): Promise<Fits> {
  const { isRealEvent, photonTables, gcdDir, seed } = setup;
  const packet = new TextEncoder().encode(JSON.stringify(setup.startup.GCDQp_packet));
  const event = parseEvent(packet, "GCDQp packet", { isRealEvent });
  const detector = await detectorOf(event, gcdDir);
  requireSameBaseline(detector, setup.startup.baseline_GCD_file);
  const reco = findReco(setup.reco);
  const light =
    reco.light === undefined
      ? undefined
      : openLight({ reco: reco.light, ...(photonTables !== undefined && { photonTables }) });
  const prepared = reco.prepare(event, detector, light);
  const fitter = reco.open(prepared, light, seed === undefined ? {} : { seed });
  const seeds = setup.miniTest ? withMiniTest(reco.seeds) : reco.seeds;
  const moment = momentAt(event.metadata.mjd);

  return {
    light: light ? { kind: light.kind, description: light.description } : null,
    async fit(task: FitTask): Promise<FitOutcome> {
      const started = performance.now();
      const { id, nside, pixel, posvar, parent } = task;
      const { ra, dec } = pixelCentre(nside, pixel);
      const direction = toDetector(ra, dec, moment);
      const start = pixelSeed(
        prepared,
        seeds,
        direction,
        posvar,
        parent ? seedValues(parent) : undefined,
      );
      const fit = await fitter.fit(start, { nside, pixel, posvar });
      return {
        id,
        values: fitTuple(fit),
        evaluations: fit.evaluations,
        seconds: (performance.now() - started) / 1000,
        ...(fit.reason !== undefined && { reason: fit.reason }),
      };
    },
  };
}

/** Fits made with another detector than the server's would not belong into its map. */
function requireSameBaseline({ source, baselineFile }: Detector, servers: string): void {
  const expected = basename(servers.trim());
  if ((baselineFile ?? "") === expected) return;
  throw new InputError(
    `detector: ${source}, but the server's is ${expected ? `from ${expected}` : "read without a baseline"}; give the same --gcd-dir to both`,
  );
}
