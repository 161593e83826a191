// What is drawn upon a sky map beside its own contours: other directions, catalogues' sources, the galactic plane.
import { type GeoPath, type GeoProjection, geoCircle } from "d3-geo";
import type { Event } from "../event/event.ts";
import { type OnlineDirection, onlineDirection, trueDirection } from "../event/online.ts";
import { degree, degreesPerRadian } from "../geometry/constants.ts";
import type { Catalogue, Source } from "../publish/sources.ts";
import type { Rectangle } from "../result/rectangle.ts";
import type { Direction } from "../sky/healpix.ts";
import { type Box, textBox, touch } from "./labels.ts";
import { element, onMap, round, text } from "./svg.ts";

export interface MarkedSource extends Source {
  /** In the 90 % contour. */
  readonly isInside: boolean;
}

export interface MarkedCatalogue extends Catalogue {
  readonly sources: readonly MarkedSource[];
}

export interface Marks {
  readonly online?: OnlineDirection;
  /** Of a simulated event. */
  readonly truth?: Direction;
  readonly catalogues?: readonly MarkedCatalogue[];
}

/** What an alert knows of where it came from. */
export function marksOf(event: Event): Marks {
  const [online, truth] = [onlineDirection(event), trueDirection(event)];
  return { ...(online && { online }), ...(truth && { truth }) };
}

/** Skyreader's for online tracks, so that its users know it. */
const ONLINE = "#d100b5";
const TRUTH = "#0a7d2c";
const PLANE = "#fff";

export const degreesOf = ({ ra, dec }: Direction): [number, number] => [
  ra * degreesPerRadian,
  dec * degreesPerRadian,
];

/** A line on a white casing, legible on any colour. */
const cased = (attributes: { d: string; stroke: string; "stroke-dasharray"?: string }): string =>
  attributes.d === ""
    ? ""
    : element("path", {
        ...{ d: attributes.d, fill: "none", stroke: "#fff", "stroke-opacity": 0.75 },
        "stroke-width": 3.4,
      }) + element("path", { ...attributes, fill: "none", "stroke-width": 1.4 });

const diagonal = (x: number, y: number, r: number) =>
  `M${round(x - r)},${round(y - r)}L${round(x + r)},${round(y + r)}M${round(x - r)},${round(y + r)}L${round(x + r)},${round(y - r)}`;
const upright = (x: number, y: number, r: number) =>
  `M${round(x - r)},${round(y)}L${round(x + r)},${round(y)}M${round(x)},${round(y - r)}L${round(x)},${round(y + r)}`;

export const onlineGlyph = (x: number, y: number): string =>
  cased({ d: diagonal(x, y, 5), stroke: ONLINE });
export const truthGlyph = (x: number, y: number): string =>
  cased({ d: upright(x, y, 6), stroke: TRUTH });

/** Each catalogue's own: circle, triangle, square, then again. */
export function sourceGlyph(catalogue: number, x: number, y: number): string {
  const look = { fill: "#fff", "fill-opacity": 0.85, stroke: "#111", "stroke-width": 1.2 };
  const shape = catalogue % 3;
  if (shape === 0) return element("circle", { cx: x, cy: y, r: 3.6, ...look });
  if (shape === 2)
    return element("rect", { x: x - 3.3, y: y - 3.3, width: 6.6, height: 6.6, ...look });
  const points = [0, 1, 2].map((i) => {
    const angle = (i * 2 * Math.PI) / 3;
    return `${round(x + 4.6 * Math.sin(angle))},${round(y - 4.6 * Math.cos(angle))}`;
  });
  return element("polygon", { points: points.join(" "), ...look });
}

/** The online track with the circles of its error, and the true direction. */
export function drawDirections(
  { online, truth }: Marks,
  projection: GeoProjection,
  path: GeoPath,
): string {
  const parts: string[] = [];
  if (online) {
    const radii = [online.r50, online.r90];
    for (const [i, radius] of radii.entries())
      if (radius !== null && radius > 0) {
        const circle = geoCircle()
          .center(degreesOf(online))
          .radius(radius * degreesPerRadian)
          .precision(2);
        const d = path({ type: "LineString", coordinates: circle().coordinates[0]! }) ?? "";
        parts.push(cased({ d, stroke: ONLINE, ...(i > 0 && { "stroke-dasharray": "6 3" }) }));
      }
    const at = visible(online, projection);
    if (at) parts.push(onlineGlyph(...at));
  }
  const at = truth && visible(truth, projection);
  if (at) parts.push(truthGlyph(...at));
  return parts.join("");
}

/** Where a direction is on the picture; undefined where it is not in sight. */
function visible(direction: Direction, projection: GeoProjection): [number, number] | undefined {
  const at = projection(degreesOf(direction));
  if (!at?.every(Number.isFinite)) return undefined;
  const extent = projection.clipExtent();
  if (!extent) return at;
  const [[x0, y0], [x1, y1]] = extent;
  return at[0] >= x0 && at[0] <= x1 && at[1] >= y0 && at[1] <= y1 ? at : undefined;
}

/** Places of a label around its source, tried in this order: where its text begins, and how it is anchored. */
const PLACES = [
  [8, 3.5, "start"],
  [-8, 3.5, "end"],
  [0, -8, "middle"],
  [0, 15, "middle"],
  [7, -6, "start"],
  [7, 13, "start"],
  [-7, -6, "end"],
  [-7, 13, "end"],
] as const;
const LABEL_SIZE = 10;

/**
 * The sources in sight. Those inside the 90 % region are labelled first, in bold; a label without room is left out.
 * @param frame what labels must stay inside of
 * @param taken what they must not cover
 */
export function drawSources(
  catalogues: readonly MarkedCatalogue[],
  projection: GeoProjection,
  frame: Box,
  taken: readonly Box[],
): string {
  const seen = catalogues.flatMap(({ sources }, catalogue) =>
    sources.flatMap((source) => {
      const at = visible(source, projection);
      return at ? [{ ...source, catalogue, x: at[0], y: at[1] }] : [];
    }),
  );
  const glyphs = seen.map(({ catalogue, x, y }) => sourceGlyph(catalogue, x, y));
  const boxes = [
    ...taken,
    ...seen.map(({ x, y }): Box => ({ x: x - 4, y: y - 4, width: 8, height: 8 })),
  ];
  const labels = [...seen]
    .sort((a, b) => Number(b.isInside) - Number(a.isInside))
    .map(({ name, isInside, x, y }) => {
      for (const [dx, dy, anchor] of PLACES) {
        const box = textBox(x + dx, y + dy, name, LABEL_SIZE, anchor);
        const isInFrame =
          box.x >= frame.x &&
          box.y >= frame.y &&
          box.x + box.width <= frame.x + frame.width &&
          box.y + box.height <= frame.y + frame.height;
        if (!isInFrame || boxes.some((other) => touch(box, other, 1))) continue;
        boxes.push(box);
        return text(x + dx, y + dy, name, {
          "text-anchor": anchor,
          "font-size": LABEL_SIZE,
          ...(isInside && { "font-weight": "bold" }),
          ...onMap,
        });
      }
      return "";
    });
  return [...glyphs, ...labels].join("");
}

/** The rectangle of RA and Dec around a contour that circulars quote; nothing around a pole, where it is a cap. */
export function drawRectangle(
  { raPlus, raMinus, decPlus, decMinus, containsPole }: Rectangle,
  { ra, dec }: Direction,
  path: GeoPath,
): string {
  if (containsPole || raPlus + raMinus >= 2 * Math.PI) return "";
  const [west, east, south, north] = [ra - raMinus, ra + raPlus, dec - decMinus, dec + decPlus];
  const steps = Array.from({ length: 41 }, (_, i) => i / 40);
  // Sides along parallels bend, and a great circle between two corners would not follow them.
  const outline = [
    ...steps.map((t): [number, number] => [west + (east - west) * t, south]),
    ...steps.map((t): [number, number] => [east, south + (north - south) * t]),
    ...steps.map((t): [number, number] => [east - (east - west) * t, north]),
    ...steps.map((t): [number, number] => [west, north - (north - south) * t]),
  ].map(([a, d]): [number, number] => [a * degreesPerRadian, d * degreesPerRadian]);
  const d = path({ type: "LineString", coordinates: outline }) ?? "";
  return rectangleLine(d);
}

export const rectangleLine = (d: string): string =>
  element("path", { d, fill: "none", stroke: "#fff", "stroke-opacity": 0.6, "stroke-width": 2.4 }) +
  element("path", {
    d,
    fill: "none",
    stroke: "#333",
    "stroke-width": 1,
    "stroke-dasharray": "1.5 2.5",
  });

/**
 * From galactic longitude and latitude to J2000: the galactic pole at RA 192.85948°, Dec +27.12825°, the celestial
 * pole at longitude 122.93192° (Hipparcos catalogue, ESA SP-1200, vol. 1, section 1.5.3). All rad.
 */
export function fromGalactic(longitude: number, latitude: number): Direction {
  const [poleRa, poleDec, celestial] = [192.85948 * degree, 27.12825 * degree, 122.93192 * degree];
  const angle = celestial - longitude;
  const sinDec =
    Math.sin(latitude) * Math.sin(poleDec) +
    Math.cos(latitude) * Math.cos(poleDec) * Math.cos(angle);
  const ra =
    poleRa +
    Math.atan2(
      Math.cos(latitude) * Math.sin(angle),
      Math.sin(latitude) * Math.cos(poleDec) -
        Math.cos(latitude) * Math.sin(poleDec) * Math.cos(angle),
    );
  const turn = 2 * Math.PI;
  return { ra: ((ra % turn) + turn) % turn, dec: Math.asin(Math.min(1, Math.max(-1, sinDec))) };
}

/** The galactic plane, and its centre as a small ring. */
export function drawGalacticPlane(path: GeoPath, projection: GeoProjection): string {
  const coordinates = Array.from({ length: 181 }, (_, i) =>
    degreesOf(fromGalactic(2 * i * degree, 0)),
  );
  const d = path({ type: "LineString", coordinates }) ?? "";
  const line = { d, fill: "none", stroke: PLANE };
  const centre = visible(fromGalactic(0, 0), projection);
  return (
    (d === ""
      ? ""
      : element("path", { ...line, stroke: "#000", "stroke-opacity": 0.35, "stroke-width": 2.6 }) +
        element("path", { ...line, "stroke-width": 1.1, "stroke-dasharray": "8 4" })) +
    (centre
      ? element("circle", {
          ...{ cx: centre[0], cy: centre[1], r: 3.5, fill: "none", stroke: PLANE },
          "stroke-width": 1.4,
        })
      : "")
  );
}
