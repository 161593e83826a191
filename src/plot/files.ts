import { extname, join } from "node:path";
import { InputError } from "../config/errors.ts";
import { resultStem } from "../result/filename.ts";
import { writeAtomically } from "../result/files.ts";
import type { SkyScanResult } from "../result/result.ts";
import { type PlotOptions, plotSky } from "./plot.ts";
import { toPng } from "./png.ts";

/** What a picture can be, by its file's ending. */
export const pictureEndings = [".png", ".svg", ".pdf"] as const;
type PictureEnding = (typeof pictureEndings)[number];

/** @throws InputError for a file of another kind */
export function pictureEnding(file: string): PictureEnding {
  const ending = pictureEndings.find((known) => known === extname(file));
  if (ending === undefined) throw new InputError(`${file}: a picture ends in .png, .svg or .pdf`);
  return ending;
}

/** Writes a picture; its file's ending says the format. */
export async function writePicture(file: string, svg: string): Promise<void> {
  const content = { ".png": toPng, ".svg": (text: string) => text, ".pdf": toPdfLazily };
  await writeAtomically(file, await content[pictureEnding(file)](svg));
}

const toPdfLazily = async (svg: string) => (await import("./pdf.ts")).toPdf(svg);

/**
 * Writes `<event>_<nsides>.png` and `.svg` into a folder.
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
  await writePicture(paths.svg, svg);
  await writePicture(paths.png, svg);
  return paths;
}
