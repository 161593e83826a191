import { Command, Option } from "commander";
import * as v from "valibot";
import { InputError } from "../config/errors.ts";
import { print } from "../config/print.ts";
import { makeEmbeddedTables } from "../light/make_tables.ts";
import { type Convolution, openTable, smearing } from "../native/spline_table.ts";
import { readJsonLines, writeJsonLine } from "./jsonl.ts";
import { readNumberTable } from "./number_table.ts";

/** AXIS:SIGMA of --convolve. */
function parseConvolution(value: string): Convolution {
  const match = /^(\d+):([^:]+)$/.exec(value);
  const sigma = Number(match?.[2]);
  if (!match || !Number.isFinite(sigma) || sigma <= 0)
    throw new InputError(
      `--convolve ${value}: expected AXIS:SIGMA, the number of an axis and a positive width`,
    );
  return smearing(Number(match[1]), sigma);
}

function parseResolution(value: string): number {
  const factor = Number(value);
  if (!(factor >= 0.2 && factor <= 4))
    throw new InputError(`--resolution ${value}: expected a number from 0.2 to 4`);
  return factor;
}

interface MakeFlags {
  readonly out: string;
  readonly resolution: number;
  readonly json?: true;
}

interface EvalFlags {
  readonly convolve?: Convolution;
  readonly points?: string;
}

/** One line of output for each point of the input. */
async function evaluatePoints(file: string, options: EvalFlags): Promise<void> {
  const table = openTable(file, options.convolve);
  try {
    const axes = table.info.axes.length;
    const points =
      options.points === undefined
        ? readJsonLines(v.pipe(v.array(v.number()), v.length(axes)))
        : await readNumberTable(options.points, [axes]);
    for await (const x of points) {
      const { values, gradients } = table.evaluate(Float64Array.from(x));
      await writeJsonLine(
        Number.isNaN(values[0])
          ? { value: null }
          : { value: values[0], gradient: Array.from(gradients) },
      );
    }
  } finally {
    table.close();
  }
}

/** `skyscan tables`: photon tables and other photospline FITS files. */
export function tablesCommand(): Command {
  const tables = new Command("tables").description("Inspect, evaluate and make B-spline tables.");
  tables
    .command("info")
    .description("What a photospline FITS table holds: axes, knots, extents, keys.")
    .argument("<file>", "photospline FITS file")
    .option("--json", "everything, knots too, as JSON")
    .addHelpText("after", "\nExample:\n  skyscan tables info ems_mie_z20_a10.prob.fits")
    .action(async (file: string, options: { json?: true }) => {
      const table = openTable(file);
      const { info } = table;
      table.close();
      if (options.json) return writeJsonLine(info);
      const lines = [
        info.path,
        ...info.axes.map(
          ({ order, coefficients, extent, knots }, axis) =>
            `axis ${axis}: order ${order}, ${coefficients} coefficients, extent ${extent[0]} to ${extent[1]}, knots ${knots[0]} to ${knots.at(-1)}`,
        ),
        ...Object.entries(info.keys).map(([key, value]) => `${key} = ${value}`),
      ];
      print(`${lines.join("\n")}\n`);
    });
  tables
    .command("eval")
    .description(
      "Evaluate a table: lines [x0,x1,...] on the standard input or rows of an array, lines {value, gradient} out; value is null outside the knots.",
    )
    .argument("<file>", "photospline FITS file")
    .option(
      "--convolve <AXIS:SIGMA>",
      "first convolve an axis with the triangle on (-2 SIGMA, 0, 2 SIGMA)",
      parseConvolution,
    )
    .option("--points <file.npy>", "take the points from a numpy array: N × the table's axes")
    .addHelpText(
      "after",
      "\nExample:\n  echo '[100,1.5,300,90,-200]' | skyscan tables eval --convolve 2:2 InfBareMu_mie_prob_z20a10_V2.fits",
    )
    .action(evaluatePoints);
  tables
    .command("make")
    .description(
      "Write a light model as photospline FITS tables under the official names, and say how well they agree with it.",
    )
    .addOption(
      new Option("--from <model>", "which light model").choices(["embedded"]).default("embedded"),
    )
    .requiredOption("--out <dir>", "directory for the tables, made when missing")
    .option(
      "--resolution <factor>",
      "knots per axis, relative to the usual number (0.2 to 4)",
      parseResolution,
      1,
    )
    .option("--json", "the agreement as JSON")
    .addHelpText(
      "after",
      "\nExample:\n  skyscan tables make --from embedded --out tables\n  skyscan reco EVENT --reco-algo splinempe --photon-tables tables ...",
    )
    .action(async ({ out, resolution, json }: MakeFlags) => {
      const made = makeEmbeddedTables(out, resolution);
      if (json) return writeJsonLine(made);
      for (const { path, megabytes, quantity, median, rms, largest } of made)
        print(
          `${path}: ${megabytes.toFixed(1)} MB, ${quantity} off by: median ${median.toPrecision(2)}, rms ${rms.toPrecision(2)}, largest ${largest.toPrecision(2)}\n`,
        );
    });
  return tables;
}
