import { availableParallelism } from "node:os";
import { Command } from "commander";
import { consola } from "consola";
import type { PoolOptions } from "../calibrate/pool.ts";
import type { ExperimentWorkforce } from "../calibrate/workforce.ts";
import { systemClock } from "../config/clock.ts";
import { InputError } from "../config/errors.ts";
import { print } from "../config/print.ts";
import { selfCommand } from "../config/self.ts";
import { catchSignals } from "../config/signals.ts";
import { version } from "../config/version.ts";
import { detectorOf } from "../detector/gcd.ts";
import { type Event, eventName } from "../event/event.ts";
import { loadEvent } from "../event/load.ts";
import { chosenDetector } from "../light/choice.ts";
import { findReco } from "../reco/registry.ts";
import { readResult, writeAtomically } from "../result/files.ts";
import { provenanceOf } from "../result/provenance.ts";
import { eventOf, type SkyScanResult } from "../result/result.ts";
import { addBrokerFlags, type BrokerFlags, brokerOf } from "./broker_flags.ts";
import { flag, integerFrom, mostWorkers, seconds } from "./flags.ts";
import { algorithmInManifest } from "./levels_flags.ts";
import { addLightFlags, type LightFlags, lightChoice } from "./light_flags.ts";
import { experimentProcessName } from "./process_names.ts";

interface Flags extends LightFlags, Partial<BrokerFlags> {
  readonly experiments: number;
  readonly out: string;
  readonly recoAlgo?: string;
  readonly workers: number;
  readonly seed: number;
  readonly photonTables?: string;
  readonly gcdDir?: string;
  readonly json: boolean;
  readonly mqBasename?: string;
  readonly timeoutToClients: number;
  readonly timeoutFromClients: number;
}

/** `skyscan calibrate`: the levels of one event's own contours. */
export function calibrateCommand(): Command {
  const command = new Command("calibrate")
    .description(
      "Find the levels of an event's own contours: simulate its best fit again and again, in ice and a detector that are not quite what fits take them to be, and see how 2Δllh at the true direction is distributed.",
    )
    .argument("<event>", "the alert, a file")
    .argument("<result>", "the scan's result, .npz or .json")
    .option("--experiments <n>", "pseudo-experiments", integerFrom(10), 200)
    .option("--out <file>", "where the levels go", "calibration.json")
    .option("--reco-algo <name>", "the map's algorithm (default: what the result says)")
    .option(
      "--workers <n>",
      "experiments at a time, one process each",
      integerFrom(1, mostWorkers),
      availableParallelism(),
    )
    .option(
      "--seed <n>",
      "of the random numbers; experiment k has a stream of its own",
      integerFrom(0),
      1,
    )
    .option(
      "--photon-tables <dir>",
      "tables the fits use (the light that is simulated is embedded)",
    )
    .option("--gcd-dir <dir>", "baseline GCD files (default: built-in detector)")
    .option("--json", "print the report as JSON", false);
  addBrokerFlags(command, true)
    .addOption(
      flag(
        "--mq-basename <name>",
        "with --broker: the calibration's name there, under which clients wait for its return when it is interrupted (default: one nobody guesses)",
      ),
    )
    .addOption(
      flag(
        "--timeout-to-clients <s>",
        "with --broker: how long clients wait for work, s",
        60,
      ).argParser(seconds),
    )
    .addOption(
      flag(
        "--timeout-from-clients <s>",
        "with --broker: how long to wait for results, s",
        1800,
      ).argParser(seconds),
    );
  return addLightFlags(command)
    .addHelpText(
      "after",
      `
Drawn for each experiment: scattering and absorption of all ice (6 %) and layer by layer (7 %), the layers' tilt,
efficiency (10 %), hole ice, time resolution (2 to 6 ns), where strings are (1 m), the muon's energy (a factor of 1.4) and
its losses one by one; millipede's unfolded losses within their widths. Light flags choose what the fits take for granted:
give those of the scan. Interrupted, it goes on where it was with the same command. plot, result info and every export
take the file as --calibration; only then are systematics included.
With --broker it is the clients of a pool that run them (skyscan client --broker … --mq-basename …, as for a scan), and
--workers counts for nothing; the levels are the same, whoever runs what.

Example:
  skyscan calibrate alert.json run…_8_64_512.npz --out calibration.json
  skyscan result info run…_8_64_512.npz --calibration calibration.json`,
    )
    .action(run);
}

async function run(path: string, map: string, flags: Flags, command: Command): Promise<void> {
  if (path === "-") throw new InputError("calibrate reads the event more than once: give a file");
  const { stop } = catchSignals();
  const event = await loadEvent(path);
  const result = await readResult(map);
  requireItsMap(event, result, map);
  const named = flags.recoAlgo ?? provenanceOf(result).recoAlgo ?? (await algorithmInManifest(map));
  if (named === undefined)
    throw new InputError(`${map}: does not say which algorithm made it: give --reco-algo`);
  const reco = findReco(named);
  if (reco.light === undefined)
    throw new InputError(`${reco.name} fits no light: nothing to calibrate`);

  const [{ bestHypothesis }, { runExperiments }, report] = await Promise.all([
    import("../calibrate/hypothesis.ts"),
    import("../calibrate/run.ts"),
    import("../calibrate/calibration_report.ts"),
  ]);
  const places = {
    ...(flags.photonTables !== undefined && { photonTables: flags.photonTables }),
    ...(flags.gcdDir !== undefined && { gcdDir: flags.gcdDir }),
  };
  const choice = await lightChoice(flags);
  const best = await bestHypothesis(event, result, { reco, choice, ...places });
  consola.info(
    `${eventName(event.metadata)}: ${reco.name}, a muon of ${best.muon.energy.toPrecision(3)} GeV at the map's best direction`,
  );
  const { seed, experiments } = flags;
  const request = {
    ...{ reco: reco.name, choice, seed, varies: true, jitter: 1, ...places },
    cause: { kind: "event" as const, file: path, ...best },
  };
  const done = await runExperiments(request, {
    ...{ experiments, stop, input: event.sha256 ?? "" },
    workforce: await workforceOf(flags, command, { event, reco, choice }),
    notebook: `${flags.out}.partial`,
    now: () => performance.now() / 1000,
  });
  const calibration = report.calibrationOf({
    ...{ event: event.metadata, recoAlgo: reco.name, version, seed, muon: best.muon },
    ...{ light: done.light, detector: done.detector, entries: done.entries },
  });
  await writeAtomically(flags.out, `${JSON.stringify(calibration, null, 1)}\n`);
  await done.forget();
  const loud = report.underCoverage(calibration);
  if (loud !== undefined) consola.warn(loud);
  consola.info(`written: ${flags.out}`);
  const text = flags.json
    ? JSON.stringify(calibration)
    : report.calibrationLines(calibration).join("\n");
  print(`${text}\n`);
}

/** Who runs the experiments: this machine's processes, or the clients at a broker. */
async function workforceOf(
  flags: Flags,
  command: Command,
  scene: Pick<PoolOptions, "event" | "reco" | "choice">,
): Promise<ExperimentWorkforce> {
  // A variable of the environment that is meant for servers and clients sends no calibration away.
  if (command.getOptionValueSource("broker") !== "cli") {
    if (flags.mqBasename !== undefined) throw new InputError("--mq-basename needs --broker");
    const { localCrew } = await import("../calibrate/crew.ts");
    return localCrew([...selfCommand(), experimentProcessName], flags.workers);
  }
  const { brokerCrew } = await import("../calibrate/pool.ts");
  const { event, choice } = scene;
  const { timeoutToClients, timeoutFromClients, photonTables } = flags;
  return brokerCrew({
    ...{ ...scene, timeoutToClients, timeoutFromClients, clock: systemClock },
    broker: brokerOf(flags, command),
    ...(flags.mqBasename !== undefined && { basename: flags.mqBasename }),
    detector: chosenDetector(await detectorOf(event, flags.gcdDir), choice),
    needsTables: photonTables !== undefined || choice.light === "tables",
  });
}

/** Throws InputError for a map of another event. */
function requireItsMap(event: Event, result: SkyScanResult, path: string): void {
  const of = eventOf(result);
  const { runId, eventId } = event.metadata;
  if (of !== undefined && (of.runId !== runId || of.eventId !== eventId))
    throw new InputError(
      `${path}: a map of run ${of.runId} event ${of.eventId}, the alert is run ${runId} event ${eventId}`,
    );
}
