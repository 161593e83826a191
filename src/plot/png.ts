import font from "./font/DejaVuSans.ttf" with { type: "file" };
import boldFont from "./font/DejaVuSans-Bold.ttf" with { type: "file" };
import type { Rasteriser } from "./rasteriser.ts";

/** PNG pixels per SVG unit, and per inch where the picture has a width in mm. */
const RESOLUTION = 1.6;
const DOTS_PER_INCH = 400;

/** SVG → PNG. Text is set in DejaVu Sans, wherever this runs: machines that scan have no fonts. */
export async function toPng(svg: string): Promise<Uint8Array> {
  const native = () =>
    import("./rasteriser_native.ts").then(({ nativeRasteriser }) => nativeRasteriser);
  const portable = () =>
    import("./rasteriser_wasm.ts").then(({ wasmRasteriser }) => wasmRasteriser);
  // A machine with nothing but glibc has no libgcc_s, which the native one needs; the other takes eight times as long.
  return await native()
    .then(drawWith(svg))
    .catch(() => portable().then(drawWith(svg)));
}

/** Draws with the one or the other: they are the same program, and their pictures the same to the last byte. */
export const drawWith =
  (svg: string) =>
  async (rasteriser: Rasteriser): Promise<Uint8Array> =>
    await rasteriser(svg, {
      fontFamily: "DejaVu Sans",
      fonts: [font, boldFont],
      fitTo: sizeOf(svg),
    });

function sizeOf(svg: string) {
  const [, millimetres] = /^<svg[^>]* width="([\d.]+)mm"/.exec(svg) ?? [];
  if (millimetres === undefined) return { mode: "zoom", value: RESOLUTION } as const;
  return {
    mode: "width",
    value: Math.round((Number(millimetres) / 25.4) * DOTS_PER_INCH),
  } as const;
}
