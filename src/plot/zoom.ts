import { type GeoProjection, geoAzimuthalEqualArea, geoPath } from "d3-geo";
import { reachOf } from "../result/contours.ts";
import { vectorOf } from "../sky/healpix.ts";
import type { Place, SkyMap } from "./all_sky.ts";
import { colourBar } from "./colour_bar.ts";
import { dashOf, drawContours } from "./contour_lines.ts";
import { drawPixels } from "./pixels.ts";
import { niceStep, squareRootScale } from "./scale.ts";
import { element, star, text } from "./svg.ts";

const degrees = 180 / Math.PI;

/** Half the width of the window, degrees: so many times the outermost contour's reach, within limits. */
const MARGIN = 1.5;
const LEAST = 1.5;
const MOST = 15;

/** 2·Δllh at the end of the colour scale; skyreader's. */
const SCALE_END = 40;

/** Grid lines aimed at, along one side. */
const LINES = 6;

/** The part of the sky shown: a square in Lambert's azimuthal equal-area projection around the best fit, north up. */
export interface Window {
  readonly halfWidth: number;
  /** Its outline, RA and Dec in degrees. */
  readonly outline: [number, number][];
}

function project(map: SkyMap, halfWidth: number, { x, y, width }: Place): GeoProjection {
  return geoAzimuthalEqualArea()
    .rotate([-map.centre.ra * degrees, -map.centre.dec * degrees])
    .reflectX(true)
    .precision(0.3)
    .scale(width / 2 / (2 * Math.sin(halfWidth / degrees / 2)))
    .translate([x + width / 2, y + width / 2]);
}

/** What the zoom shows of a map. */
export function zoomWindow(map: SkyMap): Window {
  const reach = map.contours.reduce(
    (most, contour) => Math.max(most, reachOf(contour, map.centre)),
    0,
  );
  const halfWidth = Math.min(MOST, Math.max(LEAST, MARGIN * reach * degrees));
  const projection = project(map, halfWidth, { x: 0, y: 0, width: 1 });
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
  const projection = project(map, window.halfWidth, place);
  const path = geoPath(projection).digits(2);
  const scale = squareRootScale(SCALE_END);
  const within = {
    centre: vectorOf(map.centre),
    radius: (window.halfWidth * Math.SQRT2) / degrees,
  };
  const clip = element(
    "clipPath",
    { id: "zoom-frame" },
    element("rect", { x, y, width, height: width }),
  );
  const grid = graticule(projection, map, place);

  const content = [
    element("rect", { x, y, width, height: width, fill: "#d5d5d8" }),
    drawPixels(map.pixels, path, scale, map.best?.llh ?? 0, within),
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
    clip,
    element("g", { "clip-path": "url(#zoom-frame)" }, ...content),
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
    text(0, 0, "Declination", {
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
  const rows = map.contours.map(({ percent, level, area, radius, isOpen }, i) => {
    const at = y + 22 * i;
    const size = `${isOpen ? "≥ " : ""}${(area * degrees ** 2).toPrecision(3)} sq deg, circularised radius ${(radius * degrees).toPrecision(2)}°`;
    return (
      element("line", {
        x1: x,
        x2: x + 34,
        y1: at - 4.5,
        y2: at - 4.5,
        stroke: "#000",
        "stroke-width": 1.8,
        "stroke-dasharray": dashOf(i),
      }) + text(x + 44, at, `${percent} %  (2 Δllh = ${level}):  ${size}`)
    );
  });
  return rows.join("");
}

/** Meridians and parallels through the frame, and their values where they meet its left and lower side. */
function graticule(
  projection: GeoProjection,
  map: SkyMap,
  { x, y, width }: Place,
): { lines: string; labels: string } {
  const path = geoPath(projection).digits(2);
  const [centreRa, centreDec] = [map.centre.ra * degrees, map.centre.dec * degrees];
  const turned = (ra: number) => ((ra - centreRa + 540) % 360) - 180;
  const samples = 400;
  const along = (point: (t: number) => [number, number]) =>
    Array.from({ length: samples + 1 }, (_, i) => {
      const at = point(i / samples);
      const [ra, dec] = projection.invert!(at)!;
      return { at, ra: turned(ra), dec };
    });
  const left = along((t) => [x, y + width * (1 - t)]);
  const bottom = along((t) => [x + width * t, y + width]);
  const frame = [
    ...left,
    ...bottom,
    ...along((t) => [x + width, y + width * t]),
    ...along((t) => [x + width * t, y]),
  ];
  const hasPole = [90, -90].some((dec) => {
    const [px, py] = projection([0, dec])!;
    return (
      px >= x && px <= x + width && py >= y && py <= y + width && Math.abs(dec - centreDec) < 90
    );
  });
  const range = (values: number[]): [number, number] => [Math.min(...values), Math.max(...values)];
  const [decFrom, decTo] = range([
    ...frame.map((p) => p.dec),
    centreDec,
    ...(hasPole ? [Math.sign(centreDec) * 90] : []),
  ]);
  const [raFrom, raTo] = hasPole ? [-180, 180] : range(frame.map((p) => p.ra));
  const decStep = niceStep(decTo - decFrom, LINES);
  // The frame's lower side decides, so that labels there do not meet.
  const [labelledFrom, labelledTo] = hasPole ? [-180, 180] : range(bottom.map((p) => p.ra));
  const raStep = hasPole ? 30 : niceStep(Math.max(labelledTo - labelledFrom, 0.01), LINES);

  const multiples = (from: number, to: number, step: number) =>
    Array.from(
      { length: Math.max(0, Math.floor(to / step) - Math.ceil(from / step) + 1) },
      (_, i) => (Math.ceil(from / step) + i) * step,
    );
  const lines: string[] = [];
  const labels: string[] = [];
  const line = (coordinates: [number, number][]) =>
    lines.push(path({ type: "LineString", coordinates }) ?? "");

  for (const dec of multiples(Math.max(-89.999, decFrom), Math.min(89.999, decTo), decStep)) {
    const count = 60;
    line(
      Array.from({ length: count + 1 }, (_, i) => [
        centreRa + raFrom + ((raTo - raFrom) * i) / count,
        dec,
      ]),
    );
    const at = crossing(left, (p) => p.dec - dec);
    if (at) labels.push(text(x - 8, at[1] + 4.5, signed(dec, decStep), { "text-anchor": "end" }));
  }
  for (const ra of multiples(centreRa + raFrom, centreRa + raTo, raStep)) {
    line(
      Array.from({ length: 21 }, (_, i) => [
        ra,
        Math.max(-90, decFrom) + ((Math.min(90, decTo) - Math.max(-90, decFrom)) * i) / 20,
      ]),
    );
    const at = crossing(bottom, (p) => turned(ra - p.ra));
    if (at)
      labels.push(
        text(at[0], y + width + 19, `${fixed(((ra % 360) + 360) % 360, raStep)}°`, {
          "text-anchor": "middle",
        }),
      );
  }
  return { lines: lines.join(""), labels: labels.join("") };
}

interface Sample {
  readonly at: [number, number];
  readonly ra: number;
  readonly dec: number;
}

/** Where a function of the samples passes zero. */
function crossing(
  samples: readonly Sample[],
  f: (sample: Sample) => number,
): [number, number] | undefined {
  for (let i = 1; i < samples.length; i++) {
    const [a, b] = [f(samples[i - 1]!), f(samples[i]!)];
    // A jump by a turn is no crossing.
    if (a === b || a * b > 0 || Math.abs(a - b) > 180) continue;
    const share = a / (a - b);
    const [from, to] = [samples[i - 1]!.at, samples[i]!.at];
    return [from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])];
  }
  return undefined;
}

const fixed = (value: number, step: number): string =>
  value.toFixed(Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)));

function signed(value: number, step: number): string {
  const digits = fixed(Math.abs(value), step);
  return `${Number(digits) === 0 ? "" : value < 0 ? "−" : "+"}${digits}°`;
}
