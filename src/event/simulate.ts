import { randomNormal, randomPoisson } from "d3-random";
import type { Detector, Dom } from "../detector/detector.ts";
import type { MuonTrack } from "../geometry/track.ts";
import { superDstPulses } from "../i3/classes/superdst.ts";
import { encodeAlert } from "../i3/envelope.ts";
import { type OMKey, omOf } from "../i3/omkey.ts";
import { type Pulse, PulseFlag, type PulseMap, type TimeWindow } from "../i3/pulses.ts";
import {
  eventHeaderOf,
  makeFrame,
  maskOf,
  particleOf,
  shortMessageOf,
  superDstOf,
} from "../i3/write.ts";
import {
  type LightModel,
  muonExpectation,
  muonLight,
  muonLowEnergyFactor,
} from "../native/light.ts";
import { TRUE_TRACK } from "./truth.ts";

/** Readout window of a simulated event, ns: light of a muon through the detector's centre at 10 µs, and noise. */
const READOUT: TimeWindow = { start: 5000, stop: 16000 };
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
/** PDG code of a µ−. */
const MUON = 13;
/** Median error of an online track fit, half a degree, as the width of its two components, rad. */
const ONLINE_ERROR = 0.0074;
/** Spread of the online energy estimate (MuEx) about the true energy: a factor of 1.6. */
const ENERGY_SPREAD = 0.5;

/**
 * Draws the pulses a muon leaves: photoelectrons from the light model (Poisson, arrival times from its
 * distribution), noise at each DOM's rate, charges, and hard local coincidence from the neighbours.
 * @param random uniform in (0, 1)
 */
export function simulatePulses(
  muon: MuonTrack,
  detector: Detector,
  light: LightModel,
  random: () => number,
): PulseMap {
  const doms = [...detector.doms.values()].filter((dom) => dom.isOn && omOf(dom.key) <= 60);
  const sites = new Float64Array(doms.flatMap((dom) => site(dom)));
  const { bare, stochastic } = muonExpectation(light, muon, sites);
  const muonFactor = 1 + muonLowEnergyFactor(light, muon.energy);
  // Poisson numbers of large means take a rejection method with a table of its own: d3-random has it.
  const poisson = randomPoisson.source(random);

  const hits = new Map<OMKey, number[]>();
  doms.forEach((dom, i) => {
    const expected = bare[i]! * muonFactor + stochastic[i]! * muon.energy;
    const times = arrivalTimes(muon, dom, light, poisson(expected)(), random);
    const noise = poisson(dom.noiseRate * (READOUT.stop - READOUT.start))();
    for (let k = 0; k < noise; k++)
      times.push(READOUT.start + random() * (READOUT.stop - READOUT.start));
    const inside = times.filter((time) => time >= READOUT.start && time < READOUT.stop);
    if (inside.length > 0)
      hits.set(
        dom.key,
        inside.sort((a, b) => a - b),
      );
  });

  const charge = randomNormal.source(random)(1, SPE_WIDTH);
  const pulses = new Map<OMKey, readonly Pulse[]>();
  for (const [key, times] of hits) {
    const flags = hasCoincidence(key, times, hits)
      ? PulseFlag.LC | PulseFlag.ATWD | PulseFlag.FADC
      : PulseFlag.FADC;
    const series = merged(times, charge, flags);
    if (series.length > 0) pulses.set(key, series);
  }
  return pulses;
}

const site = (dom: Dom): [number, number, number, number] => [
  dom.x,
  dom.y,
  dom.z,
  dom.relativeEfficiency,
];

/** `count` arrival times of direct light at one DOM, ns. */
function arrivalTimes(
  muon: MuonTrack,
  dom: Dom,
  light: LightModel,
  count: number,
  random: () => number,
): number[] {
  if (count === 0) return [];
  const seen = muonLight(light, muon, site(dom), RESIDUALS);
  if (!seen) return [];
  const times: number[] = [];
  for (let k = 0; k < count; k++) {
    const share = random();
    const upper = seen.timing.findIndex(({ cumulative }) => cumulative.value >= share);
    if (upper < 1) continue;
    const [below, above] = [
      seen.timing[upper - 1]!.cumulative.value,
      seen.timing[upper]!.cumulative.value,
    ];
    const between = above > below ? (share - below) / (above - below) : 0;
    const residual = RESIDUALS[upper - 1]! + between * (RESIDUALS[upper]! - RESIDUALS[upper - 1]!);
    times.push(muon.time + seen.geometricTime.value + residual);
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

export interface SimulatedAlert {
  readonly runId: number;
  readonly eventId: number;
  /** Start of the readout. */
  readonly start: Date;
  readonly muon: MuonTrack;
  readonly pulses: PulseMap;
}

/**
 * An alert document as the detector sends them (format version 2023a, without GCD differences), and the
 * true track under {@link TRUE_TRACK}. The online track is the true one, turned a little as a fit would.
 * @param random uniform in (0, 1)
 */
export function simulatedAlert(alert: SimulatedAlert, random: () => number): string {
  const { runId, eventId, start, muon, pulses } = alert;
  const readout = { runId, eventId, start, durationNs: READOUT.stop };
  const header = eventHeaderOf({ ...readout, subEvent: { stream: "InIceSplit", id: 0 } });
  const message = { ...shortMessageOf(header), neutrino: {} };
  const truth = { ...muon, position: [muon.x, muon.y, muon.z] as const, pdgEncoding: MUON };
  const turn = randomNormal.source(random)(0, ONLINE_ERROR);
  const { energy, ...direct } = truth;
  const online = {
    ...direct,
    zenith: muon.zenith + turn(),
    azimuth: muon.azimuth + turn() / Math.sin(muon.zenith),
  };
  const estimate = energy * Math.exp(randomNormal.source(random)(0, ENERGY_SPREAD)());
  const dst = superDstOf(pulses);
  const frames = [
    ...["G", "C", "D"].map((stream) => makeFrame(stream, {})),
    makeFrame("Q", { I3SuperDST: dst, QI3EventHeader: eventHeaderOf(readout) }),
    makeFrame("P", {
      I3EventHeader: header,
      AlertShortFollowupMsg: { type: "I3String", value: JSON.stringify(message) },
      SplitInIcePulses: maskOf("I3SuperDST", superDstPulses(dst)),
      SplitInIcePulsesTimeRange: { type: "I3TimeWindow", ...READOUT },
      l2_online_BestFit: particleOf(online),
      l2_online_BestFit_MuEx: particleOf({ ...online, energy: estimate }),
      l2_online_SplineMPE: particleOf(online),
      [TRUE_TRACK]: particleOf(truth),
    }),
  ];
  return encodeAlert(frames, {
    formatVersion: "2023a",
    message,
    service: "skyscan simulate",
    varname: "realtimeEventData",
    topics: ["neutrino"],
  });
}
