/** What an event's pseudo-experiments say about its contours: calibration.json, as `skyscan calibrate` writes it. */

import { readFile } from "node:fs/promises";
import * as v from "valibot";
import { InputError } from "../config/errors.ts";
import { provenanceOf } from "./provenance.ts";
import { eventOf, type SkyScanResult } from "./result.ts";

const finite = v.pipe(v.number(), v.finite());
const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** One level with its statistical error. */
const level = v.object({
  percent: v.pipe(finite, v.gtValue(0), v.ltValue(100)),
  /** 2·Δllh below which that share of the pseudo-experiments have their true direction. */
  level: v.pipe(finite, v.gtValue(0)),
  /** 68 % interval of the level; null where too few pseudo-experiments lie beyond it. */
  low: v.nullable(finite),
  high: v.nullable(finite),
  /** From the scaled χ² alone. */
  scaled: v.pipe(finite, v.gtValue(0)),
});

/** calibration.json, as far as levels depend on it. */
export const Calibration = v.looseObject({
  format: v.literal("skyscan calibration 1"),
  event: v.looseObject({ run_id: count, event_id: count }),
  reco_algo: v.string(),
  light: v.nullable(v.string()),
  /** Pseudo-experiments that count. */
  experiments: v.pipe(count, v.minValue(1)),
  levels: v.pipe(v.array(level), v.minLength(1)),
  /** Mean of 2·Δllh over its mean by Wilks' theorem, 2: above 1, uncalibrated contours under-cover. */
  scale: v.pipe(finite, v.gtValue(0)),
});

export type Calibration = v.InferOutput<typeof Calibration>;
export type CalibratedLevel = v.InferOutput<typeof level>;

/**
 * Reads calibration.json.
 * @throws InputError naming the file and the field that is wrong
 */
export async function readCalibration(path: string): Promise<Calibration> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`${path}: cannot be read (${error.code}); expected a calibration.json`);
  });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new InputError(`${path}: no JSON: ${(error as Error).message}`);
  }
  const parsed = v.safeParse(Calibration, json);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new InputError(
    `${path}: no calibration: ${v.getDotPath(issue) ?? "document"}: ${issue.message}`,
  );
}

/**
 * Levels of one event and algorithm are no other's.
 * @throws InputError where the result says it is another's
 */
export function requireSameEvent(
  calibration: Calibration,
  result: SkyScanResult,
  file: string,
): void {
  const { event, reco_algo } = calibration;
  const of = eventOf(result);
  if (of !== undefined && (of.runId !== event.run_id || of.eventId !== event.event_id))
    throw new InputError(
      `${file}: calibrates run ${event.run_id} event ${event.event_id}, the map is of run ${of.runId} event ${of.eventId}`,
    );
  const made = provenanceOf(result).recoAlgo;
  if (made !== undefined && made !== reco_algo)
    throw new InputError(`${file}: calibrates ${reco_algo}, the map was made with ${made}`);
}
