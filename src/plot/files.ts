import { extname, join } from "node:path";
import { InputError } from "../config/errors.ts";
import { resultStem } from "../result/filename.ts";
import { writeAtomically } from "../result/files.ts";
import type { SkyScanResult } from "../result/result.ts";
import { type PlotOptions, plotSky } from "./plot.ts";
import { toPng } from "./png.ts";

/** Writes the picture of a result; the extension, .png or .svg, says the format. */
export async function writePlot(
  path: string,
  result: SkyScanResult,
  options?: PlotOptions,
): Promise<void> {
  const extension = extname(path);
  if (extension !== ".png" && extension !== ".svg")
    throw new InputError(`${path}: a picture ends in .png or .svg`);
  const svg = plotSky(result, options);
  await writeAtomically(path, extension === ".png" ? await toPng(svg) : svg);
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
