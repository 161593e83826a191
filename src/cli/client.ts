import { existsSync } from "node:fs";
import { isAbsolute } from "node:path";
import { Command } from "commander";
import { consola } from "consola";
import { type ClientOptions, type ClientOutcome, runClient } from "../client/client.ts";
import { readBaseline, readPacket, readStartup } from "../client/startup_files.ts";
import type { Startup } from "../client/work.ts";
import { InputError, TimedOut } from "../config/errors.ts";
import { setLogLevels } from "../config/log.ts";
import { selfCommand } from "../config/self.ts";
import { catchSignals, unlessStopped } from "../config/signals.ts";
import { writeAtomically } from "../result/files.ts";
import { addBrokerFlags, type BrokerFlags, brokerOf } from "./broker_flags.ts";
import { flag, integerFrom, mostWorkers, seconds } from "./flags.ts";
import {
  addPilotTaskFlags,
  onePixelOf,
  outfileOf,
  type PilotTaskFlags,
  withLastWords,
} from "./pilot_task.ts";
import { fitProcessName } from "./process_names.ts";

interface Flags extends Partial<BrokerFlags>, PilotTaskFlags {
  broker?: string;
  mqBasename?: string;
  desk?: string;
  baselineGcdFile?: string | true;
  gcdqpPacketJson?: string;
  startupJson?: string;
  gcdDir?: string;
  photonTables?: string;
  workers: number;
  recoTimeout?: number;
  timeoutToClients?: number;
  timeoutFromClients?: number;
  idleOk?: boolean;
  debugDirectory?: string;
  log: string;
  logThirdParty: string;
}

/** Does a scan's fits. */
export function clientCommand(): Command {
  return addPilotTaskFlags(addFlags(new Command("client")))
    .description("Do fits for a scan's server, until the scan is over or there is no more work.")
    .addHelpText(
      "after",
      `
With --broker and --mq-basename alone the event comes over the broker.
With --infile, --outfile and --client-startup-json instead of --broker: one fit, its answer in a file (skyscan help ewms).
Every flag can be given as SKYSCAN_<FLAG_IN_CAPITALS>; the flag wins.
SIGTERM: finish the fits at hand, hand back the rest; a second one: at once.
Exit code 0 when it ever worked, 4 when no work came, 6 when this machine is at fault and another may do.
Example:
  skyscan client --broker broker.example.org --startup-json startup/startup.json --workers 4`,
    )
    .action(async (flags: Flags, command: Command) => {
      setLogLevels(flags.log, flags.logThirdParty);
      const work = async () => {
        const onePixel = onePixelOf(flags, process.env);
        if (onePixel === undefined) return await workForBroker(flags, command);
        const { fitOnePixel } = await import("../client/one_pixel.ts");
        await fitOnePixel(onePixel);
      };
      const isPilotTask =
        flags.broker === undefined || flags.infile !== undefined || flags.batch === true;
      await (isPilotTask ? withLastWords(work()) : work());
    });
}

/** The flags of a broker's client. */
function addFlags(command: Command): Command {
  return addBrokerFlags(
    command
      .addOption(flag("--mq-basename <name>", "the scan's name on the broker"))
      .addOption(
        flag("--desk <name>", "a desk's name there (skyscan serve): work for all of its scans"),
      )
      .addOption(
        flag(
          "--baseline-gcd-file [baseline]",
          'what the server\'s baseline_GCD_file.txt holds (a path, or "built-in"), or that file',
        ),
      )
      .addOption(flag("--gcdqp-packet-json <file>", "the server's GCDQp_packet.json"))
      .addOption(
        flag("--startup-json <file>", "the server's startup.json, instead of those three"),
      ),
    true,
  )
    .addOption(flag("-g, --gcd-dir <dir>", "baseline GCD files"))
    .addOption(flag("--photon-tables <dir>", "photospline tables of the light"))
    .addOption(
      flag("--workers <n>", "fits at a time, one process each", 1).argParser(
        integerFrom(1, mostWorkers),
      ),
    )
    .addOption(
      flag(
        "--reco-timeout <s>",
        "longest time one fit may take, s (default: the server's)",
      ).argParser(seconds),
    )
    .addOption(
      flag(
        "--timeout-to-clients <s>",
        "how long to wait for work, s (default: the server's, 60)",
      ).argParser(seconds),
    )
    .addOption(
      flag(
        "--timeout-from-clients <s>",
        "accepted for the sake of old command lines; the server's matters",
      ).argParser(seconds),
    )
    .addOption(
      flag(
        "--idle-ok",
        "no work in time is no failure: exit code 0 instead of 4 (DAGMan, Kubernetes)",
      ),
    )
    .addOption(flag("--debug-directory <dir>", "keep every message in and out as a file"))
    .addOption(flag("-l, --log <level>", "level of the log", "INFO"))
    .addOption(flag("--log-third-party <level>", "level of the libraries' log", "WARNING"));
}

/** Does fits for the scan of a broker, until there is no more to do. */
async function workForBroker(flags: Flags, command: Command): Promise<void> {
  const broker = brokerOf(flags, command);
  const summary = flags.batch ? outfileOf(flags, process.env) : undefined;
  if (summary !== undefined && existsSync(summary))
    throw new InputError(`${summary}: is there already`);
  // A machine that cannot load the core says so before it takes anybody's work.
  await import("../native/core.ts");
  const { stop, now } = catchSignals(() => {});
  const common = {
    ...{ broker, workers: flags.workers, drain: stop, now },
    fitCommand: [...selfCommand(), fitProcessName],
    ...(flags.photonTables !== undefined && { photonTables: flags.photonTables }),
    ...(flags.recoTimeout !== undefined && { recoTimeout: flags.recoTimeout }),
    ...(flags.debugDirectory !== undefined && { debugDirectory: flags.debugDirectory }),
  };
  const work =
    flags.desk === undefined ? workForScan(flags, common) : workForDesk(flags.desk, flags, common);
  // A pilot's task that found no work has done its duty: handed back, it would go to the next pilot, and the next.
  const isIdleOk = flags.idleOk || flags.batch;
  const outcome = await work.catch((error) => {
    if (isIdleOk && error instanceof TimedOut) return { ...nothing, why: error.message };
    throw error;
  });
  const { fits, failures, why } = outcome;
  if (summary !== undefined) await writeAtomically(summary, JSON.stringify({ batch: outcome }));
  consola.info(`${fits} fits done, ${failures} attempts failed: ${why}`);
}

type Common = Pick<ClientOptions, "broker" | "workers" | "fitCommand"> &
  Partial<Omit<ClientOptions, "basename">> & { readonly drain: AbortSignal };

/** Does one scan's fits. */
async function workForScan(flags: Flags, common: Common): Promise<ClientOutcome> {
  const given = await unlessStopped(startupOf(flags), common.drain);
  const gcdDir = flags.gcdDir ?? baselineHere(given.startup);
  return await runClient({
    ...{ ...given, ...common },
    ...(gcdDir !== undefined && { gcdDir }),
    ...(flags.timeoutToClients !== undefined && { timeoutToClients: flags.timeoutToClients }),
  });
}

/** A desk may have nothing to do for days; who waits longer than this for one was forgotten, s. */
const deskPatience = 3600;

/** Does the fits of whichever scan a desk names. */
async function workForDesk(desk: string, flags: Flags, common: Common): Promise<ClientOutcome> {
  if ((flags.mqBasename ?? flags.startupJson ?? flags.gcdqpPacketJson) !== undefined)
    throw new InputError("--desk names no single scan: not with --mq-basename or start-up files");
  const { runDeskClient } = await import("../client/desk_client.ts");
  return await runDeskClient({
    ...{ desk, ...common, patience: flags.timeoutToClients ?? deskPatience },
    ...(flags.gcdDir !== undefined && { gcdDir: flags.gcdDir }),
  });
}

/** What a client has done for whom no work came. */
const nothing: Omit<ClientOutcome, "why"> = { fits: 0, failures: 0 };

async function startupOf(flags: Flags) {
  const { mqBasename, baselineGcdFile, gcdqpPacketJson, startupJson } = flags;
  if (startupJson !== undefined && gcdqpPacketJson !== undefined)
    throw new InputError("--startup-json and --gcdqp-packet-json exclude each other");
  if (startupJson !== undefined) {
    const startup = await readStartup(startupJson);
    return { basename: mqBasename ?? startup.mq_basename, startup };
  }
  if (mqBasename === undefined)
    throw new InputError("--mq-basename or --startup-json is needed to find the scan");
  if (gcdqpPacketJson === undefined) return { basename: mqBasename };
  const given = typeof baselineGcdFile === "string" ? baselineGcdFile : "";
  const startup = {
    baseline_GCD_file: await readBaseline(given),
    GCDQp_packet: await readPacket(gcdqpPacketJson),
  };
  return { basename: mqBasename, startup };
}

/** The server's baseline GCD, where it lies under the same path here. Not for one a message names: files are ours to name. */
function baselineHere(startup: Startup | undefined): string | undefined {
  const path = startup?.baseline_GCD_file;
  return path && isAbsolute(path) && existsSync(path) ? path : undefined;
}
