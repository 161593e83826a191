import type { Detector } from "../detector/detector.ts";
import type { Event } from "../event/event.ts";
import type { Flood } from "../geometry/minima.ts";
import { highEnergyExclusions, unhitDoms } from "../pulses/exclusions.ts";
import { basePulses } from "../pulses/inputs.ts";
import { hlcPulses } from "../pulses/local_coincidence.ts";
import { cleanPulses } from "../pulses/pulse_cleaning.ts";
import { iceCubePulses } from "../pulses/strings.ts";
import { millipedeFlood, millipedeVertex, openUnfolding, type Unfolding } from "./millipede.ts";
import type { PreparedEvent, Reco, SeedSettings } from "./reco.ts";
import { point } from "./variations.ts";

/** Charges (PE) the vertex seed asks for: the HESE selection's, else what faint events have. */
const SEED_THRESHOLDS = [250, 5];
/** A DOM brighter than this many times the mean is excluded. */
const BRIGHT = 2;

const seeds: SeedSettings = {
  variations: point(),
  rotateVertex: true,
  refineTime: true,
  addFallbackPosition: true,
};

export const wilksUnfolding: Unfolding = {
  binSigma: 2,
  minTimeWidth: 25,
  boundary: 650,
  domEfficiency: 1,
  relativeUncertainty: 1,
  search: { spacing: 2.5, reach: 300, keepsTime: false, settles: true, maxEvaluations: 30 },
};

/**
 * From half of the first map's pixels minima spread to the others. Of 768 pixels of nside 8, run 136662, 130 end more than
 * 0.1 above version 0.1.0's and 164 below (by more than 1: 68, 118; by more than 5: 44, 77), where all are searched whole 68
 * and 148 (32, 101; 14, 61) in about a fifth more time. Nearer than 22° to the best none of them ends above; those are
 * searched whole all the same.
 */
const flood: Flood = { ...millipedeFlood, sown: 2, sownWithin: 0.45 };

/** Energy losses along the track, with a cleaning and bins chosen so that likelihood ratios follow Wilks' theorem. */
export const millipedeWilks: Reco = {
  name: "millipede_wilks",
  likelihood: "Poisson",
  seeds,
  flood,
  light: "cascade-ftp",
  prepare,
  open: (prepared, light, options) => openUnfolding(prepared, light, wilksUnfolding, options),
};

/**
 * The same with the likelihood that its relative uncertainty widens: what `--relative-uncertainty` asks for. The
 * reference's fits, which this setting is named for, minimise the plain one.
 */
export const millipedeWilksWidened: Reco = {
  ...millipedeWilks,
  name: "millipede_wilks_widened",
  likelihood: `Poisson, every expectation uncertain by ${100 * wilksUnfolding.relativeUncertainty} %`,
  open: (prepared, light, options) =>
    openUnfolding(prepared, light, { ...wilksUnfolding, isWidened: true }, options),
};

function prepare(event: Event, detector: Detector): PreparedEvent {
  const base = basePulses(event);
  const hlc = hlcPulses(base);
  const ic = iceCubePulses(base);
  const { pulses: late, excluded, window } = cleanPulses(ic);
  return {
    detector,
    pulses: { hlc, ic, late, cleaned: late },
    cleaned: late,
    hlc,
    vertex: millipedeVertex(event, detector, hlc, SEED_THRESHOLDS),
    exclusions: highEnergyExclusions(
      event,
      detector,
      ic,
      BRIGHT,
      excluded,
      unhitDoms(late, detector),
    ),
    readoutWindow: window,
  };
}
