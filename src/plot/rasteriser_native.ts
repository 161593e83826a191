import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Rasteriser } from "./rasteriser.ts";

/** What the package @resvg/resvg-js wraps, whose search for the right build is not wanted here. */
interface Resvg {
  /** @param options as JSON */
  renderAsync(svg: string, options: string, signal: null): Promise<{ asPng(): Buffer }>;
}

/** resvg built for x86-64 and glibc; draws in a thread of its own. */
export const nativeRasteriser: Rasteriser = async (svg, { fontFamily, fonts, fitTo }) => {
  // Bun imports no native module.
  const resvg: Resvg = require("@resvg/resvg-js-linux-x64-gnu");
  // It opens font files itself, and knows nothing of those within the executable.
  const folder = await mkdtemp(join(tmpdir(), "skyscan-fonts-"));
  try {
    const fontFiles = fonts.map((_, n) => join(folder, `${n}.ttf`));
    for (const [n, file] of fontFiles.entries()) await writeFile(file, await readFile(fonts[n]!));
    const font = {
      fontFiles,
      loadSystemFonts: false,
      defaultFontFamily: fontFamily,
      sansSerifFamily: fontFamily,
    };
    const image = await resvg.renderAsync(svg, JSON.stringify({ font, fitTo }), null);
    return image.asPng();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
