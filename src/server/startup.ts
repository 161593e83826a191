import { accessSync, constants, mkdirSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { consola } from "consola";
import { InputError } from "../config/errors.ts";
import { BUILTIN_BASELINE } from "../detector/builtin.ts";
import { baselineOf } from "../detector/gcd.ts";
import type { Event } from "../event/event.ts";
import { encodeAlert, encodeFrameEntry } from "../i3/envelope.ts";
import type { Frame } from "../i3/frame.ts";
import { isAnythingChosen, type LightChoice } from "../light/choice.ts";
import type { StartupData } from "../mq/messages.ts";
import { secret, writeAtomically } from "../result/files.ts";
import type { ScanPlan } from "./plan.ts";

/** What clients need of a scan; the frames in the alerts' own JSON format. */
export function startupData(
  event: Event,
  basename: string,
  baselineGcd: string | undefined,
  choice: LightChoice = {},
): StartupData {
  const { formatVersion, message, frames } = event;
  return {
    mq_basename: basename,
    baseline_GCD_file: baselineGcd ?? "",
    GCDQp_packet: JSON.parse(encodeAlert(frames, { formatVersion, message })),
    ...(isAnythingChosen(choice) && { choice }),
  };
}

/**
 * The same as the original's clients read it: frames alone, the physics frame under the stream that keeps IceTray from
 * working on it, and the baseline by name even where we did without.
 */
export function originalStartupData(
  { event, baselineGcd, choice }: Pick<ScanPlan, "event" | "baselineGcd" | "choice">,
  basename: string,
): StartupData {
  const resting = (frame: Frame): Frame =>
    frame.stream === "P" ? { ...frame, stream: "p" } : frame;
  return {
    mq_basename: basename,
    baseline_GCD_file: baselineGcd ?? baselineOf(event) ?? "",
    GCDQp_packet: { frames: event.frames.map((frame) => encodeFrameEntry(resting(frame))) },
    ...(isAnythingChosen(choice) && { choice }),
  };
}

/** Where the server leaves what clients are started with. */
export interface StartupPlaces {
  /** A folder for startup.json and its parts as files of their own. */
  readonly directory?: string;
  /** A file like startup.json, under a name of the user's. */
  readonly file?: string;
}

/** The files that say, by being there, that clients may come. */
const markers = ({ directory, file }: StartupPlaces): string[] => [
  ...(directory === undefined ? [] : [join(directory, "startup.json")]),
  ...(file === undefined ? [] : [file]),
];

/**
 * Writes the files clients are started with. startup.json holds all of it and comes last, whole: whoever
 * waits for it finds the others complete.
 * Throws InputError where they cannot be written.
 */
export async function writeStartupFiles(places: StartupPlaces, data: StartupData): Promise<void> {
  const { mq_basename, baseline_GCD_file, GCDQp_packet } = data;
  const { directory } = places;
  if (directory !== undefined) {
    await writeAtomically(join(directory, "mq-basename.txt"), mq_basename, secret);
    await writeAtomically(
      join(directory, "baseline_GCD_file.txt"),
      baseline_GCD_file || BUILTIN_BASELINE,
    );
    await writeAtomically(
      join(directory, "GCDQp_packet.json"),
      JSON.stringify(GCDQp_packet),
      secret,
    );
  }
  for (const marker of markers(places)) await writeAtomically(marker, JSON.stringify(data), secret);
}

/**
 * Takes away another scan's markers: whoever waits for ours must not find them. Ours from before a restart stay,
 * since batch systems hold clients whose input is missing.
 */
export async function forgetOtherScans(places: StartupPlaces, basename: string): Promise<void> {
  for (const marker of markers(places)) {
    const found = await readFile(marker, "utf8").catch(() => undefined);
    if (found === undefined || basenameIn(found) === basename) continue;
    consola.info(`${marker}: of another scan, replaced`);
    await rm(marker, { force: true });
  }
}

function basenameIn(startup: string): unknown {
  try {
    return JSON.parse(startup)?.mq_basename;
  } catch {
    return undefined;
  }
}

/** Makes a directory that will be written to. Throws InputError, naming the flag, where that is impossible. */
export function requireWritable(directory: string, flag: string): void {
  try {
    mkdirSync(directory, { recursive: true });
    accessSync(directory, constants.W_OK);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    throw new InputError(`${flag} ${directory}: not a directory that can be written (${code})`, {
      cause,
    });
  }
}
