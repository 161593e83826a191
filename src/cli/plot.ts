import { basename, extname } from "node:path";
import { Command } from "commander";
import { print } from "../config/print.ts";
import { plotFile } from "../plot/files.ts";
import { addLevelsFlags, type LevelsFlags, levelsFor } from "./levels_flags.ts";
import { addPoleFlags, type PoleFlags, poleOf } from "./pole_flags.ts";

/** `skyscan plot`: a picture of a result file. */
export function plotCommand(): Command {
  const command = new Command("plot")
    .description(
      "Draw a result as a sky map: the whole sky, and the best fit with its contours. Or draw dE/dx along the track of one fit.",
    )
    .argument("<file>", "result, .npz or .json; or a fit with its losses, from reco --json")
    .option(
      "--out <picture>",
      "file to write, .png or .svg (default: the result's name, .png, here)",
    )
    .option("--caption <text>", "a line below the title");
  return addLevelsFlags(addPoleFlags(command))
    .addHelpText(
      "after",
      `
Examples:
  skyscan plot run00136766.evt000007637140.neutrino_8_64_512.npz --out map.svg
  skyscan reco alert.json --reco-algo millipede_wilks --nside 8 --pixel 340 --json > fit.json
  skyscan plot fit.json --out losses.png`,
    )
    .action(
      async (
        file: string,
        options: PoleFlags & LevelsFlags & { out?: string; caption?: string },
      ) => {
        const title = basename(file, extname(file));
        const { out = `${title}.png`, caption } = options;
        const pole = poleOf(options);
        await plotFile(
          file,
          out,
          { title, ...(caption && { caption }), ...(pole && { pole }) },
          (result) => levelsFor(file, result, options),
        );
        print(`${out}\n`);
      },
    );
}
