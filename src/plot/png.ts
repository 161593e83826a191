import { readFile } from "node:fs/promises";
import { initWasm, Resvg } from "@resvg/resvg-wasm";
import rasteriser from "@resvg/resvg-wasm/index_bg.wasm" with { type: "file" };
import font from "./font/DejaVuSans.ttf" with { type: "file" };
import boldFont from "./font/DejaVuSans-Bold.ttf" with { type: "file" };

/** PNG pixels per SVG unit. */
const RESOLUTION = 1.6;

let prepared: Promise<Uint8Array[]> | undefined;

/** Loads the rasteriser once, and the fonts: machines that scan have none. */
async function prepare(): Promise<Uint8Array[]> {
  await initWasm(await readFile(rasteriser));
  return Promise.all([readFile(font), readFile(boldFont)]);
}

/** SVG → PNG. Text is set in DejaVu Sans, wherever this runs. */
export async function toPng(svg: string): Promise<Uint8Array> {
  prepared ??= prepare();
  const fontBuffers = await prepared;
  const renderer = new Resvg(svg, {
    font: { fontBuffers, defaultFontFamily: "DejaVu Sans", sansSerifFamily: "DejaVu Sans" },
    fitTo: { mode: "zoom", value: RESOLUTION },
  });
  const image = renderer.render();
  const png = image.asPng();
  image.free();
  renderer.free();
  return png;
}
