/** What pseudo-experiments need, made ready from a request that travels between processes as plain data. */

import { InputError } from "../config/errors.ts";
import { uniformNumbers } from "../config/random.ts";
import { builtinDetector } from "../detector/builtin.ts";
import type { Detector } from "../detector/detector.ts";
import { detectorOf } from "../detector/gcd.ts";
import type { Event } from "../event/event.ts";
import { loadEvent } from "../event/load.ts";
import { findOf } from "../event/objects.ts";
import { READOUT } from "../event/simulate.ts";
import { TRUE_TRACK } from "../event/truth.ts";
import type { EnergyLoss, MuonTrack } from "../geometry/track.ts";
import type { TimeWindow } from "../i3/pulses.ts";
import { chosenDetector, type LightChoice } from "../light/choice.ts";
import { openLight } from "../light/light.ts";
import { longestReason } from "../mq/messages.ts";
import type { LightModel } from "../native/light.ts";
import { findReco } from "../reco/registry.ts";
import {
  type Cause,
  type Entry,
  type Laboratory,
  measure,
  type Outcome,
  runExperiment,
} from "./experiment.ts";

/** Muons of all kinds: what a coverage study simulates. */
export interface MuonPopulation {
  /** GeV, the logarithm uniform between them. */
  readonly energies: readonly [least: number, most: number];
  /** The largest |sin δ| at the Pole, where zenith and declination are one. */
  readonly highestSine: number;
  /** Tracks go through a random point of a sphere of this radius about the centre, m. */
  readonly radius: number;
}

/** What is to be done, for all experiments alike. */
export interface Request {
  readonly reco: string;
  readonly choice: LightChoice;
  readonly photonTables?: string;
  readonly gcdDir?: string;
  readonly seed: number;
  readonly varies: boolean;
  readonly jitter: number;
  /** One muon again and again, as an event's best fit has it; muons of all kinds; or alerts that know their truth. */
  readonly cause:
    | {
        readonly kind: "event";
        readonly file: string;
        readonly muon: MuonTrack;
        readonly losses?: readonly EnergyLoss[];
        readonly readout: TimeWindow;
      }
    | {
        readonly kind: "muons";
        readonly population: MuonPopulation;
        readonly losses: "continuous" | "individual";
      }
    | { readonly kind: "alerts"; readonly files: readonly string[] };
}

/** Ready to run experiments. */
export interface OpenLaboratory {
  readonly light: { readonly kind: string; readonly description: string } | null;
  readonly detector: string;
  /** Experiment k. Throws where what was drawn cannot be fitted. */
  run(k: number): Promise<Outcome>;
  /** The same, or why there is none. */
  outcome(k: number): Promise<Entry>;
  close(): void;
}

/** What is observed, and with what. */
export interface Site {
  readonly event: Event | undefined;
  readonly detector: Detector;
}

/**
 * @param given default: read from the files the request names
 * Throws InputError where event, detector or light cannot be used.
 */
export async function openLaboratory(request: Request, given?: Site): Promise<OpenLaboratory> {
  const { cause, choice, photonTables } = request;
  const reco = findReco(request.reco);
  const { event, detector } = given ?? (await siteOf(request));
  const light =
    reco.light &&
    openLight({
      ...{ reco: reco.light, choice },
      ...(photonTables !== undefined && { photonTables }),
    });
  const laboratory: Laboratory = {
    ...{ reco, detector, light, choice },
    ...{ seed: request.seed, varies: request.varies, jitter: request.jitter },
    ...(event && { exclusions: event }),
  };
  const run = (k: number) =>
    cause.kind === "alerts"
      ? measureAlert(laboratory, cause.files[k]!, k, request.gcdDir)
      : runExperiment(laboratory, causeOf(cause, request.seed, k), k);
  return {
    light: light ? { kind: light.kind, description: light.description } : null,
    detector: detector.source,
    run,
    outcome: (k) =>
      run(k).catch((error) => ({
        k,
        reason: `${error instanceof Error ? error.message : error}`.slice(0, longestReason),
      })),
    close: () => closeLight(light),
  };
}

const closeLight = (light: LightModel | undefined): void => light?.close();

async function siteOf({ cause, choice, gcdDir }: Request): Promise<Site> {
  const event = cause.kind === "event" ? await loadEvent(cause.file) : undefined;
  const detector = event === undefined ? builtinDetector() : await detectorOf(event, gcdDir);
  return { event, detector: chosenDetector(detector, choice) };
}

/** A stream of its own beside the experiment's: an event's experiments draw no muon. */
const MUON_STREAM = 1;

function causeOf(
  cause: Exclude<Request["cause"], { kind: "alerts" }>,
  seed: number,
  k: number,
): Cause {
  if (cause.kind === "event") return cause;
  return {
    muon: drawMuon(cause.population, uniformNumbers(seed, k, MUON_STREAM)),
    isEven: cause.losses === "continuous",
    readout: READOUT,
  };
}

/** An alert somebody else simulated. Throws InputError where it does not know its truth. */
async function measureAlert(
  laboratory: Laboratory,
  file: string,
  k: number,
  gcdDir: string | undefined,
): Promise<Outcome> {
  const event = await loadEvent(file);
  const truth = findOf(event, TRUE_TRACK, "I3Particle");
  if (truth === undefined) throw new InputError(`${file}: no ${TRUE_TRACK}: its truth is unknown`);
  const { pos, dir, time, energy } = truth;
  const muon = { x: pos[0], y: pos[1], z: pos[2], time, ...dir, energy };
  const detector = chosenDetector(await detectorOf(event, gcdDir), laboratory.choice);
  return { k, ...(await measure({ ...laboratory, detector }, event, muon)) };
}

/** A muon of a population: isotropic, through a point uniform in the sphere. */
export function drawMuon(population: MuonPopulation, random: () => number): MuonTrack {
  const { energies, highestSine, radius } = population;
  const cosine = highestSine * (2 * random() - 1);
  const azimuth = 2 * Math.PI * random();
  const r = radius * Math.cbrt(random());
  const z = 2 * random() - 1;
  const turn = 2 * Math.PI * random();
  const across = r * Math.sqrt(1 - z * z);
  return {
    x: across * Math.cos(turn),
    y: across * Math.sin(turn),
    z: r * z,
    time: 10_000,
    zenith: Math.acos(cosine),
    azimuth,
    energy: energies[0] * (energies[1] / energies[0]) ** random(),
  };
}
