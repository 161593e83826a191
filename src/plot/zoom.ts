import { type GeoProjection, geoAzimuthalEqualArea, geoPath } from "d3-geo";
import { degreesPerRadian } from "../geometry/constants.ts";
import { reachOf, sizeText } from "../result/contours.ts";
import { legendText, shareText } from "../result/levels.ts";
import { vectorOf } from "../sky/healpix.ts";
import type { Place, SkyMap } from "./all_sky.ts";
import { colourBar } from "./colour_bar.ts";
import { dashOf, drawContours } from "./contour_lines.ts";
import { graticule } from "./graticule.ts";
import { drawPixels } from "./pixels.ts";
import { squareRootScale } from "./scale.ts";
import { element, star, text } from "./svg.ts";

/** Half the width of the window, degrees: so many times the outermost contour's reach, within limits. */
const MARGIN = 1.5;
const LEAST = 1.5;
const MOST = 15;

/** 2·Δllh at the end of the colour scale; skyreader's. */
const SCALE_END = 40;

/** The part of the sky shown: a square in Lambert's azimuthal equal-area projection around the best fit, north up. */
export interface Window {
  readonly halfWidth: number;
  /** Its outline, RA and Dec in degrees. */
  readonly outline: [number, number][];
}

export function zoomProjection(
  map: Pick<SkyMap, "centre">,
  halfWidth: number,
  { x, y, width }: Place,
): GeoProjection {
  return geoAzimuthalEqualArea()
    .rotate([-map.centre.ra * degreesPerRadian, -map.centre.dec * degreesPerRadian])
    .reflectX(true)
    .precision(0.3)
    .scale(width / 2 / (2 * Math.sin(halfWidth / degreesPerRadian / 2)))
    .translate([x + width / 2, y + width / 2])
    .clipExtent([
      [x, y],
      [x + width, y + width],
    ]);
}

/** What the zoom shows of a map. */
export function zoomWindow(map: SkyMap): Window {
  const reach = map.contours.reduce(
    (most, contour) => Math.max(most, reachOf(contour, map.centre)),
    0,
  );
  const halfWidth = Math.min(MOST, Math.max(LEAST, MARGIN * reach * degreesPerRadian));
  const projection = zoomProjection(map, halfWidth, { x: 0, y: 0, width: 1 });
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
export function zoomPanel(map: SkyMap, window: Window, place: Place): string {
  const { x, y, width } = place;
  const projection = zoomProjection(map, window.halfWidth, place);
  const path = geoPath(projection).digits(2);
  const scale = squareRootScale(SCALE_END);
  const within = {
    centre: vectorOf(map.centre),
    radius: (window.halfWidth * Math.SQRT2) / degreesPerRadian,
  };
  const { ra, dec } = map.centre;
  const grid = graticule(projection, [ra * degreesPerRadian, dec * degreesPerRadian], place);

  const content = [
    element("rect", { x, y, width, height: width, fill: "#d5d5d8" }),
    drawPixels(map.pixels, projection, scale, map.best?.llh ?? 0, within),
    element("path", {
      d: grid.lines,
      fill: "none",
      stroke: "#fff",
      "stroke-opacity": 0.45,
      "stroke-width": 0.8,
    }),
    drawContours(map.contours, path, 1.8),
    star(x + width / 2, y + width / 2, 6.5),
  ];
  return [
    ...content,
    element("rect", {
      x,
      y,
      width,
      height: width,
      fill: "none",
      stroke: "#333",
      "stroke-width": 1.2,
    }),
    grid.labels,
    text(x + width / 2, y + width + 40, "Right ascension (J2000)", { "text-anchor": "middle" }),
    text(0, 0, grid.hasPole ? "" : "Declination", {
      "text-anchor": "middle",
      transform: `translate(${x - 62} ${y + width / 2}) rotate(-90)`,
    }),
    colourBar(
      { x: x + width + 18, y, width: 14, height: width },
      scale,
      "zoom-colours",
      true,
      map.contours.map(({ level }) => level),
    ),
    text(0, 0, "2 Δllh", {
      "text-anchor": "middle",
      transform: `translate(${x + width + 78} ${y + width / 2}) rotate(-90)`,
    }),
    legend(map, x, y + width + 68),
  ].join("\n");
}

function legend(map: SkyMap, x: number, y: number): string {
  const rows = map.contours.map((contour, i) => {
    const at = y + 17 * i;
    return (
      element("line", {
        x1: x,
        x2: x + 34,
        y1: at - 4.5,
        y2: at - 4.5,
        stroke: "#000",
        "stroke-width": 1.8,
        "stroke-dasharray": dashOf(i),
      }) +
      text(
        x + 44,
        at,
        `${shareText(contour.percent)}  (2 Δllh = ${contour.level}):  ${sizeText(contour)}`,
      )
    );
  });
  const last = text(x, y + 17 * rows.length, `Levels: ${legendText(map.levels)}`, {
    "font-size": 12,
    fill: "#555",
  });
  return [...rows, last].join("");
}
