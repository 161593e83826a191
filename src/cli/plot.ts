import { readFile } from "node:fs/promises";
import { basename, extname } from "node:path";
import { Command, Option } from "commander";
import { InputError } from "../config/errors.ts";
import { print } from "../config/print.ts";
import { detectorOf } from "../detector/gcd.ts";
import type { Event } from "../event/event.ts";
import { loadEvent } from "../event/load.ts";
import { paletteNamed, paletteNames } from "../plot/colour.ts";
import { plotEvent } from "../plot/event_picture.ts";
import { eventView, trackOfLosses, trackOfMap } from "../plot/event_view.ts";
import { pictureEnding, writePicture } from "../plot/files.ts";
import { landmarksOf } from "../plot/landmarks.ts";
import { plotLosses, readFitWithLosses, readPlacedLosses } from "../plot/losses.ts";
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
  readonly result?: string;
  readonly gcdDir?: string;
  readonly galacticPlane: boolean;
  readonly hours: boolean;
}

/** `skyscan plot`: a picture of a result file. */
export function plotCommand(): Command {
  const command = new Command("plot")
    .description(
      "Draw a result as a sky map: the whole sky, and the best fit with its contours. Or what the detector saw of an alert, with the track fitted to it. Or dE/dx along the track of one fit.",
    )
    .argument(
      "<file>",
      "result, .npz, .json or .fits; or an alert; or a fit with its losses, from reco --json",
    )
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
    .option(
      "--result <file>",
      "of an alert: the map whose best track is drawn, or a fit with its losses",
    )
    .option(
      "-g, --gcd-dir <dir>",
      "of an alert: baseline GCD files (default: the built-in IC86 geometry)",
    )
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
  skyscan plot alert.json --result map.npz --out event.png
  skyscan reco alert.json --reco-algo millipede_wilks --nside 8 --pixel 340 --json > fit.json
  skyscan plot fit.json --out losses.png
  skyscan plot alert.json --result fit.json --out event.pdf`,
    )
    .action(async (file: string, flags: Flags) => {
      const title = basename(file, extname(file));
      const { out = `${title}.png` } = flags;
      pictureEnding(out);
      await writePicture(out, await drawingOf(file, title, flags));
      print(`${out}\n`);
    });
}

/** What a file holds says what is drawn: a fit's losses, an event, or a map. */
async function drawingOf(file: string, title: string, flags: Flags): Promise<string> {
  const fit = await readFitWithLosses(file);
  if (fit !== undefined) return plotLosses(fit, title);
  return (await isAlert(file)) ? await eventDisplay(file, flags) : await skyMap(file, title, flags);
}

/** Alerts have frames; of what is packed and no FITS map, no result is known. */
async function isAlert(file: string): Promise<boolean> {
  if (file === "-" || /\.(pkl|i3|i3\.\w+|json\.\w+|pkl\.\w+)$/.test(file)) return true;
  if (!file.endsWith(".json")) return false;
  const content = await readFile(file, "utf8").catch(() => "");
  return !content.includes('"nside-') && /"frames"|"event_i3live_json/.test(content);
}

async function eventDisplay(file: string, flags: Flags): Promise<string> {
  const palette = paletteNamed(flags.colours);
  const event = await loadEvent(file);
  const detector = await detectorOf(event, flags.gcdDir);
  const fitted = flags.result === undefined ? {} : await fittedIn(flags.result, event);
  return plotEvent(eventView(event, detector, fitted), palette, flags.widthMm);
}

/** The track in a map, or with its losses in a fit's file. @throws InputError where there is none */
async function fittedIn(file: string, event: Event) {
  const losses = await readPlacedLosses(file);
  const track =
    losses === undefined
      ? trackOfMap(await readResult(file), event.metadata)
      : trackOfLosses(losses);
  if (track === undefined) throw new InputError(`--result ${file}: no track in it`);
  return { track, ...(losses && { losses }) };
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
