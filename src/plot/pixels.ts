import { type GeoProjection, geoPath } from "d3-geo";
import type { PixelResult } from "../scan/task.ts";
import { angleBetween, pixelVector, type Vector } from "../sky/healpix.ts";
import { pixelBoundary, pixelPolygon, stepsFor } from "./boundary.ts";
import type { Palette } from "./colour.ts";
import type { Scale } from "./scale.ts";
import { element } from "./svg.ts";

/** Different colours on a map; one path each keeps the picture small. */
const COLOURS = 256;

/** In their place. */
const NO_FIT = -1;

/** Hides the hairlines that antialiasing leaves between neighbours, px. */
const OVERLAP = 0.4;

/** A pixel's farthest corner is nearer to its centre than this many times its size (√ of its area). */
const REACH = 1.2;

/** Outlines whose corners are no farther apart on the picture than this (px) are drawn without d3-geo's clipping. */
const SMALL = 40;

/** What was not scanned, and what has no fit. */
export const NO_FIT_COLOUR = "#d5d5d8";

/**
 * Pixels as filled outlines, coloured by −2 Δ ln L, those without a fit grey; later ones over earlier ones, nside by
 * nside.
 * @param llh the best one of the map
 * @param within draw only what may reach into this circle (rad)
 */
export function drawPixels(
  pixels: readonly PixelResult[],
  projection: GeoProjection,
  scale: Scale,
  palette: Palette,
  llh: number,
  within?: { centre: Vector; radius: number },
): string {
  const outline = outliner(projection);
  const layers = new Map<number, Map<number, string[]>>();
  for (const { nside, pixel, llh: value } of pixels) {
    if (within) {
      const reach = within.radius + REACH * Math.sqrt(Math.PI / 3 / nside ** 2);
      if (angleBetween(pixelVector(nside, pixel), within.centre) > reach) continue;
    }
    const layer = layers.get(nside) ?? new Map<number, string[]>();
    layers.set(nside, layer);
    const share = scale.share(2 * (value - llh));
    const colour = Number.isNaN(value) ? NO_FIT : Math.round(share * (COLOURS - 1));
    const drawn = outline(nside, pixel);
    if (drawn === "") continue;
    const outlines = layer.get(colour) ?? [];
    layer.set(colour, outlines);
    outlines.push(drawn);
  }
  const paths = [...layers.values()].flatMap((layer) =>
    [...layer].map(([colour, outlines]) => {
      const fill = colour === NO_FIT ? NO_FIT_COLOUR : palette(colour / (COLOURS - 1));
      return element("path", { d: outlines.join(""), fill, stroke: fill });
    }),
  );
  return element("g", { "stroke-width": OVERLAP, "stroke-linejoin": "round" }, ...paths);
}

/** Makes the SVG path of a pixel. Small ones need no resampling, and those in one piece no clipping. */
function outliner(projection: GeoProjection): (nside: number, pixel: number) => string {
  const path = geoPath(projection).digits(2);
  const everywhere = [
    [-Infinity, -Infinity],
    [Infinity, Infinity],
  ] as const;
  const [[x0, y0], [x1, y1]] = projection.clipExtent() ?? everywhere;
  return (nside, pixel) => {
    const steps = stepsFor(nside, pixel);
    if (steps === 1) {
      const corners = pixelBoundary(nside, pixel, 1)
        .slice(0, 4)
        .map((corner) => projection(corner));
      const xs = corners.map((corner) => corner?.[0] ?? Number.NaN);
      const ys = corners.map((corner) => corner?.[1] ?? Number.NaN);
      const [left, right, top, bottom] = [
        Math.min(...xs),
        Math.max(...xs),
        Math.min(...ys),
        Math.max(...ys),
      ];
      const isInside = left >= x0 && right <= x1 && top >= y0 && bottom <= y1;
      if (isInside && right - left + bottom - top < SMALL)
        return `M${xs.map((x, i) => `${x.toFixed(2)},${ys[i]!.toFixed(2)}`).join("L")}Z`;
    }
    return path(pixelPolygon(nside, pixel, steps)) ?? "";
  };
}
