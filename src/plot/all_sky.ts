import { type GeoPath, type GeoProjection, geoGraticule, geoPath } from "d3-geo";
import { geoMollweide } from "d3-geo-projection";
import { degreesPerRadian } from "../geometry/constants.ts";
import { colourBar } from "./colour_bar.ts";
import { drawContours } from "./contour_lines.ts";
import { drawGalacticPlane } from "./galactic_plane.ts";
import { drawLabel, type Label, thoseWithRoom } from "./labels.ts";
import { marker } from "./markers.ts";
import { drawPixels, NO_FIT_COLOUR } from "./pixels.ts";
import type { Place } from "./place.ts";
import { probabilityScale, type Scale, squareRootScale } from "./scale.ts";
import type { SkyMap } from "./sky_map.ts";
import { element, text } from "./svg.ts";

/** Mollweide's: equal areas; RA 180° in the middle and growing to the left. */
export const allSkyProjection = ({ x, y, width }: Place): GeoProjection =>
  geoMollweide()
    .rotate([180, 0])
    .reflectX(true)
    .precision(0.3)
    .scale(width / (4 * Math.SQRT2))
    .translate([x + width / 2, y + width / 4]);

/** Decades of probability that are told apart on the whole sky: beyond them nobody looks. */
const DECADES = 8;

function scaleOf({ pixels, llh, highest }: SkyMap): Scale {
  if (highest !== undefined) return probabilityScale(highest, DECADES);
  const worst = pixels.reduce((most, p) => (p.llh < 1e300 ? Math.max(most, p.llh) : most), llh);
  return squareRootScale(2 * (worst - llh));
}

/** How far the panel reaches below its upper edge, in its width, and px below that. */
export const allSkyHeight = (width: number): number => width / 2 + 90;

/**
 * The whole sky in Mollweide's projection: equatorial, RA 180° in the middle and growing to the left.
 * @param place upper left corner and width of the ellipse, px; it is half as high
 * @param window outline of the zoomed part, RA and Dec in degrees
 */
export function allSkyPanel(map: SkyMap, place: Place, window: [number, number][]): string {
  const { x, y, width } = place;
  const projection = allSkyProjection(place);
  const path = geoPath(projection).digits(2);
  const scale = scaleOf(map);
  const sphere = path({ type: "Sphere" }) ?? "";
  const outline =
    window.length > 0 ? (path({ type: "LineString", coordinates: window }) ?? "") : "";
  const thin = { fill: "none", stroke: "#000", "stroke-width": 1 };

  return [
    element("path", { d: sphere, fill: NO_FIT_COLOUR }),
    drawPixels(map.pixels, projection, scale, map.palette, map.llh),
    drawGrid(path),
    ...(map.hasGalacticPlane ? [drawGalacticPlane(path)] : []),
    drawContours(map.contours, path, 0.7),
    element("path", { d: outline, ...thin }),
    element("path", { d: sphere, ...thin, stroke: "#333", "stroke-width": 1.2 }),
    ...thoseWithRoom(gridLabels(projection, place, map.isInHours)).map(drawLabel),
    drawMarks(map, projection),
    colourBar(
      { x: x + width * 0.15, y: y + width / 2 + 34, width: width * 0.7, height: 14 },
      scale,
      map.palette,
      "all-sky-colours",
    ),
    text(x + width / 2, y + width / 2 + 86, `${scale.title} (whole sky)`, {
      "text-anchor": "middle",
    }),
  ].join("\n");
}

const drawGrid = (path: GeoPath): string =>
  element("path", {
    d:
      path(
        geoGraticule()
          .step([30, 30])
          .extentMinor([
            [-180, -89.99],
            [180, 89.99],
          ])(),
      ) ?? "",
    ...{ fill: "none", stroke: "#fff", "stroke-opacity": 0.4, "stroke-width": 0.7 },
  });

function gridLabels(projection: GeoProjection, { x, width }: Place, isInHours: boolean): Label[] {
  const meridians = [60, 120, 180, 240, 300].map((ra): Label => {
    const [px, py] = projection([ra, 0])!;
    const content = isInHours ? `${ra / 15} h` : `${ra}°`;
    return { x: px, y: py + 15, content, anchor: "middle", isOnMap: true };
  });
  const parallels = [-60, -30, 0, 30, 60].map((dec): Label => {
    const [px, py] = projection([-1e-6, dec])!;
    const sign = dec < 0 ? "−" : dec > 0 ? "+" : "";
    const lift = dec > 0 ? -4 : dec < 0 ? 12 : 4.5;
    const content = `${sign}${Math.abs(dec)}°`;
    return { x: Math.min(px, 2 * (x + width / 2) - px) - 7, y: py + lift, content, anchor: "end" };
  });
  return [...parallels, ...meridians];
}

/** The best fit over what else is known of where the event came from. */
function drawMarks({ found, centre, landmarks }: SkyMap, projection: GeoProjection): string {
  const at = ({ ra, dec }: { ra: number; dec: number }) =>
    projection([ra * degreesPerRadian, dec * degreesPerRadian])!;
  return [
    ...(landmarks.online ? [marker("cross", ...at(landmarks.online), 4)] : []),
    ...(landmarks.truth ? [marker("diamond", ...at(landmarks.truth), 4)] : []),
    ...(found ? [marker("star", ...at(centre), 6)] : []),
  ].join("");
}
