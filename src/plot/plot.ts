import { degreesPerRadian } from "../geometry/constants.ts";
import { bestDirection } from "../result/best_direction.ts";
import { traceContours } from "../result/contours.ts";
import { type Levels, levelsOf } from "../result/levels.ts";
import { northFirst } from "../result/orientation.ts";
import { bestFit, eventOf, type SkyScanResult } from "../result/result.ts";
import { allSkyPanel, type SkyMap } from "./all_sky.ts";
import { picture, text } from "./svg.ts";
import { zoomPanel, zoomWindow } from "./zoom.ts";

export interface PlotOptions {
  /** Above the map where the result does not say which event it is about, e.g. the file's name. */
  readonly title?: string;
  /** One line below the title: reconstruction, light model. */
  readonly caption?: string;
  /** Of the contours; default: those of the algorithm that made the map. */
  readonly levels?: Levels;
}

const WIDTH = 1560;
const HEIGHT = 670;
/** Letters that fit beside the other panel. */
const LONGEST_CAPTION = 80;
const SKY = { x: 60, y: 124, width: 850 };
const ZOOM = { x: 1010, y: 100, width: 440 };

/**
 * A picture of a result as SVG: the whole sky beside the neighbourhood of the best fit. Partial results show what
 * there is; what was not scanned or has no fit is grey.
 */
export function plotSky(result: SkyScanResult, options: PlotOptions = {}): string {
  const upright = northFirst(result);
  const best = bestFit(upright);
  const levels = options.levels ?? levelsOf(result);
  const map: SkyMap = {
    pixels: [...upright.nsides]
      .sort(([a], [b]) => a - b)
      .flatMap(([, pixels]) => pixels.filter(({ llh }) => !Number.isNaN(llh))),
    best,
    centre: bestDirection(result) ?? { ra: Math.PI, dec: 0 },
    levels,
    contours: traceContours(upright, levels),
  };
  const window = best ? zoomWindow(map) : undefined;
  return picture(
    WIDTH,
    HEIGHT,
    text(SKY.x - 20, 40, titleOf(result, options.title), {
      "font-size": 21,
      "font-weight": "bold",
    }),
    text(SKY.x - 20, 66, subtitleOf(result, options.caption), { "font-size": 14, fill: "#555" }),
    allSkyPanel(map, SKY, window?.outline ?? []),
    text(SKY.x - 20, HEIGHT - 18, pixelsLine(result), { "font-size": 12, fill: "#555" }),
    window ? zoomPanel(map, window, ZOOM) : "",
    text(ZOOM.x, 66, bestFitLine(map), { "font-size": 14, "font-weight": "bold" }),
  );
}

function titleOf(result: SkyScanResult, title = ""): string {
  const event = eventOf(result);
  if (event === undefined) return title;
  return `Run ${event.runId}  Event ${event.eventId}  Type ${event.eventType}  MJD ${event.mjd.toFixed(6)}`;
}

function subtitleOf({ metadata }: SkyScanResult, caption: string | undefined): string {
  return [
    ...(caption
      ? [caption.length > LONGEST_CAPTION ? `${caption.slice(0, LONGEST_CAPTION)}…` : caption]
      : []),
    ...(metadata?.complete === false ? ["scan not complete"] : []),
    ...(metadata?.isRealEvent === false ? ["simulated event"] : []),
  ].join("  ·  ");
}

function pixelsLine(result: SkyScanResult): string {
  const list = [...result.nsides]
    .sort(([a], [b]) => a - b)
    .map(([nside, pixels]) => `${pixels.length} at nside ${nside}`);
  const failed = [...result.nsides.values()].flat().filter(({ llh }) => Number.isNaN(llh)).length;
  return `Pixels: ${list.join(", ")}${failed > 0 ? `; ${failed} without a fit` : ""}`;
}

function bestFitLine({ best, centre }: SkyMap): string {
  if (best === undefined) return "No pixel has a fit.";
  const dec = centre.dec * degreesPerRadian;
  return `Best fit  RA ${(centre.ra * degreesPerRadian).toFixed(2)}°  Dec ${dec < 0 ? "−" : "+"}${Math.abs(dec).toFixed(2)}°  llh ${best.llh.toFixed(2)}`;
}
