import { extname, join } from "node:path";
import { InputError } from "../config/errors.ts";
import { resultStem } from "../result/filename.ts";
import { readResult, writeAtomically } from "../result/files.ts";
import type { Levels } from "../result/levels.ts";
import type { Pole, SkyScanResult } from "../result/result.ts";
import { plotLosses, readFitWithLosses } from "./losses.ts";
import type { Marks } from "./marks.ts";
import { toPdf } from "./pdf.ts";
import { type PlotOptions, plotSky } from "./plot.ts";
import { toPng } from "./png.ts";

/** How a picture is written, by the ending of its file's name. */
const writers: Readonly<Record<string, (svg: string) => Promise<string | Uint8Array>>> = {
  ".png": toPng,
  ".svg": async (svg) => svg,
  ".pdf": toPdf,
};

/** Throws InputError for a file whose name says no kind of picture. */
export function requirePicture(path: string): void {
  if (!Object.hasOwn(writers, extname(path)))
    throw new InputError(`${path}: a picture ends in ${Object.keys(writers).join(", ")}`);
}

/** Writes a picture as its name's ending says. */
export async function writePicture(path: string, svg: string): Promise<void> {
  requirePicture(path);
  await writeAtomically(path, await writers[extname(path)]!(svg));
}

/** What of a map's picture depends on the map. */
export interface OwnOptions {
  readonly levels?: Levels;
  readonly marks?: Marks;
}

/**
 * Draws a file: the sky map of a result, or the energy losses of a fit.
 * @param picture file to write; its extension says the format
 * @param own what is to be found out of a map before it is drawn
 */
export async function plotFile(
  file: string,
  picture: string,
  options: PlotOptions & { readonly title: string; readonly pole?: Pole },
  own?: (result: SkyScanResult) => Promise<OwnOptions>,
): Promise<void> {
  requirePicture(picture);
  const fit = await readFitWithLosses(file);
  const map = async () => {
    const result = await readResult(file, options.pole);
    return plotSky(result, { ...options, ...(await own?.(result)) });
  };
  await writePicture(picture, fit ? plotLosses(fit, options.title) : await map());
}

/**
 * Writes `<event>_<nsides>.png` and `.svg` into a folder.
 * @param options caption: what the map was made with: reconstruction, light model
 * @returns the two paths
 */
export async function plotFiles(
  folder: string,
  result: SkyScanResult,
  options: PlotOptions = {},
): Promise<{ png: string; svg: string }> {
  const stem = join(folder, resultStem(result));
  const paths = { png: `${stem}.png`, svg: `${stem}.svg` };
  const svg = plotSky(result, options);
  await writeAtomically(paths.svg, svg);
  await writeAtomically(paths.png, await toPng(svg));
  return paths;
}
