import { dirname, join } from "node:path";
import { Command } from "commander";
import { InputError } from "../config/errors.ts";
import { setLogLevels } from "../config/log.ts";
import { catchSignals, unlessStopped } from "../config/signals.ts";
import { eventName } from "../event/event.ts";
import { readQueuePair } from "../ewms/queue_profile.ts";
import { planScan } from "../server/plan.ts";
import { runServer, withPicturesAndPublished } from "../server/server.ts";
import { requireWritable, type StartupPlaces } from "../server/startup.ts";
import { addBrokerFlags, type BrokerFlags, brokerOf } from "./broker_flags.ts";
import { flag } from "./flags.ts";
import { printOutcome } from "./outcome.ts";
import {
  addScanFlags,
  planOptions,
  publishChoice,
  recoList,
  type ScanFlags,
  serverTimes,
} from "./scan_flags.ts";
import { addPageFlags, type ScanPageFlags, withPage } from "./scan_page.ts";
import {
  addSkyDriverFlags,
  baselineForEwms,
  endedBySkyDriver,
  fetchedEvent,
  type SkyDriverFlags,
  skydriverOf,
} from "./skydriver_flags.ts";

interface Flags
  extends Omit<ScanFlags, "outputDir">,
    Partial<BrokerFlags>,
    SkyDriverFlags,
    ScanPageFlags {
  eventFile?: string;
  outputDir?: string;
  startupJsonDir?: string;
  clientStartupJson?: string;
  cacheDir: string;
}

/** Runs a scan for clients that come over a broker. */
export function serverCommand(): Command {
  const command = addBrokerFlags(
    new Command("server")
      .description("Run a scan: hand its fits to clients through a broker, collect the map.")
      .addOption(flag("--reco-algo <name>", `algorithm: ${recoList}`).makeOptionMandatory())
      .addOption(
        flag(
          "-e, --event-file <file>",
          "the alert (.json, .pkl or .i3, packed or not); -: standard input (default: SkyDriver's)",
        ),
      )
      .addOption(
        flag(
          "-c, --cache-dir <dir>",
          "the scan's memory: a server started again goes on",
        ).makeOptionMandatory(),
      )
      .addOption(
        flag(
          "-o, --output-dir <dir>",
          "result files go here (default, for SkyDriver: the scan's folder in --cache-dir)",
        ),
      )
      .addOption(
        flag("--startup-json-dir <dir>", "startup.json and the other files clients need go here"),
      )
      .addOption(
        flag("--client-startup-json <file>", "startup.json goes here, under this name, alone"),
      ),
    true,
  );
  return addSkyDriverFlags(addPageFlags(addScanFlags(command)))
    .addHelpText(
      "after",
      `
One of --startup-json-dir and --client-startup-json is needed. The last line of stdout: best-fit RA and Dec (J2000),
the same in the detector, llh, number of fits, wall time.
Under SkyDriver its variables are enough beside its arguments (skyscan help ewms).
Every flag can be given as SKYSCAN_<FLAG_IN_CAPITALS>; the flag wins.
Example:
  skyscan server --reco-algo splinempe -e alert.json -c cache -o out --startup-json-dir startup -b broker.example.org`,
    )
    .action(runFor);
}

/** The original's patience with results, s: pools take their time. */
const ewmsPatience = 7200;

async function runFor(flags: Flags, command: Command): Promise<void> {
  const started = performance.now();
  setLogLevels(flags.log, flags.logThirdParty);
  const startup = startupPlaces(flags);
  const { stop: signalled } = catchSignals();
  const leave = new AbortController();
  const skydriver = skydriverOf(flags, AbortSignal.any([signalled, leave.signal]));
  if (flags.eventFile === undefined && skydriver === undefined)
    throw new InputError("--event-file is needed, or --skydriver-address");
  if (flags.outputDir === undefined && skydriver === undefined)
    throw new InputError("--output-dir is needed, or --skydriver-address");
  const broker = flags.ewmsJson ? await readQueuePair(flags.ewmsJson) : brokerOf(flags, command);
  requireWritable(flags.cacheDir, "--cache-dir");
  const stop = skydriver
    ? endedBySkyDriver(skydriver, flags.killSwitchCheckInterval, signalled)
    : signalled;
  // What waits for SkyDriver waits no longer than the scan.
  stop.addEventListener("abort", () => leave.abort());
  const prepare = async () => {
    const eventFile = flags.eventFile ?? (await fetchedEvent(skydriver!, flags.cacheDir));
    const gcdDir =
      flags.gcdDir ??
      (flags.ewmsJson ? await baselineForEwms(eventFile, flags.cacheDir, flags) : undefined);
    return await planScan(await planOptions(eventFile, { ...flags, ...(gcdDir && { gcdDir }) }));
  };
  const plan = await unlessStopped(prepare(), stop);
  const outputDir = flags.outputDir ?? join(flags.cacheDir, eventName(plan.event.metadata));
  requireWritable(outputDir, "--output-dir");
  if (startup.directory !== undefined) requireWritable(startup.directory, "--startup-json-dir");
  if (startup.file !== undefined) requireWritable(dirname(startup.file), "--client-startup-json");
  const isPatienceOurs = command.getOptionValueSource("timeoutFromClients") === "default";
  const options = {
    ...{ broker, outputDir, cacheDir: flags.cacheDir, startup, stop },
    ...(skydriver && { skydriver }),
    ...serverTimes(flags),
    ...(flags.ewmsJson && isPatienceOurs && { timeoutFromClients: ewmsPatience }),
  };
  const shown = { plan, file: flags.eventFile ?? "", outputDir };
  const scanned = await withPage(flags, shown, (observed) =>
    runServer(plan, { ...options, ...observed }),
  );
  const choice = publishChoice(flags);
  const all = await withPicturesAndPublished(plan, outputDir, scanned, choice);
  printOutcome(plan, all, started);
}

/** Where start-up files go. Throws InputError when nowhere. */
function startupPlaces({ startupJsonDir, clientStartupJson }: Flags): StartupPlaces {
  if (startupJsonDir === undefined && clientStartupJson === undefined)
    throw new InputError(
      "--startup-json-dir or --client-startup-json is needed: where clients look",
    );
  return {
    ...(startupJsonDir !== undefined && { directory: startupJsonDir }),
    ...(clientStartupJson !== undefined && { file: clientStartupJson }),
  };
}
