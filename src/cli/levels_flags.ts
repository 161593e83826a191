/** Flags that choose the levels of a map's contours. */

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { type Command, Option } from "commander";
import { findReco } from "../reco/registry.ts";
import { readCalibration, requireSameEvent } from "../result/calibration.ts";
import { calibratedLevels, type Levels, levelsOf, onMap, parseLevels } from "../result/levels.ts";
import { provenanceOf } from "../result/provenance.ts";
import type { SkyScanResult } from "../result/result.ts";

export interface LevelsFlags {
  readonly levels?: string;
  readonly calibration?: string;
  readonly recoAlgo?: string;
}

/** --levels, --calibration and --reco-algo. */
export const addLevelsFlags = (command: Command): Command =>
  command
    .addOption(
      new Option(
        "--levels <levels>",
        "of 2Δllh: wilks (1.39, 4.61, 11.83), ic160427a (22.2, 64.2), hpd (credible regions), or PERCENT=LEVEL,… (default: those of the map's algorithm)",
      ).conflicts("calibration"),
    )
    .option("--calibration <file>", "levels of this very event, from skyscan calibrate")
    .option(
      "--reco-algo <name>",
      "the map's algorithm, where neither the file nor a manifest beside it says (its levels serve)",
    );

/**
 * The levels for the contours of a result file, as the flags say; else those of its algorithm, which the file or the
 * manifest beside it tells.
 */
export async function levelsFor(
  path: string,
  result: SkyScanResult,
  flags: LevelsFlags,
): Promise<Levels> {
  if (flags.levels !== undefined) return onMap(parseLevels(flags.levels), result);
  if (flags.calibration !== undefined) {
    const calibration = await readCalibration(flags.calibration);
    requireSameEvent(calibration, result, flags.calibration);
    return calibratedLevels(calibration);
  }
  if (flags.recoAlgo !== undefined) return levelsOf(result, findReco(flags.recoAlgo).name);
  return levelsOf(result, provenanceOf(result).recoAlgo ?? (await algorithmInManifest(path)));
}

/** What a scan's manifest beside a result says of its algorithm; undefined without one that can be read. */
export async function algorithmInManifest(path: string): Promise<string | undefined> {
  const manifest = path.replace(/\.(npz|json)$/, ".manifest.json");
  if (manifest === path || !existsSync(manifest)) return undefined;
  try {
    const { scan } = JSON.parse(await readFile(manifest, "utf8"));
    return typeof scan?.reco_algo === "string" ? scan.reco_algo : undefined;
  } catch {
    return undefined;
  }
}
