import { accessSync, constants, mkdirSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../config/errors.ts";
import type { Event } from "../event/event.ts";
import { encodeAlert } from "../i3/envelope.ts";
import type { StartupData } from "../mq/messages.ts";
import { writeAtomically } from "../result/files.ts";

/** What clients need of a scan; the frames in the alerts' own JSON format. */
export function startupData(
  event: Event,
  basename: string,
  baselineGcd: string | undefined,
): StartupData {
  const { formatVersion, message, frames } = event;
  return {
    mq_basename: basename,
    baseline_GCD_file: baselineGcd ?? "",
    GCDQp_packet: JSON.parse(encodeAlert(frames, { formatVersion, message })),
  };
}

/**
 * Writes the files clients are started with. startup.json holds all of it and comes last, whole: whoever
 * waits for it finds the others complete.
 * Throws InputError where they cannot be written.
 */
export async function writeStartupFiles(directory: string, data: StartupData): Promise<void> {
  const { mq_basename, baseline_GCD_file, GCDQp_packet } = data;
  await writeAtomically(join(directory, "mq-basename.txt"), mq_basename);
  await writeAtomically(join(directory, "baseline_GCD_file.txt"), baseline_GCD_file);
  await writeAtomically(join(directory, "GCDQp_packet.json"), JSON.stringify(GCDQp_packet));
  await writeAtomically(join(directory, "startup.json"), JSON.stringify(data));
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
