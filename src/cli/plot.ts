import { basename, extname } from "node:path";
import { Command, Option } from "commander";
import { print } from "../config/print.ts";
import { loadEvent } from "../event/load.ts";
import { type Palette, palettes } from "../plot/colour.ts";
import { plotFile, requirePicture } from "../plot/files.ts";
import { marksOf } from "../plot/marks.ts";
import { type Panel, panels } from "../plot/plot.ts";
import { type View, views } from "../plot/sky_map.ts";
import { numberFrom } from "./flags.ts";
import { addLevelsFlags, type LevelsFlags, levelsFor } from "./levels_flags.ts";
import { addPoleFlags, type PoleFlags, poleOf } from "./pole_flags.ts";
import { addSourcesFlags, cataloguesOf, type SourcesFlags } from "./sources_flags.ts";

interface Flags extends PoleFlags, LevelsFlags, SourcesFlags {
  readonly out?: string;
  readonly caption?: string;
  readonly name?: string;
  readonly stream?: string;
  readonly panel: Panel;
  readonly view: View;
  readonly colours: Palette;
  readonly window?: number;
  readonly widthMm?: number;
  readonly event?: string;
}

/** `skyscan plot`: a picture of a result file. */
export function plotCommand(): Command {
  const command = new Command("plot")
    .description(
      "Draw a result as a sky map: the whole sky, and the best fit with its contours. Or draw dE/dx along the track of one fit.",
    )
    .argument("<file>", "result, .npz, .json or FITS; or a fit with its losses, from reco --json")
    .option(
      "--out <picture>",
      "file to write, .png, .svg or .pdf (default: the result's name, .png, here)",
    )
    .addOption(
      new Option("--panel <panel>", "the whole sky, the best fit's neighbourhood, or both")
        .choices(panels)
        .default("both"),
    )
    .addOption(
      new Option("--view <view>", "what the colours show: −2 Δ ln L, or probability per deg²")
        .choices(views)
        .default("llh"),
    )
    .addOption(
      new Option("--colours <palette>", "all of them dark where the fit is worse")
        .choices(palettes)
        .default("ember"),
    )
    .addOption(
      new Option(
        "--window <deg>",
        "half the neighbourhood's width (default: what the contours need)",
      ).argParser(numberFrom(0.05, "degrees", 60)),
    )
    .addOption(
      new Option(
        "--width-mm <mm>",
        "width on paper, e.g. 85 or 180 for journals (PNG: 300 dpi)",
      ).argParser(numberFrom(20, "mm", 2000)),
    )
    .option(
      "--event <alert>",
      "the map's event: its online track and, if simulated, the truth are marked",
    )
    .option("--name <name>", "the alert's, for the title: IceCube-220624A")
    .option("--stream <stream>", "how it was graded: gold, bronze")
    .option("--caption <text>", "a line below the title");
  return addSourcesFlags(addLevelsFlags(addPoleFlags(command)))
    .addHelpText(
      "after",
      `
Contours of --view probability are the credible regions, if no --levels are given.
Examples:
  skyscan plot run00136766.evt000007637140.neutrino_8_64_512.npz --out map.svg
  skyscan plot map.npz --event alert.pkl --name IceCube-220624A --panel zoom --width-mm 85 --out figure.pdf
  skyscan reco alert.json --reco-algo millipede_wilks --nside 8 --pixel 340 --json > fit.json
  skyscan plot fit.json --out losses.png`,
    )
    .action(async (file: string, flags: Flags) => {
      const title = basename(file, extname(file));
      const { out = `${title}.png`, colours, event: alert, levels, ...look } = flags;
      requirePicture(out);
      const pole = poleOf(flags);
      const event = alert === undefined ? undefined : await loadEvent(alert);
      const hasLevels = levels ?? flags.calibration;
      await plotFile(
        file,
        out,
        {
          ...{ ...look, title, palette: colours, catalogues: await cataloguesOf(flags) },
          ...(event && { event: event.metadata, marks: marksOf(event) }),
          ...(pole && { pole }),
        },
        async (result) => ({
          ...((flags.view === "llh" || hasLevels !== undefined) && {
            levels: await levelsFor(file, result, flags),
          }),
        }),
      );
      print(`${out}\n`);
    });
}
