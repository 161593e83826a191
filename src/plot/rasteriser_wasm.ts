import { readFile } from "node:fs/promises";
import { initWasm, Resvg } from "@resvg/resvg-wasm";
import program from "@resvg/resvg-wasm/index_bg.wasm" with { type: "file" };
import type { Rasteriser } from "./rasteriser.ts";

let loaded: Promise<void> | undefined;

/** resvg as WebAssembly: draws anywhere. */
export const wasmRasteriser: Rasteriser = async (svg, { fontFamily, fonts, fitTo }) => {
  loaded ??= readFile(program).then(initWasm);
  await loaded;
  const fontBuffers = await Promise.all(fonts.map((file) => readFile(file)));
  const renderer = new Resvg(svg, {
    font: { fontBuffers, defaultFontFamily: fontFamily, sansSerifFamily: fontFamily },
    fitTo,
  });
  const image = renderer.render();
  const png = image.asPng();
  image.free();
  renderer.free();
  return png;
};
