import { type GeoProjection, geoAzimuthalEqualArea, geoPath } from "d3-geo";
import { degreesPerRadian } from "../geometry/constants.ts";
import { type Contour, reachOf, sizeText } from "../result/contours.ts";
import { legendText, shareText } from "../result/levels.ts";
import type { Rectangle } from "../result/rectangle.ts";
import { type Direction, vectorOf } from "../sky/healpix.ts";
import type { Place } from "./all_sky.ts";
import { failedColour, unscannedColour } from "./colour.ts";
import { barTicks, colourBar } from "./colour_bar.ts";
import { dashOf, drawContours } from "./contour_lines.ts";
import { graticule } from "./graticule.ts";
import { textBox } from "./labels.ts";
import {
  degreesOf,
  drawDirections,
  drawGalacticPlane,
  drawRectangle,
  drawSources,
  onlineGlyph,
  rectangleLine,
  sourceGlyph,
  truthGlyph,
} from "./marks.ts";
import { drawPixels } from "./pixels.ts";
import type { SkyMap } from "./sky_map.ts";
import { element, star, text } from "./svg.ts";

/** Half the width of the window, degrees: so many times the outermost contour's reach, within limits. */
const MARGIN = 1.5;
const LEAST = 0.7;
const MOST = 15;

/** The notable surroundings need less room around them. */
const CLOSE_MARGIN = 1.1;

/** The part of the sky shown: a square in Lambert's azimuthal equal-area projection around the best fit, north up. */
export interface Window {
  readonly halfWidth: number;
  /** Its outline, RA and Dec in degrees. */
  readonly outline: [number, number][];
}

export function zoomProjection(
  centre: Direction,
  halfWidth: number,
  { x, y, width }: Place,
): GeoProjection {
  return geoAzimuthalEqualArea()
    .rotate([-centre.ra * degreesPerRadian, -centre.dec * degreesPerRadian])
    .reflectX(true)
    .precision(0.3)
    .scale(width / 2 / (2 * Math.sin(halfWidth / degreesPerRadian / 2)))
    .translate([x + width / 2, y + width / 2])
    .clipExtent([
      [x, y],
      [x + width, y + width],
    ]);
}

/**
 * What the zoom shows of a map.
 * @param wanted half its width, degrees; default: all contours, and the valleys around the best fit
 */
export function zoomWindow(map: SkyMap, centre: Direction, wanted?: number): Window {
  const reach = (contours: readonly Contour[]) =>
    contours.reduce((most, contour) => Math.max(most, reachOf(contour, centre)), 0);
  const needed =
    Math.max(MARGIN * reach(map.contours), CLOSE_MARGIN * reach(map.surroundings)) *
    degreesPerRadian;
  const halfWidth = wanted ?? Math.min(MOST, Math.max(LEAST, needed));
  const projection = zoomProjection(centre, halfWidth, { x: 0, y: 0, width: 1 });
  const outline = edge(20).map(([u, v]) => projection.invert!([u, v])!);
  return { halfWidth, outline };
}

/** Points around the unit square, closed. */
function edge(steps: number): [number, number][] {
  const along = Array.from({ length: steps }, (_, i) => i / steps);
  return [
    ...along.map((t): [number, number] => [t, 0]),
    ...along.map((t): [number, number] => [1, t]),
    ...along.map((t): [number, number] => [1 - t, 1]),
    ...along.map((t): [number, number] => [0, 1 - t]),
    [0, 0],
  ];
}

/** The neighbourhood of the best fit with contours and their areas. The frame is square. */
export function zoomPanel(map: SkyMap, centre: Direction, window: Window, place: Place): string {
  const { x, y, width } = place;
  const frame = { x, y, width, height: width };
  const projection = zoomProjection(centre, window.halfWidth, place);
  const path = geoPath(projection).digits(2);
  const within = {
    centre: vectorOf(centre),
    radius: (window.halfWidth * Math.SQRT2) / degreesPerRadian,
  };
  const grid = graticule(projection, degreesOf(centre), place);
  const middle = { x: x + width / 2, y: y + width / 2 };
  const sources = drawSources(map.marks.catalogues ?? [], projection, frame, [
    { x: middle.x - 7, y: middle.y - 7, width: 14, height: 14 },
    ...grid.inside,
  ]);
  const box = { x: x + width + 18, y, width: 14, height: width };
  const beyond = map.view === "llh" ? "≥" : undefined;
  const ticks = barTicks(box, map.nearScale, beyond).map((tick) => tick.box);
  const labelsEnd = Math.max(...ticks.map((tick) => tick.x + tick.width));
  const content = [
    element("rect", { ...frame, fill: unscannedColour }),
    drawPixels(map.pixels, projection, { scale: map.nearScale, palette: map.palette }, within),
    element("path", {
      ...{ d: grid.lines, fill: "none", stroke: "#fff" },
      ...{ "stroke-opacity": 0.45, "stroke-width": 0.8 },
    }),
    drawGalacticPlane(path, projection),
    drawContours(map.contours, path, 1.8),
    map.rectangle ? drawRectangle(map.rectangle, centre, path) : "",
    drawDirections(map.marks, projection, path),
    star(middle.x, middle.y, 6.5),
    sources,
  ];
  return [
    ...content,
    element("rect", { ...frame, fill: "none", stroke: "#333", "stroke-width": 1.2 }),
    grid.labels,
    text(middle.x, y + width + 40, "Right ascension (J2000)", { "text-anchor": "middle" }),
    text(0, 0, grid.hasPole ? "Right ascension (J2000)" : "Declination (J2000)", {
      "text-anchor": "middle",
      transform: `translate(${x - 62} ${middle.y}) rotate(-90)`,
    }),
    colourBar({
      box,
      ...{ scale: map.nearScale, palette: map.palette, id: "zoom-colours" },
      ...(beyond !== undefined && { beyond, levels: map.contours.map(({ level }) => level) }),
    }),
    text(0, 0, map.quantity, {
      "text-anchor": "middle",
      transform: `translate(${labelsEnd + 16} ${middle.y}) rotate(-90)`,
    }),
  ].join("\n");
}

/** A line of the legend: what stands before it, drawn around (x, y), and what it says. */
interface LegendRow {
  readonly glyph: (x: number, y: number) => string;
  readonly says: string;
}

/** Height of a line of the legend, px. */
export const legendLine = 17;

/** What the legend of a map says, line by line. */
export function legendRows(map: SkyMap): LegendRow[] {
  const { online, truth, catalogues = [] } = map.marks;
  const rows: LegendRow[] = map.contours.map((contour, i) => ({
    glyph: (x, y) =>
      element("line", {
        ...{ x1: x - 17, x2: x + 17, y1: y, y2: y, stroke: "#000", "stroke-width": 1.8 },
        "stroke-dasharray": dashOf(i),
      }),
    says: `${shareText(contour.percent)}  (${map.view === "probability" ? "HPD" : `−2 Δ ln L = ${Number(contour.level.toPrecision(4))}`}):  ${sizeText(contour)}`,
  }));
  if (map.rectangle)
    rows.push({
      glyph: (x, y) =>
        rectangleLine(
          `M${x - 16},${y - 5}L${x + 16},${y - 5}L${x + 16},${y + 5}L${x - 16},${y + 5}Z`,
        ),
      says: `90 % rectangle:  ${rectangleText(map.rectangle)}`,
    });
  if (map.best) rows.push({ glyph: (x, y) => star(x, y, 6.5), says: "Best fit" });
  if (online)
    rows.push({
      glyph: onlineGlyph,
      says: `Online: ${online.kind}${online.r90 === null ? "" : ", 50 and 90 % circles"}`,
    });
  if (truth) rows.push({ glyph: truthGlyph, says: "True direction (simulated)" });
  for (const [i, { name, sources }] of catalogues.entries()) {
    const inside = sources.filter(({ isInside }) => isInside).length;
    rows.push({
      glyph: (x, y) => sourceGlyph(i, x, y),
      says: `${name}:  ${inside} within 90 %`,
    });
  }
  if (map.pixels.some(({ value }) => Number.isNaN(value)))
    rows.push({
      glyph: (x, y) =>
        element("rect", { x: x - 8, y: y - 5, width: 16, height: 10, fill: failedColour }),
      says: "The fit failed",
    });
  return rows;
}

/** @param place where its first line begins */
export function legend(map: SkyMap, { x, y }: { x: number; y: number }, wide: number): string {
  const rows = legendRows(map).map(({ glyph, says }, i) => {
    const at = y + legendLine * i;
    return glyph(x + 17, at - 4.5) + text(x + 44, at, says);
  });
  const levels = legendText(map.levels);
  const size = textBox(0, 0, `Levels: ${levels}`, 12).width > wide ? 10.5 : 12;
  const last = text(x, y + legendLine * rows.length + 2, `Levels: ${levels}`, {
    ...{ "font-size": size, fill: "#555" },
  });
  return [...rows, last].join("");
}

const signed = (value: number, sign: string): string =>
  `${value < 0 ? (sign === "+" ? "−" : "+") : sign}${Math.abs(value * degreesPerRadian).toFixed(2)}`;

/** "RA +2.23 −1.95°, Dec +1.56 −1.56°". */
const rectangleText = ({ raPlus, raMinus, decPlus, decMinus, containsPole }: Rectangle): string =>
  containsPole
    ? `every RA, Dec ${signed(decPlus, "+")} ${signed(decMinus, "−")}°`
    : `RA ${signed(raPlus, "+")} ${signed(raMinus, "−")}°, Dec ${signed(decPlus, "+")} ${signed(decMinus, "−")}°`;
