import { dirname } from "node:path";
import { Command } from "commander";
import { InputError } from "../config/errors.ts";
import { setLogLevels } from "../config/log.ts";
import { catchSignals, unlessStopped } from "../config/signals.ts";
import { planScan } from "../server/plan.ts";
import { runServer, withPictures } from "../server/server.ts";
import { requireWritable, type StartupPlaces } from "../server/startup.ts";
import { addBrokerFlags, type BrokerFlags, brokerOf } from "./broker_flags.ts";
import { flag } from "./flags.ts";
import { printOutcome } from "./outcome.ts";
import { addScanFlags, planOptions, recoList, type ScanFlags, serverTimes } from "./scan_flags.ts";

interface Flags extends ScanFlags, BrokerFlags {
  eventFile: string;
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
          "the alert (.json, .pkl or .i3, packed or not); -: standard input",
        ).makeOptionMandatory(),
      )
      .addOption(
        flag(
          "-c, --cache-dir <dir>",
          "the scan's memory: a server started again goes on",
        ).makeOptionMandatory(),
      )
      .addOption(flag("-o, --output-dir <dir>", "result files go here").makeOptionMandatory())
      .addOption(
        flag("--startup-json-dir <dir>", "startup.json and the other files clients need go here"),
      )
      .addOption(
        flag("--client-startup-json <file>", "startup.json goes here, under this name, alone"),
      ),
  );
  return addScanFlags(command)
    .addHelpText(
      "after",
      `
One of --startup-json-dir and --client-startup-json is needed. The last line of stdout: best-fit RA and Dec (J2000),
the same in the detector, llh, number of fits, wall time.
Every flag can be given as SKYSCAN_<FLAG_IN_CAPITALS>; the flag wins.
Example:
  skyscan server --reco-algo splinempe -e alert.json -c cache -o out --startup-json-dir startup -b broker.example.org`,
    )
    .action(async (flags: Flags, command: Command) => {
      const started = performance.now();
      setLogLevels(flags.log, flags.logThirdParty);
      const broker = brokerOf(flags, command);
      const startup = startupPlaces(flags);
      const { stop } = catchSignals();
      const plan = await unlessStopped(planScan(planOptions(flags.eventFile, flags)), stop);
      requireWritable(flags.outputDir, "--output-dir");
      if (startup.directory !== undefined) requireWritable(startup.directory, "--startup-json-dir");
      if (startup.file !== undefined)
        requireWritable(dirname(startup.file), "--client-startup-json");
      const scanned = await runServer(plan, {
        broker,
        outputDir: flags.outputDir,
        cacheDir: flags.cacheDir,
        startup,
        ...serverTimes(flags),
        stop,
      });
      printOutcome(plan, await withPictures(plan, flags.outputDir, scanned), started);
    });
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
