import { readFile } from "node:fs/promises";
import { initWasm, Resvg } from "@resvg/resvg-wasm";
import rasteriser from "@resvg/resvg-wasm/index_bg.wasm" with { type: "file" };
import font from "./font/DejaVuSans.ttf" with { type: "file" };
import boldFont from "./font/DejaVuSans-Bold.ttf" with { type: "file" };

/** PNG pixels per SVG unit, and per inch where the picture has a width in mm. */
const RESOLUTION = 1.6;
const DOTS_PER_INCH = 400;

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
    fitTo: sizeOf(svg),
  });
  const image = renderer.render();
  const png = image.asPng();
  image.free();
  renderer.free();
  return png;
}

function sizeOf(svg: string) {
  const [, millimetres] = /^<svg[^>]* width="([\d.]+)mm"/.exec(svg) ?? [];
  if (millimetres === undefined) return { mode: "zoom", value: RESOLUTION } as const;
  return {
    mode: "width",
    value: Math.round((Number(millimetres) / 25.4) * DOTS_PER_INCH),
  } as const;
}
