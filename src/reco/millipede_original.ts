import type { Detector } from "../detector/detector.ts";
import type { Event } from "../event/event.ts";
import { highEnergyExclusions } from "../pulses/exclusions.ts";
import { basePulses, inputNames, timeRange } from "../pulses/inputs.ts";
import { dropLatePulses } from "../pulses/late.ts";
import { hlcPulses } from "../pulses/local_coincidence.ts";
import { millipedeFlood, millipedeVertex, openUnfolding, type Unfolding } from "./millipede.ts";
import type { PreparedEvent, Reco, SeedSettings } from "./reco.ts";
import { octahedron } from "./variations.ts";

/** Charge (PE) the vertex seed asks for. */
const SEED_THRESHOLDS = [2];
/** A DOM brighter than this many times the mean is excluded. */
const BRIGHT = 10;

const seeds: SeedSettings = {
  variations: octahedron(20),
  rotateVertex: false,
  refineTime: false,
  addFallbackPosition: false,
};

export const originalUnfolding: Unfolding = {
  binSigma: 3,
  minTimeWidth: 8,
  boundary: 600,
  domEfficiency: 0.99,
  relativeUncertainty: 0,
  search: { spacing: 2.5, reach: 300, keepsTime: true, settles: false, maxEvaluations: 30 },
};

/** Energy losses along the track from all DOMs' light; the vertex stays at the seed's time. */
export const millipedeOriginal: Reco = {
  name: "millipede_original",
  likelihood: "Poisson",
  seeds,
  flood: millipedeFlood,
  light: "cascade",
  prepare,
  open: (prepared, light, options) => openUnfolding(prepared, light, originalUnfolding, options),
};

function prepare(event: Event, detector: Detector): PreparedEvent {
  const base = basePulses(event);
  const hlc = hlcPulses(base);
  const { pulses: late, excluded } = dropLatePulses(base);
  return {
    detector,
    pulses: { hlc, late, cleaned: late },
    cleaned: late,
    hlc,
    vertex: millipedeVertex(event, detector, hlc, SEED_THRESHOLDS),
    exclusions: highEnergyExclusions(event, detector, base, BRIGHT, excluded),
    readoutWindow: timeRange(event, inputNames(event).pulses),
  };
}
