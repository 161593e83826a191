import { randomNormal, randomPoisson } from "d3-random";
import type { Detector, Dom } from "../detector/detector.ts";
import type { Time } from "../i3/classes/basic.ts";
import type { Particle } from "../i3/classes/particle.ts";
import { encodeAlert } from "../i3/envelope.ts";
import type { Frame } from "../i3/frame.ts";
import { encodeObject, type I3Object } from "../i3/objects.ts";
import { type OMKey, omOf } from "../i3/omkey.ts";
import { type Pulse, PulseFlag, type PulseMap, type TimeWindow } from "../i3/pulses.ts";
import {
  type LightModel,
  muonExpectation,
  muonLight,
  muonLowEnergyFactor,
} from "../native/light.ts";

/** Key of the true track in a simulated alert. */
export const TRUE_TRACK = "SimulatedMuon";

/** A muon that crosses the whole detector: a point of its track (m, ns), where it comes from (rad), GeV. */
export interface Muon {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly time: number;
  readonly zenith: number;
  readonly azimuth: number;
  readonly energy: number;
}

/** Readout window of a simulated event, ns: light of a muon through the detector's centre at 10 µs, and noise. */
const READOUT: TimeWindow = { start: 5000, stop: 16000 };
/** Delays (ns) at which the arrival time's distribution is sampled; light later than the last is lost. */
const DELAYS = Array.from({ length: 240 }, (_, i) => -60 + 0.08 * i * i);
/** Photoelectrons of one DOM within this time merge into one pulse, ns: the width of the FADC's resolution. */
const MERGE = 10;
/** Single-photoelectron charge: Gaussian of this width (PE), cut at the discriminator's threshold. */
const SPE_WIDTH = 0.3;
const DISCRIMINATOR = 0.25;
/** Hard local coincidence: a hit on one of the two nearest DOMs on either side within this time, ns. */
const COINCIDENCE = 1000;
const COINCIDENCE_REACH = 2;
/** m/ns. */
const SPEED_OF_LIGHT = 0.299792458;

/**
 * Draws the pulses a muon leaves: photoelectrons from the light model (Poisson, arrival times from its
 * distribution), noise at each DOM's rate, charges, and hard local coincidence from the neighbours.
 * @param random uniform in (0, 1)
 */
export function simulatePulses(
  muon: Muon,
  detector: Detector,
  light: LightModel,
  random: () => number,
): PulseMap {
  const doms = [...detector.doms.values()].filter((dom) => dom.isOn && omOf(dom.key) <= 60);
  const sites = new Float64Array(doms.flatMap((dom) => site(dom)));
  const { bare, stochastic } = muonExpectation(light, muon, sites);
  const muonFactor = 1 + muonLowEnergyFactor(light, muon.energy);
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
  muon: Muon,
  dom: Dom,
  light: LightModel,
  count: number,
  random: () => number,
): number[] {
  if (count === 0) return [];
  const seen = muonLight(light, muon, site(dom), DELAYS);
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
    const delay = DELAYS[upper - 1]! + between * (DELAYS[upper]! - DELAYS[upper - 1]!);
    times.push(muon.time + seen.geometricTime.value + delay);
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
  readonly start: Time;
  readonly muon: Muon;
  readonly pulses: PulseMap;
}

/**
 * An alert document as the detector sends them (format version 2023a, without GCD differences), and the
 * true track under {@link TRUE_TRACK}. The online track is the true one, turned a little as a fit would.
 * @param random uniform in (0, 1)
 */
export function simulatedAlert(alert: SimulatedAlert, random: () => number): string {
  const { runId, eventId, start, muon, pulses } = alert;
  const header: I3Object = {
    type: "I3EventHeader",
    run_id: runId,
    sub_run_id: 0,
    event_id: eventId,
    state: 20,
    sub_event_id: 0,
    sub_event_stream: "",
    start_time: start,
    end_time: { ...start, daq_time: start.daq_time + BigInt(10 * READOUT.stop) },
  };
  // Median error of an online track fit: half a degree, from two components of this width.
  const turn = randomNormal.source(random)(0, 0.0074);
  const online = {
    ...muon,
    zenith: muon.zenith + turn(),
    azimuth: muon.azimuth + turn() / Math.sin(muon.zenith),
    energy: Number.NaN,
  };
  // Spread of MuEx about the true energy: a factor of 1.7.
  const energy = muon.energy * Math.exp(randomNormal.source(random)(0, 0.5)());
  const message = {
    run_id: runId,
    event_id: eventId,
    unique_id: `run${String(runId).padStart(8, "0")}.evt${String(eventId).padStart(12, "0")}`,
    neutrino: {},
  };
  const frames = [
    ...["G", "C", "D"].map((stream) => frame(stream, {})),
    frame("Q", { QI3EventHeader: header }),
    frame("P", {
      I3EventHeader: { ...header, sub_event_stream: "InIceSplit" },
      AlertShortFollowupMsg: { type: "I3String", value: JSON.stringify(message) },
      SplitInIcePulses: { type: "I3RecoPulseSeriesMap", pulses },
      SplitInIcePulsesTimeRange: { type: "I3TimeWindow", ...READOUT },
      l2_online_BestFit: particle(online),
      l2_online_BestFit_MuEx: particle({ ...online, energy }),
      l2_online_SplineMPE: particle(online),
      [TRUE_TRACK]: particle(muon),
    }),
  ];
  return encodeAlert(frames, {
    formatVersion: "2023a",
    message,
    style: "python3",
    service: "skyscan simulate",
    varname: "realtimeEventData",
    topics: ["neutrino"],
  });
}

function particle(track: Muon): I3Object {
  const content: Particle = {
    minor_id: 1,
    major_id: 1n,
    // µ−
    pdg_encoding: 13,
    shape: "InfiniteTrack",
    fit_status: "OK",
    pos: [track.x, track.y, track.z],
    dir: { zenith: track.zenith, azimuth: track.azimuth },
    time: track.time,
    energy: track.energy,
    length: Number.NaN,
    speed: SPEED_OF_LIGHT,
    location: "Anywhere",
  };
  return { type: "I3Particle", ...content };
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  I3RecoPulseSeriesMap: "I3Map<OMKey, vector<I3RecoPulse> >",
  I3String: "I3PODHolder<__cxx11::string >",
};

function frame(stream: string, objects: Readonly<Record<string, I3Object>>): Frame {
  const records = Object.entries(objects)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, object]) => {
      const typeName = TYPE_NAMES[object.type] ?? object.type;
      return [key, { key, typeName, buffer: encodeObject(object) }] as const;
    });
  return { stream, records: new Map(records) };
}
