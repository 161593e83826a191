// From what was sent to the scans that come of it: the alert is laid down, every scan is planned before any is promised.
import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { InputError } from "../config/errors.ts";
import { recordedEnergy } from "../reco/energy.ts";
import { writeAtomically } from "../result/files.ts";
import { type PlanOptions, planScan, type ScanPlan } from "../server/plan.ts";
import { formatProgression, type Progression, parseProgression } from "../sky/progression.ts";
import { labelOf } from "./alert.ts";
import { noFacts, type ScanRecord, type ScanSettings } from "./archive.ts";
import type { ScanRequest } from "./messages.ts";
import { ProblemError } from "./problem.ts";
import { stemOf } from "./run.ts";

/** The longest alert, bytes: those of the detector have half a megabyte. */
export const longestAlert = 64 * 2 ** 20;

/** An alert as it came. */
export interface Alert {
  readonly bytes: Uint8Array;
  /** As its sender calls it. */
  readonly name: string;
}

/** One algorithm the desk runs for an alert. */
export interface RecipeStep {
  readonly reco: string;
  readonly nsides: Progression;
  /** Beyond these until the contour is resolved. */
  readonly refineToContour?: boolean;
  /** Added to the request's priority: what is to be seen first goes first. */
  readonly priority: number;
  /** Only for alerts of at least this energy, GeV. */
  readonly fromEnergy?: number;
}

/** What the desk's own flags say about every scan. */
export interface IntakeOptions {
  /** The desk's folder. */
  readonly data: string;
  readonly recipe: readonly RecipeStep[];
  /** Longest time one fit may take, s. */
  readonly recoTimeout: number;
  readonly seed: number;
  readonly gcdDir?: string;
  readonly photonTables?: string;
}

/** A scan to be done, with its plan. */
export interface Planned {
  readonly record: ScanRecord;
  readonly plan: ScanPlan;
}

/** SkyDriver's: milliseconds since 1970 and 80 random bits, so that names sort by time. */
export const newScanId = (now: number): string =>
  `${Math.trunc(now * 1000).toString(16)}x${randomBytes(10).toString("hex")}`;

export const scanFolder = (data: string, id: string): string => join(data, "scans", id);
export const alertFile = (data: string, alert: string): string => join(data, "alerts", alert);

/** The alert of a request. Throws ProblemError for none, several, or one that is kept elsewhere. */
export function alertOf(request: ScanRequest): Alert {
  const { event_i3live_json, i3_event_id, event_file } = request;
  if (i3_event_id)
    throw new ProblemError(
      400,
      "i3_event_id names an event in SkyDriver's own store: send the alert itself, as event_i3live_json.",
    );
  if ((event_i3live_json === undefined) === (event_file === undefined))
    throw new ProblemError(
      400,
      "The alert is missing, or there are two: expected one of event_i3live_json and event_file.",
    );
  if (event_file !== undefined) return { bytes: bytesOf(event_file.base64), name: event_file.name };
  const text =
    typeof event_i3live_json === "string" ? event_i3live_json : JSON.stringify(event_i3live_json);
  return { bytes: Buffer.from(text), name: "alert.json" };
}

/** Throws ProblemError for what is no base64. */
function bytesOf(base64: string): Uint8Array {
  try {
    return Uint8Array.fromBase64(base64);
  } catch {
    throw new ProblemError(400, "event_file.base64: expected base64");
  }
}

/** {"8": 0, "64": 12} as a progression. Throws InputError. */
export function progressionOf(nsides: Readonly<Record<string, number>>): Progression {
  const stages = Object.entries(nsides).map(([nside, extension]) => `${nside}:${extension}`);
  return parseProgression(stages);
}

/** Which scans a request asks for. */
export function stepsOf(request: ScanRequest, recipe: readonly RecipeStep[]): RecipeStep[] {
  const nsides = request.nsides && progressionOf(request.nsides);
  const steps: readonly RecipeStep[] =
    request.reco_algo === undefined
      ? recipe
      : [{ reco: request.reco_algo, nsides: nsides ?? recipe[0]!.nsides, priority: 0 }];
  return steps.map((step) => ({
    ...step,
    ...(nsides && { nsides }),
    refineToContour: request.refine_to_contour ?? step.refineToContour ?? false,
    priority: (request.priority ?? 0) + step.priority,
  }));
}

/**
 * Lays an alert down and plans its scans.
 * @param now s since 1970
 * Throws ProblemError with the reason where any of them cannot be done.
 */
export async function takeIn(
  alert: Alert,
  request: ScanRequest,
  options: IntakeOptions,
  now: number,
): Promise<Planned[]> {
  const { bytes, name } = alert;
  if (bytes.length > longestAlert) throw tooLarge(bytes.length);
  const key = createHash("sha256").update(bytes).digest("hex").slice(0, 32);
  const file = alertFile(options.data, key);
  try {
    const steps = stepsOf(request, options.recipe);
    await writeAtomically(file, bytes, 0o600);
    const planned: Planned[] = [];
    for (const step of steps) {
      const settings = settingsOf(step, request, options);
      const plan = await planScan(planOptions(file, settings, options));
      if (!isWanted(step, plan, planned.length === 0)) continue;
      // A millisecond apart, so that they keep the recipe's order.
      const created = now + planned.length / 1000;
      planned.push({ plan, record: recordOf(key, name, plan, settings, step, request, created) });
    }
    return planned;
  } catch (error) {
    throw asProblem(error, file, name, bytes);
  }
}

/** A step for high energies is left out where the alert names a lower one; one scan is always made. */
function isWanted({ fromEnergy = 0 }: RecipeStep, { event }: ScanPlan, isFirst: boolean): boolean {
  return (
    isFirst ||
    fromEnergy === 0 ||
    (recordedEnergy(event)?.value ?? Number.POSITIVE_INFINITY) >= fromEnergy
  );
}

/** A scan's plan, made anew of what is remembered. Throws InputError. */
export const planAgain = (record: ScanRecord, options: IntakeOptions): Promise<ScanPlan> =>
  planScan(planOptions(alertFile(options.data, record.alert), record.settings, options));

export const tooLarge = (bytes: number): ProblemError =>
  new ProblemError(413, `The file has ${sizeInWords(bytes)}; an alert has less than 64 MB.`);

const sizeInWords = (bytes: number): string =>
  bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.round(bytes / 1e6)} MB`;

const planOptions = (
  eventFile: string,
  settings: ScanSettings,
  { gcdDir, photonTables }: IntakeOptions,
): PlanOptions => ({
  eventFile,
  ...(settings.isRealEvent !== null && { isRealEvent: settings.isRealEvent }),
  reco: settings.reco,
  miniTest: false,
  progression: parseProgression(settings.nsides),
  threshold: settings.threshold,
  refineToContour: settings.refineToContour ?? false,
  seed: settings.seed,
  ...(gcdDir !== undefined && { gcdDir }),
  ...(photonTables !== undefined && { photonTables }),
});

const settingsOf = (
  { reco, nsides, refineToContour }: RecipeStep,
  request: ScanRequest,
  options: IntakeOptions,
): ScanSettings => ({
  reco,
  nsides: formatProgression(nsides),
  ...(refineToContour && { refineToContour }),
  threshold: request.predictive_scanning_threshold ?? 1,
  recoTimeout: request.max_pixel_reco_time ?? options.recoTimeout,
  seed: options.seed,
  isRealEvent: request.real_or_simulated_event?.startsWith("real") ?? null,
});

function recordOf(
  alert: string,
  name: string,
  plan: ScanPlan,
  settings: ScanSettings,
  { priority }: RecipeStep,
  request: ScanRequest,
  now: number,
): ScanRecord {
  const { event_i3live_json: _json, event_file: _file, ...kept } = request;
  return {
    ...{ id: newScanId(now), alert, event: labelOf(plan.event, name), priority },
    // The algorithm's own name, where it was given by another.
    settings: { ...settings, reco: plan.reco.name },
    ...{ state: "waiting", reason: null, created: now, started: null, ended: null, changed: now },
    ...{ isDeleted: false, rescanOf: null, replacedBy: null, served: 0 },
    classifiers: request.classifiers ?? {},
    request: kept,
    facts: {
      ...noFacts,
      detector: plan.detector.source,
      energy: plan.energy ?? null,
      variations: plan.reco.seeds.variations.length,
      stem: stemOf(plan),
    },
  };
}

/** First bytes of what is sent by mistake, and what it is. */
const strangers: readonly (readonly [start: string, what: string])[] = [
  ["\x89PNG", "a PNG picture"],
  ["\xff\xd8\xff", "a JPEG picture"],
  ["%PDF", "a PDF document"],
  ["PK\x03\x04", "a zip archive (a result file is one)"],
  ["SIMPLE  =", "a FITS file"],
  ["<!DOCTYPE", "a web page"],
  ["<html", "a web page"],
];

/** What keeps an alert from being scanned, without the places where the desk keeps its files. */
function asProblem(error: unknown, file: string, name: string, bytes: Uint8Array): unknown {
  if (!(error instanceof InputError)) return error;
  const start = Buffer.from(bytes.subarray(0, 16)).toString("latin1");
  const stranger = strangers.find(([begin]) => start.startsWith(begin))?.[1];
  const isNone = /neither JSON nor a pickle|empty file/.test(error.message);
  if (stranger !== undefined || isNone)
    return new ProblemError(
      400,
      `This is not an IceCube alert: expected JSON, pickle or I3 frames, found ${stranger ?? (bytes.length === 0 ? "an empty file" : "something else")}.`,
    );
  return new ProblemError(400, error.message.replaceAll(file, name));
}
