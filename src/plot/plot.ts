import { geoPath } from "d3-geo";
import { isoOfMjd } from "../event/utc.ts";
import { degreesPerRadian } from "../geometry/constants.ts";
import { provenanceOf } from "../result/provenance.ts";
import { eventOf, type SkyScanResult } from "../result/result.ts";
import { allSkyHeight, allSkyPanel } from "./all_sky.ts";
import { colourOf, type Palette } from "./colour.ts";
import { drawGalacticPlane } from "./galactic_plane.ts";
import { textWidth } from "./labels.ts";
import { legend, markRows, regionRows, signedDegrees } from "./legend.ts";
import { type SkyMap, type SkyMapOptions, skyMapOf } from "./sky_map.ts";
import { picture, text } from "./svg.ts";
import { type Window, zoomHeight, zoomPanel, zoomProjection, zoomWindow } from "./zoom.ts";

export type Panel = "sky" | "zoom" | "both";

export interface PlotOptions extends Partial<Omit<SkyMapOptions, "palette">> {
  readonly palette?: Palette;
  /** Above the map where the result does not say which event it is about, e.g. the file's name. */
  readonly title?: string;
  /** One line below the title; default: reconstruction and light model, where the result knows them. */
  readonly caption?: string;
  /** The alert's name: "IceCube-220624A". */
  readonly name?: string;
  /** "Gold", "Bronze". */
  readonly stream?: string;
  readonly panel?: Panel;
  /** How wide the picture is printed, mm. */
  readonly widthMm?: number;
  /** Of the enlarged part, degrees; default: as the contours need. */
  readonly window?: number;
}

/** Width of a picture with both panels, with one of them, px; and what it keeps free on its left and right. */
const WIDTHS = { both: 1560, sky: 960, zoom: 610 } as const;
const MARGIN = 40;

/**
 * A picture of a result as SVG: the whole sky beside the neighbourhood of the best fit, or one of them. Partial results show what
 * there is; what was not scanned or has no fit is grey.
 */
export function plotSky(result: SkyScanResult, options: PlotOptions = {}): string {
  const { panel = "both", widthMm } = options;
  const map = skyMapOf(result, { ...options, palette: options.palette ?? colourOf });
  const window = map.found ? zoomWindow(map, options.window) : undefined;
  const width = WIDTHS[panel];
  const heading = headingOf(result, map, options, panel, width - 2 * MARGIN);
  const { svg, height } =
    panel === "both"
      ? bothPanels(map, window, heading.height)
      : panel === "sky"
        ? skyAlone(map, heading.height)
        : zoomAlone(map, window, heading.height);
  const last = text(MARGIN, height + 22, pixelsLine(result), { "font-size": 12, fill: "#555" });
  const size = { width, height: height + 40, ...(widthMm !== undefined && { widthMm }) };
  return picture(size, heading.svg, svg, last);
}

interface Drawn {
  readonly svg: string;
  /** To its lower edge, from the picture's upper one. */
  readonly height: number;
}

function bothPanels(map: SkyMap, window: Window | undefined, top: number): Drawn {
  const sky = { x: 60, y: top + 30, width: 850 };
  const zoom = { x: 1030, y: top + 20, width: 420 };
  const below = sky.y + allSkyHeight(sky.width) + 28;
  const marks = legend(markRows(map, window !== undefined), { x: MARGIN, y: below, width: 880 });
  const regions = legend(regionRows(map, true), {
    x: zoom.x - 65,
    y: zoom.y + zoomHeight(zoom.width) + 24,
    width: 560,
  });
  const enlarged = window ? zoomPanel(map, window, zoom) + regions.svg : "";
  const lower = Math.max(
    below + marks.height,
    zoom.y + zoomHeight(zoom.width) + 24 + regions.height,
  );
  return {
    svg: allSkyPanel(map, sky, window?.outline ?? []) + marks.svg + enlarged,
    height: lower,
  };
}

function skyAlone(map: SkyMap, top: number): Drawn {
  const sky = { x: 70, y: top + 12, width: 850 };
  const below = sky.y + allSkyHeight(sky.width) + 28;
  const rows = legend([...markRows(map, false), ...regionRows(map, false)], {
    x: MARGIN,
    y: below,
    width: 880,
  });
  return { svg: allSkyPanel(map, sky, []) + rows.svg, height: below + rows.height };
}

function zoomAlone(map: SkyMap, window: Window | undefined, top: number): Drawn {
  const zoom = { x: 100, y: top + 12, width: 385 };
  const below = zoom.y + zoomHeight(zoom.width) + 24;
  const projection = window && zoomProjection(map.centre, window.halfWidth, zoom);
  const crosses = projection !== undefined && drawGalacticPlane(geoPath(projection)) !== "";
  const hasGalacticPlane = map.hasGalacticPlane && crosses;
  const rows = legend(
    [...regionRows(map, true), ...markRows({ ...map, hasGalacticPlane }, false)],
    {
      x: MARGIN,
      y: below,
      width: 540,
    },
  );
  if (window === undefined) return { svg: "", height: top + 40 };
  return { svg: zoomPanel(map, window, zoom) + rows.svg, height: below + rows.height };
}

/** Title, what the map was made with, and the best fit: each on as many lines as it needs. */
function headingOf(
  result: SkyScanResult,
  map: SkyMap,
  options: PlotOptions,
  panel: Panel,
  width: number,
): Drawn {
  const isWide = panel === "both";
  const kinds = [
    { parts: titleParts(result, options), size: isWide ? 21 : 16, bold: true },
    { parts: subtitleParts(result, options), size: isWide ? 14 : 12, bold: false },
    { parts: bestFitParts(map), size: isWide ? 14 : 13, bold: true },
  ];
  let y = 14;
  const lines = kinds.flatMap(({ parts, size, bold }) =>
    wrapped(parts, width, size, bold).map((line) => {
      y += size * 1.5;
      const style = bold ? { "font-weight": "bold" } : { fill: "#555" };
      return text(MARGIN, y, line, { "font-size": size, ...style });
    }),
  );
  return { svg: lines.join(""), height: y };
}

/** Parts joined to lines no wider than that. One that is too long alone is cut. */
function wrapped(parts: readonly string[], width: number, size: number, isBold: boolean): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const line = lines.at(-1);
    const longer = line === undefined ? part : `${line}  ·  ${part}`;
    const hasRoom = line !== undefined && textWidth(longer, size, isBold) <= width;
    if (hasRoom) lines[lines.length - 1] = longer;
    else lines.push(cut(part, width, size, isBold));
  }
  return lines;
}

function cut(content: string, width: number, size: number, isBold: boolean): string {
  if (textWidth(content, size, isBold) <= width) return content;
  const letters = [...content];
  while (letters.length > 0 && textWidth(`${letters.join("")}…`, size, isBold) > width)
    letters.pop();
  return `${letters.join("")}…`;
}

function titleParts(result: SkyScanResult, { title = "", name, stream }: PlotOptions): string[] {
  const event = eventOf(result);
  if (event === undefined) return [...(name ? [name] : []), title].filter((part) => part !== "");
  const kind = stream ?? event.eventType;
  return [
    ...(name ? [name] : []),
    `Run ${event.runId}  event ${event.eventId}`,
    utcText(event.mjd),
    ...(kind === "" ? [] : [kind]),
  ].filter((part) => part !== "");
}

/** To a hundredth of a second, as circulars say it; nothing for what is no date. */
function utcText(mjd: number): string {
  try {
    const [day, time] = isoOfMjd(mjd).split("T") as [string, string];
    return `${day} ${time.slice(0, 11)} UTC`;
  } catch {
    return "";
  }
}

function subtitleParts(result: SkyScanResult, { caption }: PlotOptions): string[] {
  const { metadata } = result;
  const made = provenanceOf(result);
  const algorithm =
    made.likelihood === undefined ? made.recoAlgo : `${made.recoAlgo} (${made.likelihood})`;
  const known = [algorithm, made.light].filter((part) => part !== undefined).join(", ");
  return [
    caption ?? known,
    ...(metadata?.mjd === undefined ? [] : [`MJD ${metadata.mjd.toFixed(6)}`]),
    ...(metadata?.complete === false ? ["scan not complete"] : []),
    ...(metadata?.isRealEvent === false ? ["simulated event"] : []),
    ...(result.isProbability ? ["from a probability map"] : []),
  ].filter((part) => part !== "");
}

function bestFitParts({ found, centre, llh }: SkyMap): string[] {
  if (found === undefined) return ["No pixel has a fit."];
  const ra = (centre.ra * degreesPerRadian).toFixed(2);
  const place = `Best fit  RA ${ra}°  Dec ${signedDegrees(centre.dec)}°`;
  // Of a probability map the likelihood is lost.
  if (found.result.isProbability) return [place];
  return [`${place}  −ln L = ${llh < 0 ? "−" : ""}${Math.abs(llh).toFixed(2)}`];
}

function pixelsLine(result: SkyScanResult): string {
  const list = [...result.nsides]
    .sort(([a], [b]) => a - b)
    .map(([nside, pixels]) => `${pixels.length} at nside ${nside}`);
  const failed = [...result.nsides.values()].flat().filter(({ llh }) => Number.isNaN(llh)).length;
  return `Pixels: ${list.join(", ")}${failed > 0 ? `; ${failed} without a fit` : ""}`;
}
