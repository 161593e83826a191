import type { EventMetadata } from "../event/event.ts";
import { isoOfMjd } from "../event/utc.ts";
import { degreesPerRadian } from "../geometry/constants.ts";
import { eventOf, type SkyScanResult } from "../result/result.ts";
import type { Direction } from "../sky/healpix.ts";
import { allSkyPanel } from "./all_sky.ts";
import { textWidth } from "./labels.ts";
import { type MapOptions, type SkyMap, skyMapOf } from "./sky_map.ts";
import { picture, text } from "./svg.ts";
import { legend, legendLine, legendRows, zoomPanel, zoomWindow } from "./zoom.ts";

/** Which parts of the sky a picture shows: all of it, the neighbourhood of the best fit. */
export const panels = ["both", "sky", "zoom"] as const;
export type Panel = (typeof panels)[number];

export interface PlotOptions extends MapOptions {
  /** Above the map where the result does not say which event it is about, e.g. the file's name. */
  readonly title?: string;
  /** The event of a map that does not say so itself. */
  readonly event?: EventMetadata;
  /** The alert's: "IceCube-220624A". */
  readonly name?: string;
  /** How it was graded: "gold". */
  readonly stream?: string;
  /** Below the title: reconstruction, light model. */
  readonly caption?: string;
  readonly panel?: Panel;
  /** Half the width of the neighbourhood, degrees; default: as much as the contours need. */
  readonly window?: number;
  /** On paper, mm; default: on a screen. */
  readonly widthMm?: number;
}

/** Where the panels stand below the heading, px. */
const layouts = {
  both: { width: 1560, sky: { x: 60, width: 850 }, zoom: { x: 1010, width: 440 } },
  sky: { width: 970, sky: { x: 60, width: 850 } },
  zoom: { width: 580, zoom: { x: 88, width: 380 } },
} as const satisfies Record<Panel, object>;
const MARGIN = 40;
const TITLE_SIZE = 21;
const LINE = 22;

/**
 * A picture of a result as SVG: the whole sky beside the neighbourhood of the best fit. Partial results show what
 * there is; what was not scanned is grey, what has no fit darker grey.
 */
export function plotSky(result: SkyScanResult, options: PlotOptions = {}): string {
  const { panel = "both" } = options;
  const map = skyMapOf(result, options);
  const layout: { width: number; sky?: Row; zoom?: Row } = layouts[panel];
  const centre: Direction | undefined = map.best;
  const heading = headingOf(result, map, options, layout);
  const top = heading.height + 14;
  const window = centre && zoomWindow(map, centre, options.window);
  const parts: string[] = [heading.svg];
  let bottom = top;
  if (layout.sky) {
    const place = { ...layout.sky, y: top };
    const outline = layout.zoom && window ? window.outline : [];
    parts.push(allSkyPanel(map, place, outline));
    bottom = Math.max(bottom, top + place.width / 2 + 100);
  }
  if (layout.zoom && centre && window) {
    const place = { ...layout.zoom, y: top };
    parts.push(zoomPanel(map, centre, window, place));
    const below = place.y + place.width + 68;
    parts.push(
      legend(map, { x: place.x - (panel === "zoom" ? 48 : 0), y: below }, layout.width - place.x),
    );
    bottom = Math.max(bottom, below + legendLine * legendRows(map).length);
  }
  const height = Math.max(bottom + 40, panel === "both" ? 670 : 0);
  parts.push(text(MARGIN, height - 14, pixelsLine(result), { "font-size": 12, fill: "#555" }));
  return picture({ width: layout.width, height, widthMm: options.widthMm }, ...parts);
}

interface Row {
  readonly x: number;
  readonly width: number;
}

/** Title, event, caption, and the best fit: above the zoom where it has a place of its own, else one more line. */
function headingOf(
  result: SkyScanResult,
  map: SkyMap,
  options: PlotOptions,
  layout: { width: number; sky?: Row; zoom?: Row },
): { svg: string; height: number } {
  const beside = layout.sky && layout.zoom?.x;
  const room = (beside === undefined ? layout.width - MARGIN : beside - MARGIN) - MARGIN;
  const small = { "font-size": 14, fill: "#555" };
  const lines = [
    ...wrapped(eventParts(result, options), room),
    ...wrapped(madeOf(result, options), room),
  ];
  const best = bestFitLine(map);
  const strong = { "font-size": 14, "font-weight": "bold" };
  const texts = [
    text(MARGIN, 40, titleOf(result, options), { "font-size": TITLE_SIZE, "font-weight": "bold" }),
    ...lines.map((line, i) => text(MARGIN, 66 + LINE * i, line, small)),
  ];
  let height = 66 + LINE * Math.max(0, lines.length - 1);
  if (beside !== undefined) texts.push(text(beside, height, best, strong));
  else {
    height += LINE + 2;
    texts.push(text(MARGIN, height, best, strong));
  }
  return { svg: texts.join("\n"), height };
}

/** Parts joined by points, as many on a line as have room. */
function wrapped(parts: readonly string[], room: number): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    const longer = last === undefined ? part : `${last}  ·  ${part}`;
    // A line of small letters is narrower than its digits would be.
    if (last !== undefined && 0.92 * textWidth(longer, 14) <= room)
      lines[lines.length - 1] = longer;
    else lines.push(part);
  }
  return lines;
}

function titleOf(result: SkyScanResult, { title = "", name, event: told }: PlotOptions): string {
  const event = eventOf(result) ?? told;
  return name ?? (event ? `Run ${event.runId}  ·  event ${event.eventId}` : title);
}

/** Run and event where the title is a name, when, what kind. */
function eventParts(result: SkyScanResult, { name, stream, event: told }: PlotOptions): string[] {
  const event = eventOf(result) ?? told;
  const grade = stream ? [stream.charAt(0).toUpperCase() + stream.slice(1)] : [];
  if (event === undefined) return grade;
  const { runId, eventId, mjd, eventType } = event;
  return [
    ...(name === undefined ? [] : [`run ${runId} event ${eventId}`]),
    ...(isDatable(mjd) ? [`${utcText(mjd)} UTC`] : []),
    `MJD ${mjd.toFixed(6)}`,
    ...(grade.length > 0 ? grade : [eventType]),
  ];
}

/** "2022-06-24 16:13:16.41". */
const utcText = (mjd: number): string =>
  isoOfMjd(mjd + 0.005 / 86_400)
    .replace("T", " ")
    .slice(0, -4);

/** A moment of this millennium or the last: an event's, and no number gone astray. */
const isDatable = (mjd: number): boolean => mjd > 0 && mjd < 400_000;

/** What the map was made with, and what it lacks. */
const madeOf = ({ metadata }: SkyScanResult, { caption }: PlotOptions): string[] => [
  ...(caption ? caption.split(/, (?=[^()]*(?:\(|$))/) : []),
  ...(metadata?.complete === false ? ["scan not complete"] : []),
  ...(metadata?.isRealEvent === false ? ["simulated event"] : []),
];

function pixelsLine(result: SkyScanResult): string {
  const list = [...result.nsides]
    .sort(([a], [b]) => a - b)
    .map(([nside, pixels]) => `${pixels.length} at nside ${nside}`);
  const failed = [...result.nsides.values()].flat().filter(({ llh }) => Number.isNaN(llh)).length;
  return `Pixels: ${list.join(", ")}${failed > 0 ? `; ${failed} without a fit` : ""}`;
}

function bestFitLine({ best }: SkyMap): string {
  if (best === undefined) return "No pixel has a fit.";
  const dec = best.dec * degreesPerRadian;
  return `Best fit  RA ${(best.ra * degreesPerRadian).toFixed(2)}°  Dec ${dec < 0 ? "−" : "+"}${Math.abs(dec).toFixed(2)}°  −ln L = ${best.llh.toFixed(2)}`;
}
