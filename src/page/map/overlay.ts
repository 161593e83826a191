/** What is drawn over the map's cells: lines and signs, sharp at any zoom. */
import { type GeoProjection, geoAzimuthalEqualArea, geoCircle, geoPath } from "d3-geo";
import { geoMollweide } from "d3-geo-projection";
import { ring2fxy } from "healpix-ts";
import { degreesPerRadian } from "../../geometry/constants.ts";
import type { Direction } from "../../sky/healpix.ts";
import { directionOn } from "./faces.ts";
import { drawGraticule } from "./graticule.ts";
import type { KnownContour } from "./known_contours.ts";
import { CASING, type Context, Labels, line, type Path, span } from "./strokes.ts";
import { forward, type Size, scaleOf, type View } from "./view.ts";

/** A named place of the sky, rad. */
export interface Source extends Direction {
  readonly name: string;
}

export interface Overlay {
  readonly contours: readonly KnownContour[];
  readonly best?: Direction | undefined;
  readonly online?:
    | (Direction & { readonly r50: number | null; readonly r90: number | null })
    | undefined;
  /** Fitted free, with the ellipse that holds 90 %, rad, its angle east of north. */
  readonly first?:
    | (Direction & {
        readonly ellipse: { readonly a: number; readonly b: number; readonly angle: number } | null;
      })
    | undefined;
  readonly sources: readonly Source[];
  /** Outlined, as strongly as `freshness` says, 0 to 1. */
  readonly newest: readonly { readonly nside: number; readonly pixel: number }[];
  readonly freshness: number;
  /** The pixel whose fits are shown. */
  readonly picked?: { readonly nside: number; readonly pixel: number } | undefined;
  /** Where keys have put the cross-hair. */
  readonly cross?: Direction | undefined;
  /** Signs and names, or lines alone, as on the small map. */
  readonly isSmall?: boolean;
}

/** d3-geo's projection for a view. */
export function projectionOf(view: View, size: Size): GeoProjection {
  const { width, height } = size;
  if (view.kind === "sky") {
    const half = Math.min(width / 2, height) - 6;
    return geoMollweide()
      .rotate([180, 0])
      .reflectX(true)
      .scale(half / (2 * Math.SQRT2))
      .translate([width / 2, height / 2]);
  }
  return geoAzimuthalEqualArea()
    .rotate([-view.ra * degreesPerRadian, -view.dec * degreesPerRadian])
    .reflectX(true)
    .precision(0.4)
    .scale(scaleOf(view, size))
    .translate([width / 2, height / 2])
    .clipExtent([
      [-8, -8],
      [width + 8, height + 8],
    ]);
}

export function drawOverlay(
  context: CanvasRenderingContext2D,
  view: View,
  size: Size,
  overlay: Overlay,
): void {
  const projection = projectionOf(view, size);
  const path = geoPath(projection, context);
  const place = forward(view, size);
  context.lineJoin = "round";
  drawGraticule(context, view, size, path, overlay.isSmall === true);
  drawGalacticPlane(context, path);
  if (!overlay.isSmall) drawCells(context, place, overlay);
  drawContours(context, path, overlay.contours, overlay.isSmall === true);
  if (overlay.isSmall) return;
  // What matters more is drawn later, over the rest, but named first, where there is room.
  const labels = new Labels(context);
  for (const { sign, radius } of signsOf(overlay)) {
    const at = place(sign);
    if (at) labels.keepFree(...at, radius);
  }
  for (const source of overlay.sources) drawSource(context, place(source));
  if (overlay.first) drawFirst(context, place, overlay.first);
  drawOnline(context, path, place, overlay);
  if (overlay.best) drawStar(context, place(overlay.best));
  if (view.kind === "local") writeContours(labels, place, size, overlay.contours);
  if (overlay.online) writeBeside(labels, place(overlay.online), "online");
  if (overlay.first) writeBeside(labels, place(overlay.first), "first direction");
  for (const source of overlay.sources) writeBeside(labels, place(source), source.name);
  if (overlay.cross) drawCross(context, place(overlay.cross));
}

type Place = ReturnType<typeof forward>;

const inDegrees = (lines: readonly (readonly Direction[])[]): [number, number][][] =>
  lines.map((line) =>
    line.map(({ ra, dec }): [number, number] => [ra * degreesPerRadian, dec * degreesPerRadian]),
  );

function drawContours(
  context: Context,
  path: Path,
  contours: readonly KnownContour[],
  isSmall: boolean,
): void {
  const dashes = [[], [6, 4], [2, 3]];
  contours.forEach(({ known, bridged }, i) => {
    context.setLineDash([]);
    context.strokeStyle = "rgb(255 255 255 / .85)";
    context.lineWidth = isSmall ? 1.6 : 3.6;
    line(context, path, inDegrees(known));
    if (!isSmall) context.setLineDash(dashes[i % dashes.length]!);
    context.strokeStyle = "#000";
    context.lineWidth = isSmall ? 0.8 : 1.7;
    line(context, path, inDegrees(known));
    if (bridged.length === 0 || isSmall) return;
    // Where pixels are still missing it is a guess, and looks like one.
    context.setLineDash([1, 5]);
    context.lineCap = "round";
    context.strokeStyle = "rgb(255 255 255 / .9)";
    context.lineWidth = 1.8;
    line(context, path, inDegrees(bridged));
    context.lineCap = "butt";
  });
  context.setLineDash([]);
}

/** Each contour's percentage, where it has room: at its lowest point on the screen. */
function writeContours(
  labels: Labels,
  place: Place,
  size: Size,
  contours: readonly KnownContour[],
): void {
  for (const { lines, percent, bridged } of contours) {
    let lowest: [number, number] | undefined;
    for (const { points } of lines)
      for (const point of points) {
        const at = place(point);
        if (
          at &&
          at[1] < size.height - 30 &&
          at[0] > 30 &&
          at[0] < size.width - 30 &&
          (!lowest || at[1] > lowest[1])
        )
          lowest = at;
      }
    if (!lowest || lowest[1] < 70) continue;
    const [x, y] = lowest;
    const text = `${percent}\u00a0%${bridged.length > 0 ? " so far" : ""}`;
    labels.write(text, [
      [x, y + 16, "center"],
      [x, y + 32, "center"],
    ]);
  }
}

function outline(context: Context, place: Place, nside: number, pixel: number): void {
  const { f, x, y } = nside === 1 ? { f: pixel, x: 0, y: 0 } : ring2fxy(nside, pixel);
  // Edges of large cells are curved on the screen.
  const parts = nside < 16 ? 8 : 1;
  const corners = [
    [0, 0],
    [1, 0],
    [1, 1],
    [0, 1],
    [0, 0],
  ] as const;
  context.beginPath();
  for (let i = 0; i < 4; i++)
    for (let k = 0; k < parts; k++) {
      const [[x0, y0], [x1, y1]] = [corners[i]!, corners[i + 1]!];
      const [u, v] = [x0 + ((x1 - x0) * k) / parts, y0 + ((y1 - y0) * k) / parts];
      const at = place(directionOn(f, (x + u) / nside, (y + v) / nside));
      if (at) context.lineTo(...at);
    }
  context.closePath();
}

function drawCells(context: Context, place: Place, { newest, freshness, picked }: Overlay): void {
  if (freshness > 0) {
    context.strokeStyle = `rgb(255 255 255 / ${0.9 * freshness})`;
    context.lineWidth = 1.2;
    for (const { nside, pixel } of newest) {
      outline(context, place, nside, pixel);
      context.stroke();
    }
  }
  if (picked) {
    outline(context, place, picked.nside, picked.pixel);
    context.strokeStyle = "#000";
    context.lineWidth = 4;
    context.stroke();
    context.strokeStyle = "#7cf";
    context.lineWidth = 2;
    context.stroke();
  }
}

function drawOnline(context: Context, path: Path, place: Place, { online }: Overlay): void {
  if (!online) return;
  const centre: [number, number] = [online.ra * degreesPerRadian, online.dec * degreesPerRadian];
  for (const [radius, dash] of [
    [online.r50, []],
    [online.r90, [5, 4]],
  ] as const) {
    if (radius === null || !(radius > 0)) continue;
    context.setLineDash([...dash]);
    context.strokeStyle = CASING;
    context.lineWidth = 3;
    context.beginPath();
    path(
      geoCircle()
        .center(centre)
        .radius(radius * degreesPerRadian)(),
    );
    context.stroke();
    context.strokeStyle = "#ff7ce0";
    context.lineWidth = 1.4;
    context.stroke();
  }
  context.setLineDash([]);
  const at = place(online);
  if (!at) return;
  const [x, y] = at;
  for (const [colour, width] of [
    ["#000", 5],
    ["#ff7ce0", 2.4],
  ] as const) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    for (const [a, b] of [
      [-5, -5],
      [5, -5],
    ] as const) {
      context.moveTo(x + a, y + b);
      context.lineTo(x - a, y - b);
    }
    context.stroke();
  }
}

/** The colour of what was fitted with its direction free. */
const FREE = "#8ff0c8";

function drawFirst(context: Context, place: Place, first: NonNullable<Overlay["first"]>): void {
  if (first.ellipse) {
    context.beginPath();
    for (const direction of ellipseAround(first, first.ellipse)) {
      const at = place(direction);
      if (at) context.lineTo(...at);
    }
    context.closePath();
    strokeCased(context, FREE, 1.6);
  }
  const at = place(first);
  if (!at) return;
  const [x, y] = at;
  context.beginPath();
  for (const [dx, dy] of [
    [0, -6],
    [6, 0],
    [0, 6],
    [-6, 0],
  ] as const)
    context.lineTo(x + dx, y + dy);
  context.closePath();
  strokeCased(context, FREE, 2);
}

function strokeCased(context: Context, colour: string, width: number): void {
  for (const [pen, wide] of [
    ["#000", width + 2.4],
    [colour, width],
  ] as const) {
    context.strokeStyle = pen;
    context.lineWidth = wide;
    context.stroke();
  }
}

/** Points of an ellipse in the plane that touches the sky at its centre. */
function ellipseAround(
  { ra, dec }: Direction,
  { a, b, angle }: { readonly a: number; readonly b: number; readonly angle: number },
): Direction[] {
  const [sinRa, cosRa, sinDec, cosDec] = [Math.sin(ra), Math.cos(ra), Math.sin(dec), Math.cos(dec)];
  return span(0, 2 * Math.PI, Math.PI / 36).map((turn) => {
    const [along, across] = [a * Math.cos(turn), b * Math.sin(turn)];
    const north = along * Math.cos(angle) - across * Math.sin(angle);
    const east = along * Math.sin(angle) + across * Math.cos(angle);
    const x = cosDec * cosRa - east * sinRa - north * sinDec * cosRa;
    const y = cosDec * sinRa + east * cosRa - north * sinDec * sinRa;
    const z = sinDec + north * cosDec;
    return { ra: Math.atan2(y, x), dec: Math.atan2(z, Math.hypot(x, y)) };
  });
}

/** Signs that labels leave free. */
const signsOf = ({ best, online, first, sources }: Overlay) => [
  ...[best, online, first].flatMap((sign) => (sign ? [{ sign, radius: 8 }] : [])),
  ...sources.map((sign) => ({ sign, radius: 6 })),
];

/** A name at its sign: to the right, left, below, above; nowhere where others have all the room. */
function writeBeside(labels: Labels, at: [number, number] | undefined, name: string): void {
  if (!at) return;
  const [x, y] = at;
  labels.write(name, [
    [x + 11, y + 4, "left"],
    [x - 11, y + 4, "right"],
    [x, y + 21, "center"],
    [x, y - 11, "center"],
  ]);
}

function drawSource(context: Context, at: [number, number] | undefined): void {
  if (!at) return;
  const [x, y] = at;
  for (const [colour, width] of [
    ["#000", 4.5],
    ["#fff", 2],
  ] as const) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    context.arc(x, y, 5.5, 0, 2 * Math.PI);
    context.stroke();
  }
}

function drawStar(context: Context, at: [number, number] | undefined): void {
  if (!at) return;
  const [x, y] = at;
  context.beginPath();
  for (let i = 0; i < 10; i++) {
    const [r, angle] = [i % 2 === 0 ? 9.5 : 4, (i * Math.PI) / 5 - Math.PI / 2];
    context.lineTo(x + r * Math.cos(angle), y + r * Math.sin(angle));
  }
  context.closePath();
  context.strokeStyle = "#000";
  context.lineWidth = 3;
  context.stroke();
  context.fillStyle = "#fff";
  context.fill();
}

function drawCross(context: Context, at: [number, number] | undefined): void {
  if (!at) return;
  const [x, y] = at;
  for (const [colour, width] of [
    ["#000", 3.5],
    ["#fff", 1.5],
  ] as const) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    for (const [dx, dy] of [
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
    ] as const) {
      context.moveTo(x + 4 * dx, y + 4 * dy);
      context.lineTo(x + 14 * dx, y + 14 * dy);
    }
    context.stroke();
  }
}

/** J2000 direction of the galactic pole, and the galactic longitude of the celestial one (ESA SP-1200, vol. 1, 1.5.3), degrees. */
const GALACTIC = { ra: 192.85948, dec: 27.12825, longitude: 122.93192 };

const galacticPlane: [number, number][] = span(0, 360, 2).map((l) => {
  const degree = Math.PI / 180;
  const turn = (GALACTIC.longitude - l) * degree;
  const dec = Math.asin(Math.cos(GALACTIC.dec * degree) * Math.cos(turn));
  const ra = Math.atan2(Math.sin(turn), -Math.sin(GALACTIC.dec * degree) * Math.cos(turn));
  return [GALACTIC.ra + ra / degree, dec / degree];
});

function drawGalacticPlane(context: Context, path: Path): void {
  context.strokeStyle = "rgb(160 210 255 / .55)";
  context.lineWidth = 1;
  context.setLineDash([1, 4]);
  line(context, path, [galacticPlane]);
  context.setLineDash([]);
}
