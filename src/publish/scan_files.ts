/** The files a finished scan leaves for others, beside its own. */

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
 * @returns the files
 * @throws InputError where a place cannot be written, or no pixel has a fit
 */
export async function writePublished(
  stem: string,
  result: SkyScanResult,
  options: PublishOptions & { readonly isFits: boolean },
): Promise<string[]> {
  const render = publisher(result, options);
  const names = always.filter((name) => options.isFits || !name.endsWith(".fits"));
  const noticed: FormatName[] = options.facts?.stream === undefined ? names : [...names, "notice"];
  const contents: [string, string | Uint8Array][] = noticed.map((name) => [
    `${stem}${formats[name].suffix}`,
    render(name),
  ]);
  for (const percent of percents)
    contents.push([
      `${stem}.contour_${percent}.txt`,
      publisher(result, { ...options, percent })("contour.txt"),
    ]);
  // All is worked out before anything is written.
  for (const [path, content] of contents) await writeAtomically(path, content);
  return contents.map(([path]) => path);
}
