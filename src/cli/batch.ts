import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { Command } from "commander";
import { consola } from "consola";
import { runLocalScan } from "../client/local_scan.ts";
import { InputError } from "../config/errors.ts";
import { setLogLevels } from "../config/log.ts";
import { print } from "../config/print.ts";
import { selfCommand } from "../config/self.ts";
import { catchSignals, unlessStopped } from "../config/signals.ts";
import { trueDirection } from "../event/online.ts";
import {
  type CatalogueRow,
  catalogueCsv,
  catalogueEcsv,
  catalogueRow,
} from "../publish/catalogue.ts";
import { readResult, writeAtomically } from "../result/files.ts";
import { localise } from "../result/localisation.ts";
import type { SkyScanResult } from "../result/result.ts";
import { planScan, type ScanPlan } from "../server/plan.ts";
import { withPublished } from "../server/server.ts";
import { requireWritable } from "../server/startup.ts";
import { formatProgression } from "../sky/progression.ts";
import { flag, integerFrom, mostWorkers } from "./flags.ts";
import { fitProcessName } from "./process_names.ts";
import {
  addScanFlags,
  planOptions,
  publishChoice,
  recoList,
  type ScanFlags,
  serverTimes,
} from "./scan_flags.ts";

interface Flags extends ScanFlags {
  readonly out: string;
  readonly workers: number;
}

/** `skyscan batch`: scans a folder's events one after the other, into one catalogue. */
export function batchCommand(): Command {
  const command = new Command("batch")
    .description(
      "Scan every event of a folder, one after the other, into a catalogue of one row an event. Started again it goes on.",
    )
    .argument("<dir>", "folder of alerts (.json, .pkl, .i3, packed or not)")
    .requiredOption("--out <catalogue>", "file to write, .csv or .ecsv (units and types)")
    .addOption(flag("--reco-algo <name>", `algorithm: ${recoList}`, "splinempe"))
    .addOption(
      flag(
        "-o, --output-dir <dir>",
        "each event's result goes to a folder of its own in here",
        "scans",
      ),
    )
    .addOption(
      flag("--workers <n>", "fits at a time, one process each", availableParallelism()).argParser(
        integerFrom(1, mostWorkers),
      ),
    );
  return addScanFlags(command)
    .addHelpText(
      "after",
      "\nExample:\n  skyscan batch alerts/ --out catalogue.ecsv --nsides 8:0 64:12",
    )
    .action(run);
}

const alertEnding = /\.(json|pkl|i3)(\.(gz|bz2|zst))?$/;

async function run(folder: string, flags: Flags): Promise<void> {
  const { out } = flags;
  setLogLevels(flags.log, flags.logThirdParty);
  if (!/\.e?csv$/.test(out)) throw new InputError(`${out}: a catalogue ends in .csv or .ecsv`);
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`${folder}: cannot be read (${error.code}); expected a folder of alerts`);
  });
  const files = names.filter((name) => alertEnding.test(name)).sort();
  if (files.length === 0)
    throw new InputError(`${folder}: no alerts (.json, .pkl, .i3, packed or not)`);
  requireWritable(flags.outputDir, "--output-dir");
  const { stop } = catchSignals();
  const rows: CatalogueRow[] = [];
  for (const [n, file] of files.entries()) {
    const row = await rowOf(join(folder, file), flags, stop);
    rows.push(row);
    // After every event: whoever looks on sees how far it is.
    await writeAtomically(out, out.endsWith(".ecsv") ? catalogueEcsv(rows) : catalogueCsv(rows));
    consola.info(`${n + 1} of ${files.length}: ${file}: ${rowText(row)}`);
  }
  const broken = rows.filter(({ problem }) => problem !== undefined);
  print(`${out}: ${rows.length - broken.length} events\n`);
  if (broken.length > 0)
    throw new InputError(
      `${broken.length} of ${rows.length} events could not be scanned: see the column "problem" of ${out}`,
    );
}

const rowText = ({ problem, ra, dec, area_90 }: CatalogueRow): string =>
  problem !== undefined
    ? String(problem)
    : `RA ${Number(ra).toFixed(3)}° Dec ${Number(dec).toFixed(3)}°, 90 % ${area_90 === undefined ? "unknown" : `${Number(area_90).toPrecision(3)} sq deg`}`;

/** One event's row: of the scan that is there, or of a new one. What is wrong with one event stops no other. */
async function rowOf(path: string, flags: Flags, stop: AbortSignal): Promise<CatalogueRow> {
  const file = basename(path);
  try {
    const plan = await unlessStopped(planOptions(path, flags).then(planScan), stop);
    const outputDir = join(flags.outputDir, file.replace(alertEnding, ""));
    const { result, seconds } =
      (await finishedScan(plan, outputDir)) ?? (await scanned(plan, outputDir, flags, stop));
    return catalogueRow(file, localise(result), seconds, trueDirection(plan.event));
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { file, problem: error.message };
  }
}

interface Scanned {
  readonly result: SkyScanResult;
  readonly seconds: number | undefined;
}

async function scanned(
  plan: ScanPlan,
  outputDir: string,
  flags: Flags,
  stop: AbortSignal,
): Promise<Scanned> {
  const outcome = await runLocalScan(plan, {
    outputDir,
    cacheDir: flags.cacheDir ?? join(flags.outputDir, ".cache"),
    ...serverTimes(flags),
    workers: flags.workers,
    fitCommand: [...selfCommand(), fitProcessName],
    ...(flags.photonTables !== undefined && { photonTables: flags.photonTables }),
    ...(flags.gcdDir !== undefined && { gcdDir: flags.gcdDir }),
    stop,
  });
  await withPublished(outputDir, outcome, publishChoice(flags));
  // As it will be found the next time: the same rows, then and now.
  const { result, manifest } = outcome;
  return (await finishedScan(plan, outputDir)) ?? { result, seconds: manifest.scan.seconds };
}

/** The result of an earlier scan of the same alert with the same settings; undefined without one that is whole. */
async function finishedScan(plan: ScanPlan, outputDir: string): Promise<Scanned | undefined> {
  const manifest = join(outputDir, "scan-manifest.json");
  if (!existsSync(manifest)) return undefined;
  try {
    const { scan, results } = JSON.parse(await readFile(manifest, "utf8"));
    const isSame =
      scan.state === "done" &&
      scan.reco_algo === plan.reco.name &&
      scan.nsides === formatProgression(plan.progression) &&
      (scan.refine_to_contour ?? false) === plan.refineToContour &&
      scan.seed === (plan.seed ?? null);
    const npz = results.find((name: string) => name.endsWith(".npz"));
    if (!isSame || npz === undefined) return undefined;
    const result = await readResult(join(outputDir, basename(npz)));
    const { event_sha256: sha256 } = result.metadata?.other ?? {};
    return sha256 === plan.event.sha256 ? { result, seconds: scan.seconds } : undefined;
  } catch {
    return undefined;
  }
}
