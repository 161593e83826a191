import type { Command } from "commander";
import { InputError } from "../config/errors.ts";
import { requireAlertName, type Stream, streams } from "../publish/facts.ts";
import { recoNames, widenedName } from "../reco/registry.ts";
import type { PlanOptions } from "../server/plan.ts";
import {
  DEFAULT_PROGRESSION,
  formatProgression,
  type Progression,
  parseProgression,
  selectProgression,
} from "../sky/progression.ts";
import { commandLine } from "./command_line.ts";
import { flag, integerFrom, isRealEvent, numberFrom, seconds } from "./flags.ts";
import { addLightFlags, type LightFlags, lightChoice } from "./light_flags.ts";
import { nsidesOf } from "./nsides.ts";

/** What `scan` and `server` have in common. */
export interface ScanFlags extends LightFlags {
  recoAlgo: string;
  outputDir: string;
  cacheDir?: string;
  nsides?: string[];
  minNside?: number;
  maxNside?: number;
  refineToContour?: boolean;
  miniTestVariations?: boolean;
  predictiveScanningThreshold: number;
  photonTables?: string;
  gcdDir?: string;
  seed?: number;
  relativeUncertainty?: boolean;
  realEvent?: boolean;
  simulatedEvent?: boolean;
  recoTimeout: number;
  maxFailures: number;
  timeoutFromClients: number;
  timeoutToClients: number;
  log: string;
  logThirdParty: string;
  fits: boolean;
  name?: string;
  stream?: Stream;
}

/** Adds those flags; `-e`, `-c`, … and what must be given is the subcommands' own business. */
export function addScanFlags(command: Command): Command {
  return addLightFlags(command)
    .addOption(
      nsidesOf(
        flag("--nsides <nside:extension...>", "refinement of the map, coarse to fine"),
      ).default(undefined, formatProgression(DEFAULT_PROGRESSION)),
    )
    .addOption(
      flag("--min-nside <n>", "older way to choose: first of 8, 64, 512").argParser(integerFrom(1)),
    )
    .addOption(
      flag("--max-nside <n>", "older way to choose: last of 8, 64, 512").argParser(integerFrom(1)),
    )
    .addOption(
      flag(
        "--refine-to-contour",
        "add pixels, also of further nsides, until those about the 90 % contour are smaller than a quarter of its radius",
      ),
    )
    .addOption(flag("--mini-test-variations", "two fits per pixel only, for quick tests"))
    .addOption(
      flag(
        "--predictive-scanning-threshold <share>",
        "share of a stage that must be done before the next one begins; 1: the map does not depend on the order of arrival",
        1,
      ).argParser(numberFrom(0.1, "", 1)),
    )
    .addOption(
      flag(
        "--photon-tables <dir>",
        "photospline tables of the light (default: the embedded model)",
      ),
    )
    .addOption(
      flag("-g, --gcd-dir <dir>", "baseline GCD files (default: the built-in IC86 geometry)"),
    )
    .addOption(
      flag(
        "--relative-uncertainty",
        "millipede_wilks: minimise the likelihood in which every expectation is uncertain by 100 % (default: the plain Poisson one)",
      ),
    )
    .addOption(
      flag("--seed <n>", "random seed: order of the fits, values of the dummies").argParser(
        integerFrom(0),
      ),
    )
    .addOption(
      flag("--real-event", "the event is real (default, but for simulated ones that say so)"),
    )
    .addOption(flag("--simulated-event", "the event is simulated"))
    .addOption(
      flag("--reco-timeout <s>", "longest time one fit may take, s", 300).argParser(seconds),
    )
    .addOption(
      flag(
        "--max-failures <n>",
        "different clients a fit may fail on before it becomes NaN",
        3,
      ).argParser(integerFrom(1)),
    )
    .addOption(
      flag("--timeout-to-clients <s>", "how long clients wait for work, s", 60).argParser(seconds),
    )
    .addOption(
      flag("--timeout-from-clients <s>", "how long to wait for results, s", 1800).argParser(
        seconds,
      ),
    )
    .addOption(flag("--no-fits", "write no FITS maps beside the result"))
    .addOption(flag("--name <name>", "the alert's name for what is published, IceCube-YYMMDDA"))
    .addOption(
      flag("--stream <stream>", "the alert's stream: also write its GCN notice").choices(streams),
    )
    .addOption(flag("-l, --log <level>", "level of the log", "INFO"))
    .addOption(flag("--log-third-party <level>", "level of the libraries' log", "WARNING"));
}

export const recoList = recoNames.join(", ");

/** The plan's options as the flags say. Throws InputError where they contradict each other. */
export async function planOptions(
  eventFile: string,
  flags: Omit<ScanFlags, "outputDir">,
): Promise<PlanOptions> {
  const isReal = isRealEvent(flags);
  if (flags.name !== undefined) requireAlertName(flags.name, undefined);
  return {
    eventFile,
    ...(isReal !== undefined && { isRealEvent: isReal }),
    reco: flags.relativeUncertainty ? widenedName(flags.recoAlgo) : flags.recoAlgo,
    miniTest: flags.miniTestVariations ?? false,
    progression: progressionOf(flags),
    threshold: flags.predictiveScanningThreshold,
    refineToContour: flags.refineToContour ?? false,
    ...(flags.seed !== undefined && { seed: flags.seed }),
    ...(flags.gcdDir !== undefined && { gcdDir: flags.gcdDir }),
    ...(flags.photonTables !== undefined && { photonTables: flags.photonTables }),
    choice: await lightChoice(flags),
    commandLine: commandLine(process.argv.slice(2)),
  };
}

function progressionOf(flags: Omit<ScanFlags, "outputDir">): Progression {
  if (flags.nsides !== undefined && (flags.minNside ?? flags.maxNside) !== undefined)
    throw new InputError("--nsides and --min-nside, --max-nside exclude each other");
  if (flags.nsides !== undefined) return parseProgression(flags.nsides);
  if (flags.minNside === undefined && flags.maxNside === undefined) return DEFAULT_PROGRESSION;
  const nsides = DEFAULT_PROGRESSION.map((stage) => stage.nside);
  return selectProgression(flags.minNside ?? nsides[0]!, flags.maxNside ?? nsides.at(-1)!);
}

/** How the finished map is published. */
export const publishChoice = ({
  fits,
  name,
  stream,
}: Pick<ScanFlags, "fits" | "name" | "stream">) => ({
  isFits: fits,
  ...(name !== undefined && { name }),
  ...(stream !== undefined && { stream }),
});

/** Server options as the flags say. */
export const serverTimes = (flags: Omit<ScanFlags, "outputDir">) => ({
  timeoutToClients: flags.timeoutToClients,
  timeoutFromClients: flags.timeoutFromClients,
  recoTimeout: flags.recoTimeout,
  maxFailures: flags.maxFailures,
});
