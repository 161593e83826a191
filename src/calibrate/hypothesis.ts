/** The muon that an event's pseudo-experiments are made with: the best fit of its scan, refined. */

import { InputError } from "../config/errors.ts";
import { detectorOf } from "../detector/gcd.ts";
import type { Event } from "../event/event.ts";
import type { EnergyLoss, MuonTrack } from "../geometry/track.ts";
import type { TimeWindow } from "../i3/pulses.ts";
import { chosenDetector, type LightChoice } from "../light/choice.ts";
import { openLight } from "../light/light.ts";
import { momentAt, toDetector } from "../native/sky.ts";
import { inputNames, timeRange } from "../pulses/inputs.ts";
import type { Reco } from "../reco/reco.ts";
import { pixelSeed } from "../reco/seed.ts";
import { bestDirection } from "../result/best_direction.ts";
import { northFirst } from "../result/orientation.ts";
import { bestFit, type SkyScanResult } from "../result/result.ts";

export interface BestHypothesis {
  readonly muon: MuonTrack;
  /** Where the algorithm unfolds them. */
  readonly losses?: readonly EnergyLoss[];
  readonly readout: TimeWindow;
}

export interface HypothesisOptions {
  readonly reco: Reco;
  readonly choice: LightChoice;
  readonly photonTables?: string;
  readonly gcdDir?: string;
}

/**
 * Fits the event once more at the best direction of its map, from the best pixel's vertex.
 * @throws InputError where event and map do not belong together, or that fit fails
 */
export async function bestHypothesis(
  event: Event,
  result: SkyScanResult,
  options: HypothesisOptions,
): Promise<BestHypothesis> {
  const { reco, choice, photonTables } = options;
  const best = bestDirection(result);
  const pixel = bestFit(northFirst(result));
  if (best === undefined || pixel === undefined)
    throw new InputError("the map has no pixel with a fit: there is nothing to calibrate");
  const detector = chosenDetector(await detectorOf(event, options.gcdDir), choice);
  const light =
    reco.light &&
    openLight({
      ...{ reco: reco.light, choice },
      ...(photonTables !== undefined && { photonTables }),
    });
  const prepared = reco.prepare(event, detector, light);
  const fitter = reco.open(prepared, light);
  try {
    const direction = toDetector(best.ra, best.dec, momentAt(event.metadata.mjd));
    const seed = pixelSeed(prepared, reco.seeds, direction, 0, pixel);
    const { x, y, z, time, reason, losses } = await fitter.fit(seed);
    if (reason !== undefined) throw new InputError(`no fit at the map's best direction: ${reason}`);
    const energy = prepared.energy?.value ?? (losses ?? []).reduce((sum, l) => sum + l.energy, 0);
    if (!(energy > 0)) throw new InputError(`${reco.name} says nothing of the muon's energy`);
    return {
      muon: { x, y, z, time, ...direction, energy },
      ...(losses && { losses: losses.filter((loss) => loss.energy > 0) }),
      readout: timeRange(event, inputNames(event).pulses),
    };
  } finally {
    fitter.close();
    light?.close();
  }
}
