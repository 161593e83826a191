/** What each DOM says to a fit: its light, the light expected, its time, its share of the likelihood, or why it is out. */

import { speedOfLight } from "../geometry/constants.ts";
import type { EnergyLoss, Hypothesis } from "../geometry/track.ts";
import { type OMKey, omOf, stringOf } from "../i3/omkey.ts";
import type { Pulse, PulseMap } from "../i3/pulses.ts";
import {
  cascadeExpectation,
  type LightModel,
  muonExpectation,
  muonLowEnergyFactor,
} from "../native/light.ts";
import { openSplineMpe } from "../native/splinempe.ts";
import type { PreparedEvent, Reco } from "./reco.ts";
import { directPath } from "./refine_time.ts";
import { firstPulseOf } from "./splinempe.ts";

export interface DomReport {
  readonly string: number;
  readonly om: number;
  /** ns; of all pulses where the DOM is left out. null: unhit. */
  readonly first_time: number | null;
  /** First pulse after direct Cherenkov light of the track, ns. */
  readonly residual: number | null;
  /** PE. */
  readonly charge: number;
  /** PE; null where the light model knows nothing, or the fit has no energy. */
  readonly expected: number | null;
  /** Its part of llh; null where it has none, and with millipede, which fits its DOMs together. */
  readonly llh: number | null;
  /** The cleaning step that took it, or what its excluded times are; null: it takes part. */
  readonly excluded: string | null;
}

/** Unhit DOMs are listed where so much light is expected, PE. */
const NOTABLE = 0.5;

const reasons: Readonly<Record<string, string>> = {
  rt: "rt: no other hit near in space and time",
  time_window: "time_window: outside of the window with most pulses",
  ic: "ic: DeepCore is not used",
  late: "late: long after the DOM's median",
};

/**
 * @param pulses all of the event, before cleaning
 * @param fit the hypothesis, its energy (GeV) and, of millipede, its losses
 */
export function domReports(
  reco: Reco,
  prepared: PreparedEvent,
  light: LightModel | undefined,
  pulses: PulseMap,
  fit: Hypothesis & { readonly energy: number; readonly losses?: readonly EnergyLoss[] },
): DomReport[] {
  const { detector, cleaned, exclusions } = prepared;
  const keys = [...detector.doms.keys()];
  const expected = expectedLight(reco, prepared, light, keys, fit);
  const rows: DomReport[] = [];
  for (const [i, key] of keys.entries()) {
    const used = cleaned.get(key);
    const all = used ?? pulses.get(key) ?? [];
    const pe = expected?.[i] ?? null;
    if (all.length === 0 && !(pe !== null && pe >= NOTABLE)) continue;
    const first = all[0]?.time ?? null;
    const arrival = fit.time + directPath(fit, detector.doms.get(key)!) / speedOfLight;
    rows.push({
      string: stringOf(key),
      om: omOf(key),
      first_time: first,
      residual: first === null ? null : first - arrival,
      charge: all.reduce((sum, { charge }) => sum + charge, 0),
      expected: pe,
      llh: used && light ? ownLlh(reco, prepared, light, key, used, fit) : null,
      excluded: whyExcluded(key, prepared, all) ?? excludedTimes(exclusions.get(key)),
    });
  }
  return rows;
}

/** The first step of the cleaning after which the DOM is gone. "hlc" is no step on the way: the seeds' alone. */
function whyExcluded(
  key: OMKey,
  { pulses, cleaned }: PreparedEvent,
  all: readonly Pulse[],
): string | undefined {
  if (cleaned.has(key) || all.length === 0) return undefined;
  for (const [step, left] of Object.entries(pulses))
    if (step !== "hlc" && !left.has(key)) return reasons[step] ?? step;
  return undefined;
}

function excludedTimes(
  windows: readonly { readonly start: number; readonly stop: number }[] | undefined,
): string | null {
  if (windows === undefined || windows.length === 0) return null;
  return windows
    .map(({ start, stop }) =>
      start === Number.NEGATIVE_INFINITY && stop === Number.POSITIVE_INFINITY
        ? "wholly: dead, bad, or too bright beside the others"
        : `${start} to ${stop} ns: saturated or in error`,
    )
    .join("; ");
}

/** PE at each DOM; undefined where light or energy are not known. */
function expectedLight(
  reco: Reco,
  { detector }: PreparedEvent,
  light: LightModel | undefined,
  keys: readonly OMKey[],
  fit: Hypothesis & { readonly energy: number; readonly losses?: readonly EnergyLoss[] },
): Float64Array | undefined {
  if (light === undefined) return undefined;
  const sites = Float64Array.from(
    keys.flatMap((key) => {
      const { x, y, z, relativeEfficiency: given } = detector.doms.get(key)!;
      return [x, y, z, Number.isNaN(given) ? 1 : given];
    }),
  );
  if (reco.light === "muon") {
    if (!Number.isFinite(fit.energy)) return undefined;
    const { bare, stochastic } = muonExpectation(light, fit, sites);
    const factor = 1 + muonLowEnergyFactor(light, fit.energy);
    return bare.map((pe, i) => pe * factor + stochastic[i]! * fit.energy);
  }
  if (fit.losses === undefined) return undefined;
  const sum = new Float64Array(keys.length);
  const { zenith, azimuth } = fit;
  for (const { energy, ...vertex } of fit.losses.filter((loss) => loss.energy > 0)) {
    const perGeV = cascadeExpectation(light, { ...vertex, zenith, azimuth }, sites);
    for (const [i, pe] of perGeV.entries()) sum[i]! += pe * energy;
  }
  return sum;
}

/** The likelihood of one DOM alone: splinempe's is the sum over its DOMs. */
function ownLlh(
  reco: Reco,
  prepared: PreparedEvent,
  light: LightModel,
  key: OMKey,
  series: readonly Pulse[],
  fit: Hypothesis & { readonly energy: number },
): number | null {
  if (reco.light !== "muon") return null;
  const alone = openSplineMpe(light, {
    doms: [firstPulseOf(prepared.detector.doms.get(key)!, series)],
    window: prepared.readoutWindow,
    energy: fit.energy,
  });
  try {
    return alone.evaluate(fit);
  } finally {
    alone.close();
  }
}
