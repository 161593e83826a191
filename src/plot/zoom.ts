import {
  type GeoPath,
  type GeoProjection,
  geoAzimuthalEqualArea,
  geoCircle,
  geoPath,
} from "d3-geo";
import { degreesPerRadian } from "../geometry/constants.ts";
import { reachOf } from "../result/contours.ts";
import { type Region, regionOf } from "../result/localisation.ts";
import { type Direction, vectorOf } from "../sky/healpix.ts";
import { colourBar } from "./colour_bar.ts";
import { drawContours } from "./contour_lines.ts";
import { drawGalacticPlane } from "./galactic_plane.ts";
import { graticule } from "./graticule.ts";
import { textWidth } from "./labels.ts";
import { NINETY_IN_FIFTY } from "./landmarks.ts";
import { marker, ONLINE_COLOUR, RECTANGLE_COLOUR } from "./markers.ts";
import { drawPixels, NO_FIT_COLOUR } from "./pixels.ts";
import type { Place } from "./place.ts";
import { probabilityScale, type Scale, squareRootScale } from "./scale.ts";
import type { SkyMap } from "./sky_map.ts";
import { drawSources } from "./sources.ts";
import { cased, element, text } from "./svg.ts";

/** Half the width of the window: so many times the reach of the 90 % contour, and of the outermost; degrees, within limits. */
const MARGIN = 1.5;
const OUTER_MARGIN = 1.15;
const LEAST = 0.6;
const MOST = 40;

/** −2 Δ ln L at the end of the colour scale, skyreader's; or, where that is more, so many times the outermost contour's level. */
const SCALE_END = 40;
const BEYOND_CONTOURS = 1.3;
/** Decades of probability that are told apart in it. */
const DECADES = 5;

/** The part of the sky shown: a square in Lambert's azimuthal equal-area projection around the best fit, north up. */
export interface Window {
  /** Degrees. */
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
 * @param width of the window where it is given, degrees
 */
export function zoomWindow({ contours, centre }: SkyMap, width?: number): Window {
  const reach = Math.max(
    0,
    ...contours.map((contour) => {
      const margin = contour.percent <= 90 ? MARGIN : OUTER_MARGIN;
      return margin * reachOf(contour, centre) * degreesPerRadian;
    }),
  );
  const halfWidth = width === undefined ? Math.min(MOST, Math.max(LEAST, reach)) : width / 2;
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

export function zoomScale({ contours, highest }: Pick<SkyMap, "contours" | "highest">): Scale {
  if (highest !== undefined) return probabilityScale(highest, DECADES);
  const outermost = contours.reduce((most, { level }) => Math.max(most, level), 0);
  return squareRootScale(Math.max(SCALE_END, Math.ceil(BEYOND_CONTOURS * outermost)), true);
}

/** How far the panel reaches below its upper edge, px. */
export const zoomHeight = (width: number): number => width + 46;

/** The neighbourhood of the best fit with contours and what else is known. The frame is square. */
export function zoomPanel(map: SkyMap, window: Window, place: Place): string {
  const { x, y, width } = place;
  const frame = { x, y, width, height: width };
  const { centre, palette } = map;
  const projection = zoomProjection(centre, window.halfWidth, place);
  const path = geoPath(projection).digits(2);
  const scale = zoomScale(map);
  const within = {
    centre: vectorOf(centre),
    radius: (window.halfWidth * Math.SQRT2) / degreesPerRadian,
  };
  const middle = [centre.ra * degreesPerRadian, centre.dec * degreesPerRadian] as const;
  const star = { x: x + width / 2 - 8, y: y + width / 2 - 8, width: 16, height: 16 };
  const grid = graticule(projection, middle, place, map.isInHours, [star]);
  const upright = (px: number, content: string) =>
    text(0, 0, content, {
      "text-anchor": "middle",
      transform: `translate(${px} ${y + width / 2}) rotate(-90)`,
    });
  const levels = map.contours.map(({ level }) => level).filter((level) => scale.share(level) < 1);
  const labelsWidth = Math.max(...scale.ticks(6).map(({ label }) => textWidth(label)));

  return [
    element("rect", { ...frame, fill: NO_FIT_COLOUR }),
    drawPixels(map.pixels, projection, scale, palette, map.llh, within),
    element("path", {
      d: grid.lines,
      ...{ fill: "none", stroke: "#fff", "stroke-opacity": 0.45, "stroke-width": 0.8 },
    }),
    ...(map.hasGalacticPlane ? [drawGalacticPlane(path)] : []),
    drawRectangle(map, path),
    drawContours(map.contours, path, 1.8),
    drawLandmarks(map, projection, path),
    drawSources(map.sources, projection, frame, [star]),
    marker("star", x + width / 2, y + width / 2, 6.5),
    element("rect", { ...frame, fill: "none", stroke: "#333", "stroke-width": 1.2 }),
    grid.labels,
    text(x + width / 2, y + width + 40, "Right ascension (ICRS)", { "text-anchor": "middle" }),
    upright(x - 62, grid.hasPole ? "Right ascension (ICRS)" : "Declination (ICRS)"),
    colourBar(
      { x: x + width + 18, y, width: 14, height: width },
      scale,
      palette,
      "zoom-colours",
      levels,
    ),
    upright(x + width + 18 + 14 + 9 + labelsWidth + 20, scale.title),
  ].join("\n");
}

/** The 90 % region whose rectangle is drawn and quoted. */
export const quotedRegion = ({ found }: SkyMap): Region | undefined =>
  found && regionOf(found.contours, 90);

/** The rectangle of the errors in RA and Dec; around a pole it is a circle. */
function drawRectangle(map: SkyMap, path: GeoPath): string {
  const region = quotedRegion(map);
  if (region === undefined || region.lines.length === 0) return "";
  const [ra, dec] = [map.centre.ra, map.centre.dec].map((angle) => angle * degreesPerRadian);
  const errors = [region.raPlus, region.raMinus, region.decPlus, region.decMinus];
  const [east, west, north, south] = errors.map((angle) => angle * degreesPerRadian);
  const steps = Array.from({ length: 61 }, (_, i) => i / 60);
  const along = (at: number) => steps.map((t) => [ra! + east! - t * (east! + west!), at]);
  const beside = (at: number) => steps.map((t) => [at, dec! + north! - t * (north! + south!)]);
  const parallels = [dec! + north!, dec! - south!].filter((at) => Math.abs(at) < 90 - 1e-6);
  const meridians = region.containsPole ? [] : [ra! + east!, ra! - west!];
  const coordinates = [...parallels.map(along), ...meridians.map(beside)];
  const d = path({ type: "MultiLineString", coordinates } as GeoJSON.MultiLineString) ?? "";
  return cased(d, { stroke: RECTANGLE_COLOUR, "stroke-width": 1.3, "stroke-dasharray": "5 3" });
}

/** The online reconstruction with the circles of its error, and the true direction. */
function drawLandmarks({ landmarks }: SkyMap, projection: GeoProjection, path: GeoPath): string {
  const { online, truth } = landmarks;
  const degrees = ({ ra, dec }: Direction): [number, number] => [
    ra * degreesPerRadian,
    dec * degreesPerRadian,
  ];
  const mark = (shape: "cross" | "diamond", direction: Direction) => {
    const at = path({ type: "Point", coordinates: degrees(direction) });
    return at ? marker(shape, ...projection(degrees(direction))!, 5) : "";
  };
  const circles = [1, NINETY_IN_FIFTY].map((factor) => {
    if (online?.radius50 === undefined) return "";
    const ring = geoCircle()
      .center(degrees(online))
      .radius(factor * online.radius50 * degreesPerRadian);
    const [coordinates] = ring.precision(3)().coordinates;
    const d = path({ type: "LineString", coordinates: coordinates! }) ?? "";
    const dash = factor === 1 ? undefined : "6 3";
    return cased(d, { stroke: ONLINE_COLOUR, "stroke-width": 1.3, "stroke-dasharray": dash });
  });
  return [
    ...circles,
    online ? mark("cross", online) : "",
    truth ? mark("diamond", truth) : "",
  ].join("");
}
