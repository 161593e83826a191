import { type GeoProjection, geoGraticule, geoPath } from "d3-geo";
import { geoMollweide } from "d3-geo-projection";
import { degreesPerRadian } from "../geometry/constants.ts";
import type { Contour } from "../result/contours.ts";
import type { Levels } from "../result/levels.ts";
import type { PixelResult } from "../scan/task.ts";
import type { Direction } from "../sky/healpix.ts";
import { colourBar } from "./colour_bar.ts";
import { drawContours } from "./contour_lines.ts";
import { drawPixels } from "./pixels.ts";
import { squareRootScale } from "./scale.ts";
import { element, onMap, star, text } from "./svg.ts";

/** What both panels show. */
export interface SkyMap {
  /** Those with a fit, coarse ones first: finer ones are drawn over them. */
  readonly pixels: readonly PixelResult[];
  readonly best: PixelResult | undefined;
  readonly centre: Direction;
  readonly levels: Levels;
  readonly contours: readonly Contour[];
}

export interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

/** Mollweide's: equal areas; RA 180° in the middle and growing to the left. */
export const allSkyProjection = ({ x, y, width }: Place): GeoProjection =>
  geoMollweide()
    .rotate([180, 0])
    .reflectX(true)
    .precision(0.3)
    .scale(width / (4 * Math.SQRT2))
    .translate([x + width / 2, y + width / 4]);

/**
 * The whole sky in Mollweide's projection: equatorial, RA 180° in the middle and growing to the left.
 * @param place upper left corner and width of the ellipse, px; it is half as high
 * @param window outline of the zoomed part, RA and Dec in degrees
 */
export function allSkyPanel(map: SkyMap, place: Place, window: [number, number][]): string {
  const { x, y, width } = place;
  const projection = allSkyProjection(place);
  const path = geoPath(projection).digits(2);
  const llh = map.best?.llh ?? 0;
  const worst = map.pixels.reduce((most, p) => (p.llh < 1e300 ? Math.max(most, p.llh) : most), llh);
  const scale = squareRootScale(2 * (worst - llh));

  const sphere = path({ type: "Sphere" }) ?? "";
  const graticule =
    path(
      geoGraticule()
        .step([30, 30])
        .extentMinor([
          [-180, -89.99],
          [180, 89.99],
        ])(),
    ) ?? "";
  const longitudes = [60, 120, 180, 240, 300].map((ra) => {
    const [px, py] = projection([ra, 0])!;
    return text(px, py + 15, `${ra}°`, { "text-anchor": "middle", ...onMap });
  });
  const latitudes = [-60, -30, 0, 30, 60].map((dec) => {
    const [px, py] = projection([-1e-6, dec])!;
    const sign = dec < 0 ? "−" : dec > 0 ? "+" : "";
    const lift = dec > 0 ? -4 : dec < 0 ? 12 : 4.5;
    return text(Math.min(px, 2 * (x + width / 2) - px) - 7, py + lift, `${sign}${Math.abs(dec)}°`, {
      "text-anchor": "end",
    });
  });
  const outline =
    window.length > 0 ? (path({ type: "LineString", coordinates: window }) ?? "") : "";
  const mark = map.best
    ? projection([map.centre.ra * degreesPerRadian, map.centre.dec * degreesPerRadian])!
    : undefined;

  return [
    element("path", { d: sphere, fill: "#d5d5d8" }),
    drawPixels(map.pixels, projection, scale, llh),
    element("path", {
      d: graticule,
      fill: "none",
      stroke: "#fff",
      "stroke-opacity": 0.4,
      "stroke-width": 0.7,
    }),
    drawContours(map.contours, path, 0.7),
    element("path", { d: outline, fill: "none", stroke: "#000", "stroke-width": 1 }),
    element("path", { d: sphere, fill: "none", stroke: "#333", "stroke-width": 1.2 }),
    ...longitudes,
    ...latitudes,
    mark ? star(mark[0], mark[1], 6) : "",
    colourBar(
      { x: x + width * 0.15, y: y + width / 2 + 34, width: width * 0.7, height: 14 },
      scale,
      "all-sky-colours",
      false,
    ),
    text(x + width / 2, y + width / 2 + 84, "2 Δllh (square-root scale)", {
      "text-anchor": "middle",
    }),
  ].join("\n");
}
