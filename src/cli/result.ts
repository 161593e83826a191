import { Command, InvalidArgumentError } from "commander";
import { ExitCode, SkyscanError } from "../config/errors.ts";
import { print } from "../config/print.ts";
import { compareResults, defaultTolerances, type Tolerances } from "../result/compare.ts";
import { readResult } from "../result/files.ts";
import { localise } from "../result/localisation.ts";
import { compareShape, shapeLines } from "../result/shape.ts";
import { comparisonLines, summarise, summaryLines } from "../result/summary.ts";
import { addLevelsFlags, type LevelsFlags, levelsFor } from "./levels_flags.ts";
import { addPoleFlags, type PoleFlags, poleOf } from "./pole_flags.ts";
import { addPublishing } from "./publish.ts";

/** "1e-3" for all columns, or "llh=1e-5,E_in=0.1" for some; repeated flags add up. */
function parseTolerances(text: string, previous: Tolerances = defaultTolerances): Tolerances {
  const number = (value: string): number => {
    const parsed = Number(value);
    if (value.trim() === "" || !(parsed >= 0))
      throw new InvalidArgumentError(`expected a number ≥ 0, found "${value}".`);
    return parsed;
  };
  const tolerances: Record<string, number> = { ...previous };
  for (const part of text.split(",")) {
    const [column, value] = part.split("=") as [string, string | undefined];
    if (value === undefined) for (const name in tolerances) tolerances[name] = number(column);
    else if (column in tolerances) tolerances[column] = number(value);
    else
      throw new InvalidArgumentError(
        `no column "${column}"; there are ${Object.keys(tolerances).join(", ")}.`,
      );
  }
  return tolerances as Tolerances;
}

interface CompareFlags {
  rtol?: Tolerances;
  shape: boolean;
  json: boolean;
}

/** `skyscan result`: look at, convert, compare and publish result files. */
export function resultCommand(): Command {
  const result = new Command("result").description(
    "Look at, convert, compare and publish result files.",
  );

  addLevelsFlags(
    addPoleFlags(
      result
        .command("info")
        .description("Say what is in a result file: event, pixels, best fit, contours.")
        .argument("<file>", "result, .npz or .json")
        .option("--json", "machine-readable; angles in radians unless named otherwise", false),
    ),
  )
    .addHelpText(
      "after",
      "\nExample:\n  skyscan result info run00136766.evt000007637140.neutrino_8_64_512.npz",
    )
    .action(async (file: string, flags: PoleFlags & LevelsFlags & { json: boolean }) => {
      const read = await readResult(file, poleOf(flags));
      const summary = summarise(read, await levelsFor(file, read, flags));
      print(`${flags.json ? JSON.stringify(summary) : summaryLines(summary).join("\n")}\n`);
    });

  addPublishing(result);

  result
    .command("compare")
    .description("Compare two results pixel by pixel; exit code 1 when they are not close.")
    .argument("<a>", "result, .npz or .json")
    .argument("<b>", "the one it is compared with")
    .option(
      "--rtol <tolerance>",
      "relative: a number for all columns, or llh=1e-4,E_in=1e-2,E_tot=1e-2,X=1e-3,Y=1e-3,Z=1e-3,T=1e-3 (the default)",
      (text: string, previous?: Tolerances) => parseTolerances(text, previous),
    )
    .option(
      "--shape",
      "compare the maps' shapes instead: correlation and slope of Δllh, separation, areas (exit code 0)",
      false,
    )
    .option("--json", "machine-readable", false)
    .addHelpText(
      "after",
      "\nExample:\n  skyscan result compare ours.npz theirs.json --rtol llh=1e-3",
    )
    .action(async (a: string, b: string, options: CompareFlags) => {
      if (options.shape) {
        const [first, second] = [localise(await readResult(a)), localise(await readResult(b))];
        const shape = compareShape(first, second);
        print(`${options.json ? JSON.stringify(shape) : shapeLines(shape).join("\n")}\n`);
        return;
      }
      const comparison = compareResults(await readResult(a), await readResult(b), options.rtol);
      print(
        `${options.json ? JSON.stringify(comparison) : comparisonLines(comparison).join("\n")}\n`,
      );
      if (!comparison.close)
        throw new SkyscanError(`${a} and ${b} are not close`, ExitCode.differs);
    });
  return result;
}
