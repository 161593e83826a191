import { availableParallelism } from "node:os";
import { Command } from "commander";
import { runLocalScan } from "../client/local_scan.ts";
import { spawnFitProcess } from "../client/pool.ts";
import { startEarly } from "../client/spare.ts";
import { setLogLevels } from "../config/log.ts";
import { selfCommand } from "../config/self.ts";
import { catchSignals, unlessStopped } from "../config/signals.ts";
import { findReco } from "../reco/registry.ts";
import { planScan } from "../server/plan.ts";
import { withPicturesAndPublished } from "../server/server.ts";
import { requireWritable } from "../server/startup.ts";
import { flag, integerFrom, mostWorkers } from "./flags.ts";
import { printOutcome } from "./outcome.ts";
import { fitProcessName } from "./process_names.ts";
import {
  addScanFlags,
  planOptions,
  publishChoice,
  recoList,
  type ScanFlags,
  serverTimes,
} from "./scan_flags.ts";
import { addPageFlags, type ScanPageFlags, withPage } from "./scan_page.ts";

interface Flags extends ScanFlags, ScanPageFlags {
  workers: number;
}

/** Runs a whole scan on this machine. */
export function scanCommand(): Command {
  const command = new Command("scan")
    .description("Scan the sky for one event on this machine: result files, map, best fit.")
    .argument("<event>", "the alert (.json, .pkl or .i3, packed or not); -: standard input")
    .addOption(flag("--reco-algo <name>", `algorithm: ${recoList}`, "splinempe"))
    .addOption(flag("-o, --output-dir <dir>", "result files and maps go here", "."))
    .addOption(
      flag("-c, --cache-dir <dir>", "the scan's memory: started again it goes on (default: none)"),
    )
    .addOption(
      flag("--workers <n>", "fits at a time, one process each", availableParallelism()).argParser(
        integerFrom(1, mostWorkers),
      ),
    );
  return addPageFlags(addScanFlags(command))
    .addHelpText(
      "after",
      `
The last line of stdout: best-fit RA and Dec (J2000), the same in the detector, llh, number of fits, wall time.
Example:
  skyscan scan alert.json --output-dir out`,
    )
    .action(async (event: string, flags: Flags) => {
      const started = performance.now();
      setLogLevels(flags.log, flags.logThirdParty);
      const { stop } = catchSignals();
      const planned = await unlessStopped(planOptions(event, flags), stop);
      const fitCommand = [...selfCommand(), fitProcessName];
      const early = startEarly(spawnFitProcess, fitCommand, {
        count: flags.workers,
        isWarm: flags.photonTables === undefined && findReco(planned.reco).light === "muon",
      });
      try {
        const plan = await unlessStopped(planScan(planned), stop);
        requireWritable(flags.outputDir, "--output-dir");
        const options = {
          ...{ outputDir: flags.outputDir, workers: flags.workers, stop },
          ...(flags.cacheDir !== undefined && { cacheDir: flags.cacheDir }),
          ...serverTimes(flags),
          ...{ fitCommand, spawn: early.spawn },
          ...(flags.photonTables !== undefined && { photonTables: flags.photonTables }),
          ...(flags.gcdDir !== undefined && { gcdDir: flags.gcdDir }),
        };
        const shown = { plan, file: event, outputDir: flags.outputDir };
        const scanned = await withPage(flags, shown, (observed) =>
          runLocalScan(plan, { ...options, ...observed }),
        );
        const choice = publishChoice(flags);
        const all = await withPicturesAndPublished(plan, flags.outputDir, scanned, choice);
        printOutcome(plan, all, started);
      } finally {
        early.close();
      }
    });
}
