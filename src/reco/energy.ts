import type { Detector } from "../detector/detector.ts";
import type { Event } from "../event/event.ts";
import { findOf } from "../event/objects.ts";
import type { Hypothesis } from "../geometry/track.ts";
import { stringOf } from "../i3/omkey.ts";
import type { PulseMap } from "../i3/pulses.ts";
import { type LightModel, muonExpectation, muonLowEnergyFactor } from "../native/light.ts";
import { findTrack, inputNames } from "../pulses/inputs.ts";
import { FIRST_DEEPCORE_STRING } from "../pulses/strings.ts";
import { lineFit } from "./line_fit.ts";
import type { EnergyEstimate } from "./reco.ts";

/** Where the muon's energy may be recorded in the frame. */
const FRAME_KEYS = ["OnlineL2_BestFit_MuEx", "l2_online_BestFit_MuEx"];

/**
 * The muon's energy: as MuEx found it online (frame, else alert message); else the energy at which the
 * light model's expectation along the online track best fits the cleaned charges.
 * @returns undefined where nothing is recorded and there is no light model to fit with
 */
export function estimateEnergy(
  event: Event,
  cleaned: PulseMap,
  detector: Detector,
  light: LightModel | undefined,
): EnergyEstimate | undefined {
  const recorded = recordedEnergy(event);
  if (recorded !== undefined || !light) return recorded;
  const { track, name } = bestTrack(event, cleaned, detector);
  return {
    value: fitEnergy(track, cleaned, detector, light),
    source: `charge along ${name}, ${light.kind} light model`,
  };
}

/** The muon's energy as MuEx found it online; undefined where it is not recorded. */
export function recordedEnergy(event: Event): EnergyEstimate | undefined {
  for (const key of FRAME_KEYS) {
    const muEx = findOf(event, key, "I3Particle");
    if (muEx && muEx.energy > 0) return { value: muEx.energy, source: key };
  }
  const value = messageEnergy(event.message) ?? messageEnergy(frameMessage(event));
  return value === undefined ? undefined : { value, source: "alert message, mpe_muex" };
}

/** The short alert message as the physics frame carries it; without it, undefined. */
function frameMessage(event: Event): unknown {
  const message = findOf(event, "AlertShortFollowupMsg", "I3String");
  try {
    return message && JSON.parse(message.value.replace(/\bNaN\b/g, "null"));
  } catch {
    return undefined;
  }
}

/** reco.energy.mpe_muex of the short alert message, GeV. */
function messageEnergy(message: unknown): number | undefined {
  let value: unknown = message;
  for (const key of ["reco", "energy", "mpe_muex"])
    value = typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : undefined;
}

/** The online track to go along, in the order of preference; a line through the pulses if there is none. */
function bestTrack(
  event: Event,
  cleaned: PulseMap,
  detector: Detector,
): { track: Hypothesis; name: string } {
  const { bestFit, splineMpe } = inputNames(event);
  for (const name of [bestFit, splineMpe, "HESE_SPEFit2", "HESE_SPEFitSingle"]) {
    const track = findTrack(event, name);
    if (track) return { track, name };
  }
  return { track: lineFit(cleaned, detector), name: "a line fit" };
}

/** Searched between these energies, GeV. */
const LOWEST = 1;
const HIGHEST = 1e9;
/** Keeps the logarithm finite where the light model sees nothing, PE; small beside any light. */
const LEAST = 1e-6;

/** Maximises the Poisson likelihood of the DOMs' charges, those without light included. */
export function fitEnergy(
  track: Hypothesis,
  charges: PulseMap,
  detector: Detector,
  light: LightModel,
): number {
  const doms = [...detector.doms.values()].filter(
    (dom) =>
      dom.isOn && stringOf(dom.key) < FIRST_DEEPCORE_STRING && !detector.badDoms.has(dom.key),
  );
  const sites = new Float64Array(4 * doms.length);
  const observed = new Float64Array(doms.length);
  doms.forEach((dom, i) => {
    const efficiency = Number.isNaN(dom.relativeEfficiency) ? 1 : dom.relativeEfficiency;
    sites.set([dom.x, dom.y, dom.z, efficiency], 4 * i);
    for (const pulse of charges.get(dom.key) ?? []) observed[i]! += pulse.charge;
  });
  const { bare, stochastic } = muonExpectation(light, track, sites);

  const negativeLlh = (logEnergy: number) => {
    const energy = Math.exp(logEnergy);
    const muon = 1 + muonLowEnergyFactor(light, energy);
    let sum = 0;
    for (let i = 0; i < doms.length; i++) {
      const expected = muon * bare[i]! + energy * stochastic[i]! + LEAST;
      sum += expected - observed[i]! * Math.log(expected);
    }
    return sum;
  };
  return Math.exp(minimum(negativeLlh, Math.log(LOWEST), Math.log(HIGHEST)));
}

/** Golden-section search for the minimum of a function with one minimum, to 1e-6. */
function minimum(of: (x: number) => number, from: number, to: number): number {
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [from, to];
  let a = high - ratio * (high - low);
  let b = low + ratio * (high - low);
  let [atA, atB] = [of(a), of(b)];
  while (high - low > 1e-6) {
    if (atA < atB) {
      [high, b, atB] = [b, a, atA];
      a = high - ratio * (high - low);
      atA = of(a);
    } else {
      [low, a, atA] = [a, b, atB];
      b = low + ratio * (high - low);
      atB = of(b);
    }
  }
  return (low + high) / 2;
}
