/** Flags that say what an operator knows of an alert and a map does not. */

import { stat } from "node:fs/promises";
import { type Command, Option } from "commander";
import { InputError } from "../config/errors.ts";
import { loadEvent } from "../event/load.ts";
import { degree } from "../geometry/constants.ts";
import { type AlertFacts, type Stream, streams } from "../publish/facts.ts";
import type { PublishOptions } from "../publish/formats.ts";
import { secondsPerYear } from "../publish/notice.ts";
import { readResult } from "../result/files.ts";
import type { Levels } from "../result/levels.ts";
import { isSouthFirst } from "../result/orientation.ts";
import { eventOf, type SkyScanResult } from "../result/result.ts";
import type { Direction } from "../sky/healpix.ts";
import { integerFrom, numberFrom } from "./flags.ts";
import { addLevelsFlags, type LevelsFlags, levelsFor } from "./levels_flags.ts";
import { addPoleFlags, type PoleFlags, poleOf } from "./pole_flags.ts";

export interface FactsFlags {
  readonly name?: string;
  readonly stream?: Stream;
  readonly energy?: number;
  readonly signalness?: number;
  readonly far?: number;
  readonly farPerYear?: number;
  readonly url?: string;
  readonly event?: string;
}

export type MapFlags = FactsFlags &
  PoleFlags &
  LevelsFlags & { readonly smooth?: number; readonly nside?: number };

/** Those about the alert, the levels and the pixels' pole. */
export const addFactsFlags = (command: Command, farUnit = "a year"): Command =>
  addLevelsFlags(addPoleFlags(command))
    .option(
      "--event <alert>",
      "the alert of a map that does not name its event (published .npz files)",
    )
    .option("--name <name>", "the alert's name, IceCube-YYMMDDA (default: run and event)")
    .addOption(new Option("--stream <stream>", "the alert's stream").choices(streams))
    .option("--energy <TeV>", "most probable neutrino energy, TeV", numberFrom(0))
    .option("--signalness <p>", "probability to be astrophysical, 0 to 1", numberFrom(0, "", 1))
    .addOption(
      new Option("--far <rate>", `false alarm rate, ${farUnit}`)
        .argParser(numberFrom(0))
        .conflicts("farPerYear"),
    )
    .option("--far-per-year <n>", "the same, a year", numberFrom(0));

/** --smooth and --nside, for maps of probability. */
export const addWideningFlags = (command: Command): Command =>
  command
    .option(
      "--smooth <deg>",
      "widen the probability by a Gaussian of that σ",
      numberFrom(0, "degrees", 10),
    )
    .option("--nside <n>", "of a flat map (default: the finest, at most 1024)", integerFrom(1));

/** A result file with all that is needed to publish it. */
export async function mapOf(
  file: string,
  flags: MapFlags,
  farUnit: "Hz" | "a year" = "a year",
): Promise<{ result: SkyScanResult; levels: Levels; options: PublishOptions }> {
  const result = await ofEvent(await readResult(file, poleOf(flags)), file, flags.event);
  const levels = await levelsFor(file, result, flags);
  return {
    ...{ result, levels },
    options: {
      levels,
      facts: { ...factsOf(flags, farUnit), made: await madeAt(file) },
      ...(flags.calibration !== undefined && { isTempered: true }),
      ...(flags.smooth !== undefined && { smooth: flags.smooth * degree }),
      ...(flags.nside !== undefined && { nside: flags.nside }),
    },
  };
}

/** The result with the event of an alert, where it names none. */
async function ofEvent(
  result: SkyScanResult,
  file: string,
  alert: string | undefined,
): Promise<SkyScanResult> {
  if (alert === undefined) return result;
  const { metadata: event } = await loadEvent(alert, {});
  const known = eventOf(result);
  if (known && (known.runId !== event.runId || known.eventId !== event.eventId))
    throw new InputError(
      `--event ${alert}: run ${event.runId} event ${event.eventId}, but ${file} is of run ${known.runId} event ${known.eventId}`,
    );
  // Whether its pixels count from the south is told by what its own metadata lack.
  const from = isSouthFirst(result) ? "south" : "north";
  return { ...result, from, metadata: { ...result.metadata, ...event } };
}

export function factsOf(flags: FactsFlags, farUnit: "Hz" | "a year"): AlertFacts {
  const { name, stream, energy, signalness, url } = flags;
  const far =
    flags.far === undefined ? undefined : flags.far * (farUnit === "Hz" ? secondsPerYear : 1);
  const farPerYear = flags.farPerYear ?? far;
  return {
    ...(name !== undefined && { name }),
    ...(stream !== undefined && { stream }),
    ...(energy !== undefined && { energy }),
    ...(signalness !== undefined && { signalness }),
    ...(farPerYear !== undefined && { farPerYear }),
    ...(url !== undefined && { url }),
  };
}

/** When a map was made: the date of its file, so that the same file is published as the same bytes. */
async function madeAt(file: string): Promise<Date> {
  // What reproducible-builds.org asks of all that writes dates.
  const given = Number(process.env.SOURCE_DATE_EPOCH || Number.NaN);
  if (Number.isFinite(given)) return new Date(given * 1000);
  return new Date((await stat(file)).mtimeMs);
}

/** A direction given in degrees. Throws InputError beyond the sphere. */
export function directionOf(ra: string, dec: string): Direction {
  const within = (text: string, name: string, least: number, most: number): number => {
    const value = Number(text);
    if (text.trim() !== "" && value >= least && value <= most) return value * degree;
    throw new InputError(
      `${name} of "${text.slice(0, 40)}": expected degrees from ${least} to ${most}`,
    );
  };
  return { ra: within(ra, "RA", 0, 360), dec: within(dec, "Dec", -90, 90) };
}
