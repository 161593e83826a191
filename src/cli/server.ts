import { Command } from "commander";
import { setLogLevels } from "../config/log.ts";
import { catchSignals } from "../config/signals.ts";
import { planScan } from "../server/plan.ts";
import { runServer } from "../server/server.ts";
import { requireWritable } from "../server/startup.ts";
import { addBrokerFlags, type BrokerFlags, brokerOf } from "./broker_flags.ts";
import { flag } from "./flags.ts";
import { addScanFlags, planOptions, recoList, type ScanFlags, serverTimes } from "./scan_flags.ts";

interface Flags extends ScanFlags, BrokerFlags {
  eventFile: string;
  startupJsonDir: string;
  cacheDir: string;
}

/** Runs a scan for clients that come over a broker. */
export function serverCommand(): Command {
  const command = addBrokerFlags(
    new Command("server")
      .description("Run a scan: hand its fits to clients through a broker, collect the map.")
      .addOption(flag("--reco-algo <name>", `algorithm: ${recoList}`).makeOptionMandatory())
      .addOption(
        flag("-e, --event-file <file>", "the alert (.json, .pkl or .i3)").makeOptionMandatory(),
      )
      .addOption(
        flag(
          "-c, --cache-dir <dir>",
          "the scan's memory: a server started again goes on",
        ).makeOptionMandatory(),
      )
      .addOption(flag("-o, --output-dir <dir>", "result files go here").makeOptionMandatory())
      .addOption(
        flag(
          "--startup-json-dir <dir>",
          "startup.json and the other files clients need go here",
        ).makeOptionMandatory(),
      ),
  );
  return addScanFlags(command)
    .addHelpText(
      "after",
      `
Every flag can be given as SKYSCAN_<FLAG_IN_CAPITALS>; the flag wins.
Example:
  skyscan server --reco-algo splinempe -e alert.json -c cache -o out --startup-json-dir startup -b broker.example.org`,
    )
    .action(async (flags: Flags) => {
      setLogLevels(flags.log, flags.logThirdParty);
      const broker = brokerOf(flags);
      const plan = await planScan(planOptions(flags.eventFile, flags));
      requireWritable(flags.outputDir, "--output-dir");
      requireWritable(flags.startupJsonDir, "--startup-json-dir");
      await runServer(plan, {
        broker,
        outputDir: flags.outputDir,
        cacheDir: flags.cacheDir,
        startupDir: flags.startupJsonDir,
        ...serverTimes(flags),
        stop: catchSignals().stop,
      });
    });
}
