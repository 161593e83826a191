import type { GeoPath } from "d3-geo";
import type { PixelResult } from "../scan/task.ts";
import { angleBetween, pixelVector, type Vector } from "../sky/healpix.ts";
import { pixelBoundary, stepsFor } from "./boundary.ts";
import { colourOf } from "./colour.ts";
import type { Scale } from "./scale.ts";
import { element } from "./svg.ts";

/** Different colours on a map; one path each keeps the picture small. */
const COLOURS = 256;

/** Hides the hairlines that antialiasing leaves between neighbours, px. */
const OVERLAP = 0.4;

/** A pixel's farthest corner is nearer to its centre than this many times its size (√ of its area). */
const REACH = 1.2;

/**
 * Pixels as filled outlines, coloured by 2·Δllh.
 * @param llh the best one of the map
 * @param within draw only what may reach into this circle (rad)
 */
export function drawPixels(
  pixels: readonly PixelResult[],
  path: GeoPath,
  scale: Scale,
  llh: number,
  within?: { centre: Vector; radius: number },
): string {
  const layers = new Map<number, Map<number, string>>();
  for (const pixel of pixels) {
    const outlines = layers.get(pixel.nside) ?? new Map<number, string>();
    layers.set(pixel.nside, outlines);
    if (within) {
      const reach = within.radius + REACH * Math.sqrt(Math.PI / 3 / pixel.nside ** 2);
      if (angleBetween(pixelVector(pixel.nside, pixel.pixel), within.centre) > reach) continue;
    }
    const outline = path(pixelBoundary(pixel.nside, pixel.pixel, stepsFor(pixel.nside)));
    const colour = Math.round(scale.share(2 * (pixel.llh - llh)) * (COLOURS - 1));
    outlines.set(colour, (outlines.get(colour) ?? "") + (outline ?? ""));
  }
  const paths = [...layers.values()]
    .flatMap((outlines) => [...outlines])
    .map(([colour, d]) => {
      const fill = colourOf(colour / (COLOURS - 1));
      return element("path", { d, fill, stroke: fill });
    });
  return element("g", { "stroke-width": OVERLAP, "stroke-linejoin": "round" }, ...paths);
}
