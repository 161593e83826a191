import { consola } from "consola";
import { BUILTIN_SOURCE } from "../detector/builtin.ts";
import type { Detector } from "../detector/detector.ts";
import { detectorOf } from "../detector/gcd.ts";
import { type Event, withoutDoms } from "../event/event.ts";
import { loadEvent } from "../event/load.ts";
import { onlineDirection } from "../event/online.ts";
import { chosenDetector, type LightChoice, requireOneIce } from "../light/choice.ts";
import { momentAt, toEquatorial } from "../native/sky.ts";
import type { EnergyEstimate, Reco } from "../reco/reco.ts";
import { findReco } from "../reco/registry.ts";
import { withMiniTest } from "../reco/seed.ts";
import { withBestDirection } from "../result/best_direction.ts";
import { levelsOfAlgorithm, wilksLevels } from "../result/levels.ts";
import { refinementOf } from "../result/refinement.ts";
import { resultFromScan } from "../result/result.ts";
import { type Further, Scan } from "../scan/scan.ts";
import { type Progression, totalPixels } from "../sky/progression.ts";
import { requireRoom } from "./room.ts";

/** A scan to be run, all of its input read and found good. */
export interface ScanPlan {
  readonly event: Event;
  readonly detector: Detector;
  /** Path of the baseline GCD; undefined: none is needed, or the built-in geometry serves. */
  readonly baselineGcd?: string;
  readonly reco: Reco;
  readonly miniTest: boolean;
  readonly progression: Progression;
  readonly threshold: number;
  /** Beyond the progression until the contour is resolved. */
  readonly refineToContour: boolean;
  readonly seed?: number;
  /** Clients must have photon tables; false: whatever the first of them has. */
  readonly needsTables: boolean;
  /** What the user chose of light and detector, for the clients. */
  readonly choice: LightChoice;
  /** Where a pointed scan points, detector coordinates (rad). */
  readonly pointing?: { readonly zenith: number; readonly azimuth: number };
  /** The recorded energy; undefined: not needed, or fitted by the clients with their light. */
  readonly energy?: EnergyEstimate;
  /** For the record: how the scan was asked for, secrets left out. */
  readonly commandLine?: string;
}

export interface PlanOptions {
  readonly eventFile: string;
  /** Absent: what the event says of itself. */
  readonly isRealEvent?: boolean;
  readonly reco: string;
  readonly miniTest: boolean;
  readonly progression: Progression;
  readonly threshold: number;
  readonly refineToContour?: boolean;
  readonly seed?: number;
  readonly gcdDir?: string;
  readonly photonTables?: string;
  readonly choice?: LightChoice;
  readonly commandLine?: string;
}

/**
 * Reads the event and makes sure that the algorithm can work with it, before anything is written or anyone called.
 * Throws InputError.
 */
export async function planScan(options: PlanOptions): Promise<ScanPlan> {
  const named = findReco(options.reco);
  const { isRealEvent } = options;
  const choice = options.choice ?? {};
  const loaded = await loadEvent(
    options.eventFile,
    isRealEvent === undefined ? {} : { isRealEvent },
  );
  const event = withoutDoms(loaded, choice.badDoms);
  warnOfRunNumber(event);
  requireOneIce(choice, options.photonTables);
  const detector = chosenDetector(await detectorOf(event, options.gcdDir), choice);
  const isBuiltin = detector.source.startsWith(BUILTIN_SOURCE);
  if (isBuiltin) consola.warn(`detector: ${detector.source} (see --gcd-dir)`);
  else consola.info(`detector: ${detector.source}`);
  const reco = options.miniTest ? { ...named, seeds: withMiniTest(named.seeds) } : named;
  // Only to see that it works, and where a pointed scan points: the fits are the clients' business.
  const { pointing, energy } = reco.prepare(event, detector, undefined);
  const radius = pointing && reco.seeds.pointedRadius;
  const share = radius === undefined ? 1 : (1 - Math.cos(radius)) / 2;
  const refineToContour = options.refineToContour ?? false;
  const further = refineToContour ? mostFurther : 0;
  requireRoom(options.progression, reco.seeds.variations.length, share, further);
  if (energy) consola.info(`muon energy: ${energy.value.toPrecision(4)} GeV (${energy.source})`);
  return {
    event,
    detector,
    ...(detector.baselinePath !== undefined && { baselineGcd: detector.baselinePath }),
    reco,
    miniTest: options.miniTest,
    progression: options.progression,
    ...{ threshold: options.threshold, refineToContour },
    ...(options.seed !== undefined && { seed: options.seed }),
    needsTables: options.photonTables !== undefined || choice.light === "tables",
    choice,
    ...(pointing && { pointing }),
    ...(energy && { energy }),
    ...(options.commandLine !== undefined && { commandLine: options.commandLine }),
  };
}

/** Runs of the detector, as skyreader knows them. */
const realRuns = { first: 100_000, last: 999_999 };

/** The map of a real event with another run number cannot be read by skyreader. */
function warnOfRunNumber({ metadata: { isRealEvent, runId } }: Event): void {
  if (!isRealEvent || (runId >= realRuns.first && runId <= realRuns.last)) return;
  consola.warn(
    `run ${runId} is none of the detector's: skyreader refuses maps of real events outside ${realRuns.first} to ${realRuns.last} (see --simulated-event)`,
  );
}

/**
 * Pixels beyond what the progression lets expect at which refinement ends. A contour four pixels in radius has a
 * hundred; likelihoods so rough that refining them shows ever finer structure would have no end.
 */
const mostFurther = 20_000;

/** What a plan's map lacks for its contour, by the levels that will be drawn. */
function furtherOf({ event, reco, progression }: ScanPlan): Further {
  const levels = levelsOfAlgorithm(reco.name) ?? wilksLevels;
  const most = totalPixels(progression) + mostFurther;
  return (pixels) => {
    const map = withBestDirection(resultFromScan(pixels, event.metadata, true));
    const wanted = refinementOf(map, levels);
    const count = [...pixels.values(), ...wanted.values()].reduce((n, { length }) => n + length, 0);
    return count <= most ? wanted : new Map();
  };
}

/** A scan at its beginning. */
export function startScan(plan: ScanPlan): Scan {
  const { pointing, reco, event, progression, threshold, seed = 0 } = plan;
  const radius = reco.seeds.pointedRadius;
  const isPointed = pointing !== undefined && radius !== undefined;
  const towards = onlineDirection(event);
  return new Scan({
    ...{ progression, threshold, seed, variations: reco.seeds.variations.length },
    ...(reco.flood && { flood: reco.flood }),
    ...(towards !== null && { towards }),
    ...(plan.refineToContour && { further: furtherOf(plan) }),
    ...(reco.freeStarts !== undefined && { freeStarts: reco.freeStarts }),
    ...(isPointed && {
      pointing: {
        centre: toEquatorial(pointing.zenith, pointing.azimuth, momentAt(event.metadata.mjd)),
        radius,
      },
    }),
  });
}
