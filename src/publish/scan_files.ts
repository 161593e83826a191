/** The files a finished scan leaves for others, beside its own. */

import { InputError } from "../config/errors.ts";
import { writeAtomically } from "../result/files.ts";
import type { SkyScanResult } from "../result/result.ts";
import { type FormatName, formats, type PublishOptions, publisher } from "./formats.ts";

/** What is written of every map; what needs a fact that is not given is left out. */
const always: readonly FormatName[] = [
  "multiorder.fits",
  "moc.fits",
  "contours.geojson",
  "contours.reg",
  "circular",
];
/** skyreader's files of contours, one a level. */
const percents = [50, 90] as const;

/**
 * Writes a map as everything that an operator publishes: FITS, contours, circular and, where the stream is known,
 * notice.
 * @param stem folder and name the endings are added to
 * @param onSkipped told why a notice cannot be made of this map; the rest is published nevertheless
 * @returns the files
 * @throws InputError where a place cannot be written, or no pixel has a fit
 */
export async function writePublished(
  stem: string,
  result: SkyScanResult,
  options: PublishOptions & { readonly isFits: boolean },
  onSkipped: (reason: string) => void,
): Promise<string[]> {
  const render = publisher(result, options);
  const names = always.filter((name) => options.isFits || !name.endsWith(".fits"));
  const contents: [string, string | Uint8Array][] = names.map((name) => [
    `${stem}${formats[name].suffix}`,
    render(name),
  ]);
  for (const percent of percents)
    contents.push([`${stem}.contour_${percent}.txt`, render("contour.txt", percent)]);
  if (options.facts?.stream !== undefined)
    try {
      contents.push([`${stem}${formats.notice.suffix}`, render("notice")]);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      onSkipped(error.message);
    }
  // All is worked out before anything is written.
  for (const [path, content] of contents) await writeAtomically(path, content);
  return contents.map(([path]) => path);
}
