import { availableParallelism } from "node:os";
import { extname, resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { consola } from "consola";
import type { Request } from "../calibrate/laboratory.ts";
import { InputError } from "../config/errors.ts";
import { print } from "../config/print.ts";
import { selfCommand } from "../config/self.ts";
import { catchSignals } from "../config/signals.ts";
import { version } from "../config/version.ts";
import { findReco } from "../reco/registry.ts";
import { writeAtomically } from "../result/files.ts";
import { levelsOfAlgorithm, parseLevels, wilksLevels } from "../result/levels.ts";
import { integerFrom, mostWorkers, numberFrom } from "./flags.ts";
import { addLightFlags, type LightFlags, lightChoice } from "./light_flags.ts";
import { experimentProcessName } from "./process_names.ts";
import { recoList } from "./scan_flags.ts";

interface Flags extends LightFlags {
  readonly muons: number;
  readonly events?: readonly string[];
  readonly energies: readonly [number, number];
  readonly recoAlgo: string;
  readonly losses: "continuous" | "individual";
  readonly jitter: number;
  readonly varied: boolean;
  readonly levels?: string;
  readonly out: string;
  readonly plot?: string;
  readonly workers: number;
  readonly seed: number;
  readonly photonTables?: string;
  readonly gcdDir?: string;
  readonly json: boolean;
}

/** Directions of at most this |sin δ|, and tracks within this distance of the centre (m). */
const SAMPLE = { highestSine: 0.85, radius: 350 };

/** `skyscan coverage`: how often contours hold the truth. */
export function coverageCommand(): Command {
  const command = new Command("coverage")
    .description(
      "Simulate muons of many energies and directions, fit each as a scan does near its minimum, and say how often contours hold the true direction.",
    )
    .option("--muons <n>", "muons to simulate", integerFrom(2), 100)
    .option("--events <file...>", "instead: alerts simulated elsewhere that record their truth")
    .option("--energies <from:to>", "GeV, the logarithm uniform between them", energies, [1e3, 1e5])
    .option("-a, --reco-algo <name>", `algorithm: ${recoList}`, "splinempe")
    .addOption(
      new Option("--losses <kind>", "of the simulated muons")
        .choices(["continuous", "individual"])
        .default("individual"),
    )
    .option("--jitter <ns>", "their time resolution", numberFrom(1, "ns", 1000), 3)
    .option("--varied", "vary ice and detector for each muon, as calibrate does", false)
    .option(
      "--levels <levels>",
      "levels to put to the test, as result info takes them (default: the algorithm's)",
    )
    .option("--out <file.json>", "report", "coverage.json")
    .option("--plot <file>", "P–P picture, .png or .svg")
    .option(
      "--workers <n>",
      "muons at a time, one process each",
      integerFrom(1, mostWorkers),
      availableParallelism(),
    )
    .option(
      "--seed <n>",
      "of the random numbers; muon k has a stream of its own",
      integerFrom(0),
      1,
    )
    .option(
      "--photon-tables <dir>",
      "tables the fits use (the light that is simulated is embedded)",
    )
    .option("--gcd-dir <dir>", "baseline GCD files, with --events (default: built-in detector)")
    .option("--json", "print the report as JSON", false);
  return addLightFlags(command)
    .addHelpText(
      "after",
      `
Directions are isotropic with |sin δ| < ${SAMPLE.highestSine}, tracks go through a random point within ${SAMPLE.radius} m of the centre. Simulated light is
the light model's own: real light is patchier, and so are contours (see skyscan simulate --help). Alerts of a photon
Monte Carlo (--events) are the better test. Interrupted, it goes on where it was with the same command.

Example:
  skyscan coverage --muons 200 --energies 5e3:1e5 --plot coverage.png`,
    )
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const reco = findReco(flags.recoAlgo);
  if (reco.light === undefined)
    throw new InputError(`${reco.name} fits no light: it has no contours`);
  const extension = flags.plot === undefined ? ".svg" : extname(flags.plot);
  if (extension !== ".png" && extension !== ".svg")
    throw new InputError(`${flags.plot}: a picture ends in .png or .svg`);
  const levels = flags.levels
    ? parseLevels(flags.levels)
    : (levelsOfAlgorithm(reco.name) ?? wilksLevels);
  if (levels.contours.length === 0)
    throw new InputError("--levels hpd: a map's own levels cannot be put to the test without maps");
  const { stop } = catchSignals();
  const [{ runExperiments }, { localCrew }, { coverageLines, coverageOf }] = await Promise.all([
    import("../calibrate/run.ts"),
    import("../calibrate/crew.ts"),
    import("../calibrate/coverage_report.ts"),
  ]);
  const request = await requestOf(flags);
  const { cause } = request;
  const done = await runExperiments(request, {
    ...{ stop, input: "", what: "events" },
    experiments: cause.kind === "alerts" ? cause.files.length : flags.muons,
    workforce: localCrew([...selfCommand(), experimentProcessName], flags.workers),
    notebook: `${flags.out}.partial`,
    now: () => performance.now() / 1000,
  });
  const { seed, jitter, varied } = flags;
  const report = coverageOf({
    ...{ recoAlgo: reco.name, version, levels, entries: done.entries },
    ...{ light: done.light, detector: done.detector },
    sample: cause.kind === "alerts" ? cause : { ...cause, seed, jitter, varied },
  });
  await writeAtomically(flags.out, `${JSON.stringify(report, null, 1)}\n`);
  await done.forget();
  if (flags.plot !== undefined) {
    const { plotCoverage } = await import("../calibrate/pp_plot.ts");
    const svg = plotCoverage(report, `Coverage of ${reco.name}`);
    const { toPng } = await import("../plot/png.ts");
    await writeAtomically(flags.plot, extension === ".png" ? await toPng(svg) : svg);
  }
  consola.info(`written: ${[flags.out, ...(flags.plot ? [flags.plot] : [])].join(", ")}`);
  print(`${flags.json ? JSON.stringify(report) : coverageLines(report).join("\n")}\n`);
}

async function requestOf(flags: Flags): Promise<Request> {
  const { events, losses, seed, jitter, varied, photonTables, gcdDir } = flags;
  return {
    ...{ reco: findReco(flags.recoAlgo).name, choice: await lightChoice(flags) },
    ...{ seed, jitter, varies: varied },
    ...(photonTables !== undefined && { photonTables }),
    ...(gcdDir !== undefined && { gcdDir }),
    cause:
      events !== undefined
        ? { kind: "alerts", files: events.map((file) => resolve(file)) }
        : { kind: "muons", losses, population: { energies: flags.energies, ...SAMPLE } },
  };
}

/** "1e3:1e5", or one energy. */
function energies(text: string): [number, number] {
  const [from, to = from, ...more] = text.split(":").map(Number);
  if (more.length === 0 && from! >= 1 && to! >= from! && Number.isFinite(to)) return [from!, to!];
  throw new InvalidArgumentError(
    `Expected FROM:TO in GeV, at least 1, not "${text.slice(0, 60)}".`,
  );
}
