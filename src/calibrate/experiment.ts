/** One pseudo-experiment: a muon simulated in a world of its own, and fitted as a scan fits it, in the nominal one. */

import { randomNormal } from "d3-random";
import { uniformNumbers } from "../config/random.ts";
import type { Detector } from "../detector/detector.ts";
import { spiceMie } from "../detector/ice.ts";
import type { Event } from "../event/event.ts";
import { parseEvent } from "../event/load.ts";
import { drawnPassage, energyBefore, evenPassage, type MuonPassage } from "../event/muon_losses.ts";
import { simulatePulses } from "../event/simulate.ts";
import { simulatedAlert } from "../event/simulated_alert.ts";
import type { EnergyLoss, MuonTrack, Vertex } from "../geometry/track.ts";
import type { TimeWindow } from "../i3/pulses.ts";
import type { LightChoice } from "../light/choice.ts";
import { embeddedOf, openEmbeddedLight } from "../light/light.ts";
import { cascadeExpectation, type LightModel } from "../native/light.ts";
import type { Fitter, PreparedEvent, Reco } from "../reco/reco.ts";
import { pixelSeed } from "../reco/seed.ts";
import { angleBetween } from "../sky/healpix.ts";
import { type DirectionFit, type FitAt, localMinimum, vectorFrom } from "./local_minimum.ts";
import { turnedLosses, turnedMuon } from "./rotation.ts";
import { detectorIn, drawSystematics, iceIn, nominal, type Systematics } from "./systematics.ts";

/** What is simulated again and again. */
export interface Cause {
  /** Its energy (GeV) is the one inside the detector. */
  readonly muon: MuonTrack;
  /** All the light there was, from an unfolding; without them the muon's own losses are drawn. */
  readonly losses?: readonly EnergyLoss[];
  /** Its losses are even along the track, as fits take them to be. */
  readonly isEven?: boolean;
  readonly readout: TimeWindow;
}

/** What is the same for all pseudo-experiments. */
export interface Laboratory {
  readonly reco: Reco;
  /** As the fits take detector and light to be. */
  readonly detector: Detector;
  readonly light: LightModel | undefined;
  readonly choice: LightChoice;
  /** Whose streams of random numbers are drawn: one for each experiment. */
  readonly seed: number;
  /** What is not known of ice and detector is drawn afresh each time. */
  readonly varies: boolean;
  /** Time resolution where it does not vary, ns. */
  readonly jitter: number;
  /** Frames of the event that say when which DOM could not be used; simulated ones get them too. */
  readonly exclusions?: Event;
}

/** What came of one. */
export interface Outcome {
  readonly k: number;
  /** 2·Δllh between the true direction and the minimum. */
  readonly ts: number;
  /** Angle between them, degrees. */
  readonly error: number;
  /** GeV, inside the detector. */
  readonly energy: number;
  readonly zenith: number;
  readonly azimuth: number;
  readonly llh: number;
  readonly doms: number;
  readonly fits: number;
  /** What was drawn of the world. */
  readonly world?: Record<string, number>;
}

/** Why nothing came of one. */
export interface Failure {
  readonly k: number;
  readonly reason: string;
}

export type Entry = Outcome | Failure;

export const hasFailed = (entry: Entry): entry is Failure => "reason" in entry;

/** DOMs with pulses that an experiment needs: fewer make no alert. */
const FEWEST_DOMS = 8;

/**
 * Runs experiment k.
 * @throws InputError where what was drawn cannot be fitted
 */
export async function runExperiment(
  laboratory: Laboratory,
  cause: Cause,
  k: number,
): Promise<Outcome> {
  const random = uniformNumbers(laboratory.seed, k);
  const { event, muon, world } = simulate(laboratory, cause, k, random);
  const measured = await measure(laboratory, event, muon);
  return { k, ...measured, ...(laboratory.varies && { world: summaryOf(world) }) };
}

/**
 * Finds an event's minimum near its true direction, and how far apart they are.
 * @throws InputError where it cannot be fitted
 */
export async function measure(
  { reco, detector, light }: Pick<Laboratory, "reco" | "detector" | "light">,
  event: Event,
  muon: MuonTrack,
): Promise<Omit<Outcome, "k" | "world">> {
  const prepared = reco.prepare(event, detector, light);
  if (prepared.cleaned.size < FEWEST_DOMS)
    throw new Error(`${prepared.cleaned.size} DOMs see light: too few for an alert`);
  const fitter = reco.open(prepared, light);
  try {
    const truth = await fitAtTruth(reco, prepared, fitter, muon);
    const fitAt = fitsOf(reco, prepared, fitter);
    const found = await localMinimum(fitAt, { direction: muon, fit: truth });
    const angle = angleBetween(vectorFrom(muon), vectorFrom(found.direction));
    return {
      ts: 2 * (truth.llh - found.fit.llh),
      error: (angle * 180) / Math.PI,
      energy: muon.energy,
      zenith: muon.zenith,
      azimuth: muon.azimuth,
      llh: found.fit.llh,
      doms: prepared.cleaned.size,
      fits: found.fits + 1,
    };
  } finally {
    fitter.close();
  }
}

/** Draws the world, the muon's losses and its pulses. */
function simulate(laboratory: Laboratory, cause: Cause, k: number, random: () => number) {
  const { choice, detector, varies } = laboratory;
  const embedded = embeddedOf(choice);
  const ice = embedded.ice ?? spiceMie();
  const world = varies
    ? drawSystematics(ice, detector, random)
    : nominal(ice.layers.length, laboratory.jitter);
  const muon = { ...cause.muon, energy: cause.muon.energy * world.energy };
  const options = {
    ...embedded,
    ice: iceIn(ice, world),
    holeIce: holeIceIn(choice, world),
    jitter: world.jitter,
  };
  const light = {
    muon: openEmbeddedLight("muon", options),
    cascade: openEmbeddedLight("cascade", options),
  };
  try {
    const seen = detectorIn(detector, world);
    const passage = passageOf(cause, muon, world, seen, light.cascade, random);
    const { readout } = cause;
    const response = { readout, bursts: true, saturation: true };
    const pulses = simulatePulses(passage, seen, light, random, response);
    const alert = {
      ...{ runId: 1, eventId: k, start: START, pulses, readout },
      passage: { ...passage, muon },
      estimate: cause.muon.energy,
    };
    const text = simulatedAlert(alert, random);
    const event = parseEvent(new TextEncoder().encode(text), `pseudo-experiment ${k}`);
    return { event: withExclusions(event, laboratory.exclusions), muon, world };
  } finally {
    light.muon.close();
    light.cascade.close();
  }
}

/** Of simulated readouts; nothing depends on it, since all of it happens in the detector's own coordinates. */
const START = new Date("2023-02-25T06:00:00Z");

/** The user's hole ice and the drawn one: one is chosen, the other what it may be instead. */
const holeIceIn = ({ holeIce = 0 }: LightChoice, { holeIce: drawn }: Systematics): number =>
  Math.min(1, holeIce + drawn);

/** In the turned coordinates, where the ice's layers are level. */
function passageOf(
  { losses, isEven }: Cause,
  muon: MuonTrack,
  world: Systematics,
  detector: Detector,
  cascade: LightModel,
  random: () => number,
): MuonPassage {
  const turned = turnedMuon(muon, world.tilt);
  if (isEven) return evenPassage(turned);
  if (losses === undefined)
    return drawnPassage({ ...turned, energy: energyBefore(turned.energy) }, random);
  const drawn = resampled(turnedLosses(losses, world.tilt), turned, detector, cascade, random);
  const total = drawn.reduce((sum, { energy }) => sum + energy, 0);
  return {
    ...{ muon: turned, losses: drawn, continuous: 0, isBareSeen: false },
    energyAt: () => total,
  };
}

/**
 * Unfolded losses drawn again, each within the width that its own light leaves it: 1/√N for N expected photoelectrons,
 * as a Gamma distribution.
 */
function resampled(
  losses: readonly EnergyLoss[],
  muon: MuonTrack,
  detector: Detector,
  cascade: LightModel,
  random: () => number,
): EnergyLoss[] {
  const on = [...detector.doms.values()].filter(({ isOn }) => isOn);
  const sites = new Float64Array(on.flatMap((d) => [d.x, d.y, d.z, d.relativeEfficiency]));
  return losses
    .filter(({ energy }) => energy > 0)
    .map((loss) => {
      const seen = cascadeExpectation(cascade, { ...muon, ...loss }, sites);
      const photons = Math.max(1, loss.energy * seen.reduce((sum, pe) => sum + pe, 0));
      return { ...loss, energy: (loss.energy / photons) * gamma(photons, random) };
    });
}

/** A number of a Gamma distribution of this shape, at least 1, and scale 1 (G. Marsaglia and W. Tsang, ACM TOMS 26 (2000) 363). */
function gamma(shape: number, random: () => number): number {
  const normal = randomNormal.source(random)(0, 1);
  const d = shape - 1 / 3;
  for (;;) {
    const x = normal();
    const v = (1 + x / Math.sqrt(9 * d)) ** 3;
    if (v > 0 && Math.log(random()) < (x * x) / 2 + d * (1 - v + Math.log(v))) return d * v;
  }
}

/** The event's own windows in which DOMs could not be used. */
const EXCLUSION_KEYS = ["CalibrationErrata", "SaturationWindows"];

function withExclusions(event: Event, original: Event | undefined): Event {
  if (original === undefined) return event;
  const records = original.frames.flatMap((frame) =>
    EXCLUSION_KEYS.flatMap((key) => {
      const record = frame.records.get(key);
      return record ? [[key, record] as const] : [];
    }),
  );
  if (records.length === 0) return event;
  const frames = event.frames.map((frame) =>
    frame.stream === "P" ? { ...frame, records: new Map([...frame.records, ...records]) } : frame,
  );
  return { ...event, frames };
}

/** The likelihood's minimum at the true direction, from the true vertex. */
async function fitAtTruth(
  reco: Reco,
  prepared: PreparedEvent,
  fitter: Fitter,
  muon: MuonTrack,
): Promise<DirectionFit> {
  return await fitsOf(reco, prepared, fitter)(muon, { ...muon, llh: Number.NaN });
}

/** Fits as a scan makes them: from a nearby direction's vertex, the event's first guess beside it. */
function fitsOf(reco: Reco, prepared: PreparedEvent, fitter: Fitter): FitAt {
  return async ({ zenith, azimuth }, nearby) => {
    const parent = nearby && { ...vertexOf(nearby), energy: Number.NaN };
    const seed = pixelSeed(prepared, reco.seeds, { zenith, azimuth }, 0, parent);
    const fit = await fitter.fit(seed);
    return { ...vertexOf(fit), llh: fit.llh };
  };
}

const vertexOf = ({ x, y, z, time }: Vertex): Vertex => ({ x, y, z, time });

/** The world in a few numbers, for the record. */
const summaryOf = (world: Systematics): Record<string, number> => ({
  scattering: world.scattering,
  absorption: world.absorption,
  efficiency: world.efficiency,
  hole_ice: world.holeIce,
  jitter_ns: world.jitter,
  tilt: world.tilt.slope,
  energy: world.energy,
});
