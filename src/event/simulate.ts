/** The pulses a muon leaves in the detector, drawn from a light model. */

import { randomNormal, randomPoisson } from "d3-random";
import type { Detector, Dom } from "../detector/detector.ts";
import { groupIndex, phaseIndex, speedOfLight } from "../geometry/constants.ts";
import { directionOfTravel, type EnergyLoss, type MuonTrack } from "../geometry/track.ts";
import { type OMKey, omOf } from "../i3/omkey.ts";
import { type Pulse, PulseFlag, type PulseMap, type TimeWindow } from "../i3/pulses.ts";
import {
  cascadeExpectation,
  cascadeLight,
  type LightModel,
  muonExpectation,
  muonLight,
  muonLowEnergyFactor,
} from "../native/light.ts";
import type { MuonPassage } from "./muon_losses.ts";

/** Readout window of a simulated event, ns: light of a muon through the detector's centre at 10 µs, and noise. */
export const READOUT: TimeWindow = { start: 5000, stop: 16000 };
/** Time residuals (ns) at which the arrival time's distribution is sampled; light later than the last is lost. */
const RESIDUALS = Array.from({ length: 240 }, (_, i) => -60 + 0.08 * i * i);
/** Photoelectrons of one DOM within this time merge into one pulse, ns: the width of the FADC's resolution. */
const MERGE = 10;
/** Single-photoelectron charge: Gaussian of this width (PE), cut at the discriminator's threshold. */
const SPE_WIDTH = 0.3;
const DISCRIMINATOR = 0.25;
/** Hard local coincidence: a hit on one of the two nearest DOMs on either side within this time, ns. */
const COINCIDENCE = 1000;
const COINCIDENCE_REACH = 2;
/**
 * The photomultiplier's anode current saturates here, PE/ns (150 mA at a gain of 10⁷), and is within 10 % of linear up
 * to a third of it (R. Abbasi et al., NIM A 618 (2010) 139): i/(1 + (i/i₀)^p)^(1/p) with the p that makes it so.
 */
const SATURATION = 93;
const SATURATION_BEND = 1.57;
/**
 * Noise comes in bursts: a dead time of 250 µs after each hit lowers a DOM's rate from 540 to 286 Hz (M. G. Aartsen et
 * al., JINST 12 (2017) P03012). So this share of the hits follows another one within that time; how soon is not told
 * there: uniform in the logarithm from the electronics' dead time on.
 */
const BURST_SHARE = 1 - 286 / 540;
const BURST_INTERVAL = { least: 500, most: 250_000 };

/** What light is drawn from; of cascades where the muon has losses of its own. */
export interface SimulationLight {
  readonly muon: LightModel;
  readonly cascade?: LightModel;
}

/** How the detector answers. */
export interface SimulatedResponse {
  readonly readout?: TimeWindow;
  /** Noise hits of one DOM follow each other in bursts; else they are independent. Their rate is the DOM's in both. */
  readonly bursts?: boolean;
  /** Photomultipliers answer a strong current with less. */
  readonly saturation?: boolean;
}

/**
 * Draws the pulses a muon leaves: photoelectrons from the light model (Poisson, arrival times from its
 * distribution), noise at each DOM's rate, charges, and hard local coincidence from the neighbours.
 * @param detector those of its DOMs that are off see nothing
 * @param random uniform in (0, 1)
 */
export function simulatePulses(
  passage: MuonPassage,
  detector: Detector,
  light: SimulationLight,
  random: () => number,
  response: SimulatedResponse = {},
): PulseMap {
  const doms = seeingDoms(detector);
  return pulsesOf(doms, photonsOf(passage, doms, light, random), random, response);
}

/** The DOMs in the ice that are on. */
export const seeingDoms = (detector: Detector): Dom[] =>
  [...detector.doms.values()].filter((dom) => dom.isOn && omOf(dom.key) <= 60);

/**
 * What DOMs make of the light that meets them: noise, charges, coincidence and pulses.
 * @param photons when photoelectrons arrive at each DOM, ns, in any order
 * @param random uniform in (0, 1)
 */
export function pulsesOf(
  doms: readonly Dom[],
  photons: readonly (readonly number[])[],
  random: () => number,
  response: SimulatedResponse = {},
): PulseMap {
  const { readout = READOUT } = response;
  const hits = new Map<OMKey, number[]>();
  doms.forEach((dom, i) => {
    const noise = noiseOf(dom, readout, response.bursts ?? false, random);
    const times = [...photons[i]!, ...noise];
    const inside = times.filter((time) => time >= readout.start && time < readout.stop);
    if (inside.length > 0)
      hits.set(
        dom.key,
        inside.sort((a, b) => a - b),
      );
  });

  const charge = randomNormal.source(random)(1, SPE_WIDTH);
  const answered = response.saturation ? saturated : (pulse: Pulse) => pulse;
  const pulses = new Map<OMKey, readonly Pulse[]>();
  for (const [key, times] of hits) {
    const flags = hasCoincidence(key, times, hits)
      ? PulseFlag.LC | PulseFlag.ATWD | PulseFlag.FADC
      : PulseFlag.FADC;
    const series = merged(times, charge, flags).map(answered);
    if (series.length > 0) pulses.set(key, series);
  }
  return pulses;
}

/** When photons of the muon and of its losses arrive at each DOM, ns, in no order. */
function photonsOf(
  passage: MuonPassage,
  doms: readonly Dom[],
  light: SimulationLight,
  random: () => number,
): number[][] {
  const { muon, losses, continuous, energyAt, isBareSeen = true } = passage;
  const sites = new Float64Array(doms.flatMap((dom) => site(dom)));
  // Poisson numbers of large means take a rejection method with a table of its own: d3-random has it.
  const poisson = randomPoisson.source(random);
  const { bare, stochastic } = muonExpectation(light.muon, muon, sites);
  const direction = directionOfTravel(muon);
  const photons = doms.map((dom, i) => {
    const energy = energyAt(emissionLength(muon, direction, dom));
    const factor = 1 + muonLowEnergyFactor(light.muon, energy);
    const expected = (isBareSeen ? bare[i]! * factor : 0) + continuous * stochastic[i]! * energy;
    return muonTimes(muon, dom, light.muon, poisson(expected)(), random);
  });
  if (losses.length > 0 && light.cascade === undefined)
    throw new Error("a muon's own losses need the light of cascades");
  for (const loss of losses) {
    const amplitude = cascadeExpectation(light.cascade!, { ...muon, ...loss }, sites);
    doms.forEach((dom, i) => {
      const count = poisson(amplitude[i]! * loss.energy)();
      if (count > 0)
        for (const time of cascadeTimes({ ...muon, ...loss }, dom, light.cascade!, count, random))
          photons[i]!.push(time);
    });
  }
  return photons;
}

const site = (dom: Dom): [number, number, number, number] => [
  dom.x,
  dom.y,
  dom.z,
  Number.isNaN(dom.relativeEfficiency) ? 1 : dom.relativeEfficiency,
];

/** How far along the track from its vertex (m) the direct light that a DOM sees is made. */
function emissionLength(
  muon: MuonTrack,
  [nx, ny, nz]: readonly [number, number, number],
  dom: Dom,
): number {
  const [x, y, z] = [dom.x - muon.x, dom.y - muon.y, dom.z - muon.z];
  const along = x * nx + y * ny + z * nz;
  return along - Math.hypot(x - along * nx, y - along * ny, z - along * nz) / CHERENKOV_TANGENT;
}

/** Of the Cherenkov angle. */
const CHERENKOV_TANGENT = Math.sqrt(phaseIndex ** 2 - 1);

/** `count` arrival times of a muon's light at one DOM, ns. */
function muonTimes(
  muon: MuonTrack,
  dom: Dom,
  light: LightModel,
  count: number,
  random: () => number,
): number[] {
  if (count === 0) return [];
  const seen = muonLight(light, muon, site(dom), RESIDUALS);
  if (!seen) return [];
  const shares = seen.timing.map(({ cumulative }) => cumulative.value);
  return drawnTimes(shares, muon.time + seen.geometricTime.value, count, random);
}

/** `count` arrival times of a cascade's light at one DOM, ns. */
function cascadeTimes(
  cascade: EnergyLoss & MuonTrack,
  dom: Dom,
  light: LightModel,
  count: number,
  random: () => number,
): number[] {
  const distance = Math.hypot(dom.x - cascade.x, dom.y - cascade.y, dom.z - cascade.z);
  const arrival = cascade.time + (distance * groupIndex) / speedOfLight;
  const edges = RESIDUALS.map((residual) => arrival + residual);
  const seen = cascadeLight(light, cascade, site(dom), edges);
  if (!seen) return [];
  const shares = seen.cumulative.map(({ value }) => value);
  return drawnTimes(shares, arrival, count, random);
}

/**
 * Arrival times by inversion.
 * @param shares of the light before each of RESIDUALS, ascending
 * @param zero what the residuals count from, ns
 */
function drawnTimes(
  shares: readonly number[],
  zero: number,
  count: number,
  random: () => number,
): number[] {
  const times: number[] = [];
  for (let k = 0; k < count; k++) {
    const share = random();
    let [below, above] = [-1, shares.length];
    while (above - below > 1) {
      const middle = (below + above) >> 1;
      if (shares[middle]! >= share) above = middle;
      else below = middle;
    }
    if (below < 0 || above === shares.length) continue;
    const [from, to] = [shares[below]!, shares[above]!];
    const between = to > from ? (share - from) / (to - from) : 0;
    const residual = RESIDUALS[below]! + between * (RESIDUALS[above]! - RESIDUALS[below]!);
    times.push(zero + residual);
  }
  return times;
}

/** A DOM's noise in the readout, ns. */
function noiseOf(dom: Dom, readout: TimeWindow, bursts: boolean, random: () => number): number[] {
  // Bursts that began before reach into it.
  const start = bursts ? readout.start - BURST_INTERVAL.most : readout.start;
  const rate = bursts ? dom.noiseRate * (1 - BURST_SHARE) : dom.noiseRate;
  const count = randomPoisson.source(random)(rate * (readout.stop - start))();
  const times: number[] = [];
  for (let k = 0; k < count; k++) {
    let time = start + random() * (readout.stop - start);
    times.push(time);
    while (bursts && random() < BURST_SHARE) {
      const { least, most } = BURST_INTERVAL;
      time += least * (most / least) ** random();
      times.push(time);
    }
  }
  return times;
}

/** Pulses of one DOM: photoelectrons close in time are one pulse; those below threshold are none. */
function merged(times: readonly number[], charge: () => number, flags: number): Pulse[] {
  const pulses: { time: number; charge: number; width: number; flags: number }[] = [];
  for (const time of times) {
    const pe = charge();
    const last = pulses.at(-1);
    if (last && time - last.time < MERGE) last.charge += Math.max(0, pe);
    else if (pe > DISCRIMINATOR)
      pulses.push({ time: Math.round(time), charge: pe, width: MERGE, flags });
  }
  return pulses.map((pulse) => ({ ...pulse, charge: Math.fround(pulse.charge) }));
}

/** What a saturating photomultiplier makes of a pulse. */
function saturated(pulse: Pulse): Pulse {
  const current = pulse.charge / MERGE / SATURATION;
  const gain = (1 + current ** SATURATION_BEND) ** (-1 / SATURATION_BEND);
  return { ...pulse, charge: Math.fround(pulse.charge * gain) };
}

function hasCoincidence(
  key: OMKey,
  times: readonly number[],
  hits: ReadonlyMap<OMKey, readonly number[]>,
): boolean {
  for (let step = -COINCIDENCE_REACH; step <= COINCIDENCE_REACH; step++) {
    const neighbour = step === 0 ? undefined : hits.get(key + step);
    if (neighbour?.some((other) => times.some((time) => Math.abs(time - other) <= COINCIDENCE)))
      return true;
  }
  return false;
}
