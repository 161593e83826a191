import { Command } from "commander";
import { consola } from "consola";
import { runClient } from "../client/client.ts";
import { readStartup, readStartupParts } from "../client/startup_files.ts";
import { InputError } from "../config/errors.ts";
import { setLogLevels } from "../config/log.ts";
import { selfCommand } from "../config/self.ts";
import { catchSignals } from "../config/signals.ts";
import { addBrokerFlags, type BrokerFlags, brokerOf } from "./broker_flags.ts";
import { fitProcessName } from "./fit_process.ts";
import { flag, integerFrom, numberFrom } from "./flags.ts";

interface Flags extends BrokerFlags {
  mqBasename?: string;
  baselineGcdFile?: string;
  gcdqpPacketJson?: string;
  startupJson?: string;
  gcdDir?: string;
  photonTables?: string;
  workers: number;
  recoTimeout?: number;
  timeoutToClients?: number;
  timeoutFromClients?: number;
  debugDirectory?: string;
  log: string;
  logThirdParty: string;
}

/** Does a scan's fits. */
export function clientCommand(): Command {
  return addBrokerFlags(
    new Command("client")
      .description("Do fits for a scan's server, until the scan is over or there is no more work.")
      .addOption(flag("--mq-basename <name>", "the scan's name on the broker"))
      .addOption(flag("--baseline-gcd-file <file>", "the server's baseline_GCD_file.txt"))
      .addOption(flag("--gcdqp-packet-json <file>", "the server's GCDQp_packet.json"))
      .addOption(
        flag("--startup-json <file>", "the server's startup.json, instead of those three"),
      ),
  )
    .addOption(flag("-g, --gcd-dir <dir>", "baseline GCD files"))
    .addOption(flag("--photon-tables <dir>", "photospline tables of the light"))
    .addOption(
      flag("--workers <n>", "fits at a time, one process each", 1).argParser(integerFrom(1)),
    )
    .addOption(
      flag(
        "--reco-timeout <s>",
        "longest time one fit may take, s (default: the server's)",
      ).argParser(numberFrom(0.1, "seconds")),
    )
    .addOption(
      flag(
        "--timeout-to-clients <s>",
        "how long to wait for work, s (default: the server's, 60)",
      ).argParser(numberFrom(0.1, "seconds")),
    )
    .addOption(
      flag(
        "--timeout-from-clients <s>",
        "accepted for the sake of old command lines; the server's matters",
      ).argParser(numberFrom(0.1, "seconds")),
    )
    .addOption(flag("--debug-directory <dir>", "keep every message in and out as a file"))
    .addOption(flag("-l, --log <level>", "level of the log", "INFO"))
    .addOption(flag("--log-third-party <level>", "level of the libraries' log", "WARNING"))
    .addHelpText(
      "after",
      `
With --broker and --mq-basename alone the event comes over the broker.
Every flag can be given as SKYSCAN_<FLAG_IN_CAPITALS>; the flag wins.
SIGTERM: finish the fits at hand, hand back the rest; a second one: at once.
Exit code 0 when it ever worked, 4 when no work came.
Example:
  skyscan client --broker broker.example.org --startup-json startup/startup.json --workers 4`,
    )
    .action(async (flags: Flags) => {
      setLogLevels(flags.log, flags.logThirdParty);
      const { stop, now } = catchSignals(() => {});
      const outcome = await runClient({
        ...(await startupOf(flags)),
        broker: brokerOf(flags),
        workers: flags.workers,
        fitCommand: [...selfCommand(), fitProcessName],
        ...(flags.photonTables !== undefined && { photonTables: flags.photonTables }),
        ...(flags.gcdDir !== undefined && { gcdDir: flags.gcdDir }),
        ...(flags.recoTimeout !== undefined && { recoTimeout: flags.recoTimeout }),
        ...(flags.timeoutToClients !== undefined && { timeoutToClients: flags.timeoutToClients }),
        ...(flags.debugDirectory !== undefined && { debugDirectory: flags.debugDirectory }),
        drain: stop,
        now,
      });
      const { fits, failures, why } = outcome;
      consola.info(`${fits} fits done, ${failures} attempts failed: ${why}`);
    });
}

async function startupOf(flags: Flags) {
  const { mqBasename, baselineGcdFile, gcdqpPacketJson, startupJson } = flags;
  if (startupJson !== undefined) {
    const startup = await readStartup(startupJson);
    return { basename: mqBasename ?? startup.mq_basename, startup };
  }
  if (mqBasename === undefined)
    throw new InputError("--mq-basename or --startup-json is needed to find the scan");
  if (gcdqpPacketJson === undefined) return { basename: mqBasename };
  if (baselineGcdFile === undefined)
    throw new InputError("--gcdqp-packet-json needs --baseline-gcd-file beside it");
  const startup = await readStartupParts(baselineGcdFile, gcdqpPacketJson);
  return { basename: mqBasename, startup };
}
