import { basename, extname } from "node:path";
import { Command, Option } from "commander";
import { InputError } from "../config/errors.ts";
import { print } from "../config/print.ts";
import { loadEvent } from "../event/load.ts";
import { paletteNamed, paletteNames } from "../plot/colour.ts";
import { pictureEnding, writePicture } from "../plot/files.ts";
import { landmarksOf } from "../plot/landmarks.ts";
import { plotLosses, readFitWithLosses } from "../plot/losses.ts";
import { type Panel, plotSky } from "../plot/plot.ts";
import { readResult } from "../result/files.ts";
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
  readonly view?: "likelihood" | "probability";
  readonly widthMm?: number;
  readonly window?: number;
  readonly colours: string;
  readonly event?: string;
  readonly galacticPlane: boolean;
  readonly hours: boolean;
}

/** `skyscan plot`: a picture of a result file. */
export function plotCommand(): Command {
  const command = new Command("plot")
    .description(
      "Draw a result as a sky map: the whole sky, and the best fit with its contours. Or draw dE/dx along the track of one fit.",
    )
    .argument("<file>", "result, .npz, .json or .fits; or a fit with its losses, from reco --json")
    .option(
      "--out <picture>",
      "file to write, .png, .svg or .pdf (default: the result's name, .png, here)",
    )
    .addOption(
      new Option("--panel <panel>", "the whole sky, the part around the best fit, or both")
        .choices(["sky", "zoom", "both"])
        .default("both"),
    )
    .addOption(
      new Option(
        "--view <view>",
        "what is coloured (default: likelihood, where the file has it)",
      ).choices(["likelihood", "probability"]),
    )
    .option(
      "--width-mm <w>",
      "how wide it is printed: 85 or 180 in journals",
      numberFrom(20, "mm", 2000),
    )
    .option(
      "--window <deg>",
      "width of the part around the best fit",
      numberFrom(0.1, "degrees", 120),
    )
    .option(
      "--colours <name>",
      `${paletteNames.join(", ")}: dusk is magma-like, reversed; all fall evenly in lightness`,
      "dusk",
    )
    .option("--event <alert>", "its online reconstruction, and its true direction where it has one")
    .option("--name <name>", "the alert's name, IceCube-YYMMDDA")
    .option("--stream <stream>", "Gold, Bronze")
    .option("--hours", "write RA in hours", false)
    .option("--no-galactic-plane", "leave it out")
    .option("--caption <text>", "a line below the title");
  return addSourcesFlags(addLevelsFlags(addPoleFlags(command)))
    .addHelpText(
      "after",
      `
Examples:
  skyscan plot run00136766.evt000007637140.neutrino_8_64_512.npz --event alert.json --out map.svg
  skyscan plot map.npz --sources 4FGL-DR4.fits.gz --sources blazars.csv --out map.pdf
  skyscan plot map.npz --panel zoom --width-mm 85 --colours viridis --out figure.pdf
  skyscan reco alert.json --reco-algo millipede_wilks --nside 8 --pixel 340 --json > fit.json
  skyscan plot fit.json --out losses.png`,
    )
    .action(async (file: string, flags: Flags) => {
      const title = basename(file, extname(file));
      const { out = `${title}.png` } = flags;
      pictureEnding(out);
      const fit = await readFitWithLosses(file);
      await writePicture(out, fit ? plotLosses(fit, title) : await skyMap(file, title, flags));
      print(`${out}\n`);
    });
}

async function skyMap(file: string, title: string, flags: Flags): Promise<string> {
  const palette = paletteNamed(flags.colours);
  const result = await readResult(file, poleOf(flags));
  if (result.isProbability && flags.view === "likelihood")
    throw new InputError(`${file}: a probability map, its likelihood is lost (--view probability)`);
  const { caption, name, stream, panel, view, widthMm, window } = flags;
  return plotSky(result, {
    ...{ title, palette, panel, isInHours: flags.hours },
    hasGalacticPlane: flags.galacticPlane,
    levels: await levelsFor(file, result, flags),
    catalogues: await cataloguesOf(flags),
    ...(flags.event !== undefined && { landmarks: landmarksOf(await loadEvent(flags.event)) }),
    ...(caption !== undefined && { caption }),
    ...(name !== undefined && { name }),
    ...(stream !== undefined && { stream }),
    ...(view !== undefined && { view }),
    ...(widthMm !== undefined && { widthMm }),
    ...(window !== undefined && { window }),
  });
}
