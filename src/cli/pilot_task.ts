import { dirname, join } from "node:path";
import type { Command } from "commander";
import { consola } from "consola";
import type { OnePixelOptions } from "../client/one_pixel.ts";
import { ExitCode, InputError, LastWords, SkyscanError } from "../config/errors.ts";
import { publicSource } from "../ewms/staging.ts";
import { flag } from "./flags.ts";

/** A client's flags inside of an EWMS pilot: a task in files, where nobody but the pilot knows the queue. */
export interface PilotTaskFlags {
  infile?: string;
  outfile?: string;
  clientStartupJson?: string;
  dataSource: string;
  batch?: boolean;
  broker?: string;
  gcdDir?: string;
  photonTables?: string;
}

/** Where the experiment's large files are fetched from that are not on this machine. */
export const dataSourceFlag = () =>
  flag(
    "--data-source <url>",
    "where baseline GCD files and photon tables are fetched from for EWMS, if they are not here; none: nowhere",
    publicSource,
  );

/** The address that flag says; undefined: nowhere. */
export const dataSourceOf = ({ dataSource }: { dataSource: string }): string | undefined =>
  dataSource === "none" ? undefined : dataSource;

export const addPilotTaskFlags = (command: Command): Command =>
  command
    .addOption(
      flag(
        "--infile <file>",
        "do the one fit this file of the original's server asks for (default: $EWMS_TASK_INFILE)",
      ),
    )
    .addOption(
      flag(
        "--outfile <file>",
        "where its answer goes; must not be there (default: $EWMS_TASK_OUTFILE)",
      ),
    )
    .addOption(
      flag(
        "--client-startup-json <file>",
        "the server's startup.json, for --infile (default: startup.json in $EWMS_TASK_DATA_HUB_DIR)",
      ),
    )
    .addOption(dataSourceFlag())
    .addOption(
      flag("--batch", "with --broker as a pilot's task: ignore --infile, sum up in --outfile"),
    );

/**
 * The one fit asked for; undefined: the client is one of a broker's.
 * Throws InputError for half of what is needed.
 */
export function onePixelOf(
  flags: PilotTaskFlags,
  env: Readonly<Record<string, string | undefined>>,
): OnePixelOptions | undefined {
  const hub = env.EWMS_TASK_DATA_HUB_DIR || undefined;
  const isAsked = [flags.infile, flags.outfile, flags.clientStartupJson].some(
    (file) => file !== undefined,
  );
  if (flags.batch || (!isAsked && (flags.broker !== undefined || !env.EWMS_TASK_INFILE)))
    return undefined;
  const infile = flags.infile ?? (env.EWMS_TASK_INFILE || undefined);
  const outfile = outfileOf(flags, env);
  const startup = flags.clientStartupJson ?? (hub && join(hub, "startup.json"));
  if (infile === undefined || outfile === undefined || startup === undefined)
    throw new InputError("--infile, --outfile and --client-startup-json go together: one fit");
  const dataSource = dataSourceOf(flags);
  return {
    ...{ infile, outfile, startup },
    // The pilot's start-up file lies in its data hub: what is beside it is shared by its tasks.
    dataHub: hub ?? dirname(startup),
    // Gigabytes are fetched into a pilot's own disk only.
    ...(hub !== undefined && dataSource !== undefined && { dataSource }),
    ...(flags.gcdDir !== undefined && { gcdDir: flags.gcdDir }),
    ...(flags.photonTables !== undefined && { photonTables: flags.photonTables }),
  };
}

/** Where a pilot looks for its task's answer. */
export const outfileOf = (
  { outfile }: PilotTaskFlags,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined => outfile ?? (env.EWMS_TASK_OUTFILE || undefined);

/** The pilot shows the last line of stderr: what ends the task is said there, and by name. */
export async function withLastWords(task: Promise<void>): Promise<void> {
  try {
    await task;
  } catch (error) {
    const { name, message } = error as Error;
    const isKnown = error instanceof SkyscanError;
    if (!isKnown) consola.error(error);
    throw new LastWords(
      `${name}: ${message.split("\n")[0]}`,
      isKnown ? error.exitCode : ExitCode.internal,
      { cause: error },
    );
  }
}
