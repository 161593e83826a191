import { extname, join } from "node:path";
import { InputError } from "../config/errors.ts";
import { resultStem } from "../result/filename.ts";
import { readResult, writeAtomically } from "../result/files.ts";
import type { Levels } from "../result/levels.ts";
import type { Pole, SkyScanResult } from "../result/result.ts";
import { plotLosses, readFitWithLosses } from "./losses.ts";
import { type PlotOptions, plotSky } from "./plot.ts";
import { toPng } from "./png.ts";

/**
 * Draws a file: the sky map of a result, or the energy losses of a fit.
 * @param picture file to write; its extension, .png or .svg, says the format
 * @param levelsFor finds the levels of a map's contours; default: those of its algorithm
 */
export async function plotFile(
  file: string,
  picture: string,
  options: PlotOptions & { readonly title: string; readonly pole?: Pole },
  levelsFor?: (result: SkyScanResult) => Promise<Levels>,
): Promise<void> {
  const extension = extname(picture);
  if (extension !== ".png" && extension !== ".svg")
    throw new InputError(`${picture}: a picture ends in .png or .svg`);
  const fit = await readFitWithLosses(file);
  const map = async () => {
    const result = await readResult(file, options.pole);
    return plotSky(result, { ...options, ...(levelsFor && { levels: await levelsFor(result) }) });
  };
  const svg = fit ? plotLosses(fit, options.title) : await map();
  await writeAtomically(picture, extension === ".png" ? await toPng(svg) : svg);
}

/**
 * Writes `<event>_<nsides>.png` and `.svg` into a folder.
 * @param caption what the map was made with: reconstruction, light model
 * @returns the two paths
 */
export async function plotFiles(
  folder: string,
  result: SkyScanResult,
  caption?: string,
): Promise<{ png: string; svg: string }> {
  const stem = join(folder, resultStem(result));
  const paths = { png: `${stem}.png`, svg: `${stem}.svg` };
  const svg = plotSky(result, caption === undefined ? {} : { caption });
  await writeAtomically(paths.svg, svg);
  await writeAtomically(paths.png, await toPng(svg));
  return paths;
}
