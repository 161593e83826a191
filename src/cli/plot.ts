import { basename, extname } from "node:path";
import { Command } from "commander";
import { writePlot } from "../plot/files.ts";
import { readResult } from "../result/files.ts";

/** `skyscan plot`: a picture of a result file. */
export function plotCommand(): Command {
  return new Command("plot")
    .description("Draw a result as a sky map: the whole sky, and the best fit with its contours.")
    .argument("<file>", "result, .npz or .json")
    .option(
      "--out <picture>",
      "file to write, .png or .svg (default: the result's name, .png, here)",
    )
    .option("--caption <text>", "a line below the title")
    .addHelpText(
      "after",
      "\nExample:\n  skyscan plot run00136766.evt000007637140.neutrino_8_64_512.npz --out map.svg",
    )
    .action(async (file: string, options: { out?: string; caption?: string }) => {
      const title = basename(file, extname(file));
      const { out = `${title}.png`, caption } = options;
      await writePlot(out, await readResult(file), { title, ...(caption && { caption }) });
      console.log(out);
    });
}
