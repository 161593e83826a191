/** The event display: what the detector saw, from above, from the side and in perspective. */

import { isoOfMjd } from "../event/utc.ts";
import { degreesPerRadian } from "../geometry/constants.ts";
import type { Palette } from "./colour.ts";
import { colourBar } from "./colour_bar.ts";
import { type EventView, HALF_WIDTH, trackInside } from "./event_view.ts";
import { drawLabel, type Label, thoseWithRoom } from "./labels.ts";
import { TRUTH_COLOUR } from "./markers.ts";
import type { Scale } from "./scale.ts";
import { cased, element, picture, round, text } from "./svg.ts";

type Position = readonly [number, number, number];

/** A way to look: right, up on the picture and towards the eye, m. */
type View = (at: Position) => readonly [number, number, number];

const WIDTH = 1560;
const HEIGHT = 720;
const SIDE = 430;
const TOP = { x: 80, y: 120 };
const FLANK = { x: 600, y: 120 };
const SOLID = { x: 1096, y: 96, width: 424, height: 478 };

/** Lowest and highest share of the charge that the colours tell apart: noise comes long before and after the light. */
const EARLIEST = 0.02;
const LATEST = 0.9;

/** Radius of a DOM that saw one PE, px; it grows with the root's root, so that its area does with the root of charge. */
const RADIUS = 2.4;
const radiusOf = (charge: number): number => RADIUS * Math.max(0.25, charge) ** 0.25;

/** A loss of 1 TeV, px. */
const LOSS_RADIUS = 5;
const lossRadius = (energy: number): number => LOSS_RADIUS * (energy / 1000) ** (1 / 3);
/** Smaller ones than this share of the largest are not shown. */
const LEAST_LOSS = 1e-3;

/**
 * A picture of an event as SVG. DOMs are coloured by the time of their first pulse, and as large as their charge says.
 */
export function plotEvent(view: EventView, palette: Palette, widthMm?: number): string {
  const scale = timeScale(view);
  const ink: Palette = (share) => palette(0.12 + 0.88 * share);
  const above: View = ([x, y, z]) => [x, y, z];
  const side = sideView(view);
  const drawn = { view, scale, palette: ink };
  return picture(
    { width: WIDTH, height: HEIGHT, ...(widthMm !== undefined && { widthMm }) },
    ...headings(view),
    flatPanel(drawn, above, TOP, "from above", ["x [m]", "y [m]"]),
    flatPanel(drawn, side.view, FLANK, "from the side", [side.axis, "z [m]"]),
    solidPanel(drawn),
    colourBar({ x: TOP.x, y: 634, width: 420, height: 14 }, scale, ink, "event-times"),
    text(TOP.x + 210, 684, scale.title, { "text-anchor": "middle" }),
    chargeSamples(FLANK.x, 641, ink(0.35)),
    trackLegend(view, SOLID.x - 30, 641),
  );
}

interface Drawn {
  readonly view: EventView;
  readonly scale: Scale;
  readonly palette: Palette;
}

/** From the first light on; most of the charge lies within. */
function timeScale({ hits }: EventView): Scale {
  const inOrder = hits.toSorted((a, b) => a.time - b.time);
  const total = inOrder.reduce((sum, { charge }) => sum + charge, 0);
  const timeOf = (share: number) => {
    let held = 0;
    for (const { time, charge } of inOrder) {
      held += charge;
      if (held >= share * total) return time;
    }
    return inOrder.at(-1)?.time ?? 0;
  };
  const from = timeOf(EARLIEST);
  const length = Math.max(100, timeOf(LATEST) - from);
  const share = (time: number) => Math.min(1, Math.max(0, (time - from) / length));
  const step = [50, 100, 200, 500, 1000, 2000, 5000].find((size) => length / size <= 6) ?? 10_000;
  const count = Math.floor(length / step) + 1;
  return {
    title: `first pulse, ns after ${Math.round(from)} ns`,
    share,
    ticks: () =>
      Array.from({ length: count }, (_, i) => ({
        share: (i * step) / length,
        label: String(i * step),
      })),
  };
}

/** Along the track's direction on the ground, so that its inclination is seen as it is; else along x. */
function sideView({ track }: EventView): { view: View; axis: string } {
  const isSteep = track === undefined || Math.abs(Math.sin(track.zenith)) < 0.05;
  const angle = isSteep ? 0 : track.azimuth + Math.PI;
  const [east, north] = [Math.cos(angle), Math.sin(angle)];
  const view: View = ([x, y, z]) => [x * east + y * north, z, y * east - x * north];
  const degrees = Math.round(((angle * degreesPerRadian) % 360) + 360) % 360;
  return { view, axis: isSteep ? "x [m]" : `along the track on the ground (${degrees}°) [m]` };
}

/** DOMs far from the eye first. */
function drawContent(
  { view, scale, palette }: Drawn,
  look: View,
  place: (at: readonly [number, number, number]) => readonly [number, number],
): string {
  const spot = (at: Position) => place(look(at));
  const strings = view.strings.map((doms) => {
    const [top, bottom] = [spot(doms[0]!), spot(doms.at(-1)!)];
    return `M${round(top[0])},${round(top[1])}L${round(bottom[0])},${round(bottom[1])}`;
  });
  // From above, all DOMs of a string are at one place.
  const places = view.strings.flatMap((doms) => {
    const [top, bottom] = [spot(doms[0]!), spot(doms.at(-1)!)];
    const isUpright = Math.hypot(top[0] - bottom[0], top[1] - bottom[1]) < 1;
    return isUpright ? [`M${round(top[0])},${round(top[1])}h0.01`] : [];
  });
  const dots = view.strings.flatMap((doms) =>
    doms.map((at) => {
      const [x, y] = spot(at);
      return `M${round(x)},${round(y)}h0.01`;
    }),
  );
  const hits = view.hits
    .toSorted((a, b) => look(a.at)[2] - look(b.at)[2])
    .map(({ at, time, charge }) => {
      const [cx, cy] = spot(at);
      const fill = palette(scale.share(time));
      const edge = { stroke: "#222", "stroke-width": 0.5, "stroke-opacity": 0.7 };
      return element("circle", { cx, cy, r: radiusOf(charge), fill, ...edge });
    });
  return [
    element("path", { d: strings.join(""), stroke: "#999", "stroke-width": 0.4, fill: "none" }),
    element("path", {
      d: places.join(""),
      ...{ stroke: "#d4d4da", "stroke-width": 4.5, "stroke-linecap": "round", fill: "none" },
    }),
    element("path", {
      d: dots.join(""),
      ...{ stroke: "#a8a8ae", "stroke-width": 1.5, "stroke-linecap": "round", fill: "none" },
    }),
    ...hits,
    drawTrack(view, spot),
  ].join("");
}

function drawTrack(
  { track, losses }: EventView,
  spot: (at: Position) => readonly [number, number],
): string {
  const ends = track && trackInside(track);
  const line = ends ? arrow(spot(ends[0]), spot(ends[1])) : "";
  const largest = losses.reduce((most, { energy }) => Math.max(most, energy), 0);
  const shown = losses.filter(
    ({ x, y, z, energy }) =>
      energy > LEAST_LOSS * largest && [x, y, z].every((value) => Math.abs(value) <= HALF_WIDTH),
  );
  const rings = shown.map(({ x, y, z, energy }) => {
    const [cx, cy] = spot([x, y, z]);
    const ring = { cx, cy, r: Math.max(1.5, lossRadius(energy)), fill: "none" };
    return (
      element("circle", { ...ring, stroke: "#fff", "stroke-width": 2.6, "stroke-opacity": 0.8 }) +
      element("circle", { ...ring, stroke: LOSS_COLOUR, "stroke-width": 1.4 })
    );
  });
  return line + rings.join("");
}

const LOSS_COLOUR = "#c4161c";
const TRACK_COLOUR = TRUTH_COLOUR;

/** With a head where the particle leaves. */
function arrow([ax, ay]: readonly [number, number], [bx, by]: readonly [number, number]): string {
  const length = Math.hypot(bx - ax, by - ay);
  const [ux, uy] = length > 1 ? [(bx - ax) / length, (by - ay) / length] : [0, 0];
  const head = [-1, 1].map(
    (turn) =>
      `M${round(bx)},${round(by)}l${round(-10 * ux - 4.5 * turn * uy)},${round(-10 * uy + 4.5 * turn * ux)}`,
  );
  const d = `M${round(ax)},${round(ay)}L${round(bx)},${round(by)}${length > 1 ? head.join("") : ""}`;
  return cased(d, { stroke: TRACK_COLOUR, "stroke-width": 2 });
}

/** A square of true lengths, with both axes. */
function flatPanel(
  drawn: Drawn,
  look: View,
  { x, y }: { x: number; y: number },
  title: string,
  [across, up]: readonly [string, string],
): string {
  const scale = SIDE / (2 * HALF_WIDTH);
  const place = ([right, high]: readonly [number, number, number]) =>
    [x + SIDE / 2 + right * scale, y + SIDE / 2 - high * scale] as const;
  const metres = [-600, -300, 0, 300, 600];
  const labels = metres.flatMap((value): Label[] => {
    const content = value < 0 ? `−${-value}` : String(value);
    return [
      { x: x + SIDE / 2 + value * scale, y: y + SIDE + 18, content, anchor: "middle", size: 12 },
      { x: x - 7, y: y + SIDE / 2 - value * scale + 4, content, anchor: "end", size: 12 },
    ];
  });
  const grid = metres.map((value) => {
    const [gx, gy] = place([value, value, 0]);
    return `M${round(gx)},${y}V${y + SIDE}M${x},${round(gy)}H${x + SIDE}`;
  });
  const clip = `clip-${title.replaceAll(" ", "-")}`;
  const frame = { x, y, width: SIDE, height: SIDE };
  return [
    element("clipPath", { id: clip }, element("rect", frame)),
    element("path", { d: grid.join(""), stroke: "#eee", "stroke-width": 1, fill: "none" }),
    element("g", { "clip-path": `url(#${clip})` }, drawContent(drawn, look, place)),
    element("rect", { ...frame, fill: "none", stroke: "#555" }),
    ...thoseWithRoom(labels).map(drawLabel),
    text(x, y - 9, title, { "font-weight": "bold" }),
    text(x + SIDE / 2, y + SIDE + 38, across, { "text-anchor": "middle" }),
    text(0, 0, up, {
      "text-anchor": "middle",
      transform: `translate(${x - 46} ${y + SIDE / 2}) rotate(-90)`,
    }),
  ].join("\n");
}

/** The eye's height above the horizon, and how far to the side of the track it stands. */
const ELEVATION = 16 / degreesPerRadian;
const ASIDE = 60 / degreesPerRadian;
/** Its distance from the middle of the detector, m. */
const DISTANCE = 3000;

function solidPanel(drawn: Drawn): string {
  const { x, y, width, height } = SOLID;
  const { track } = drawn.view;
  const azimuth = (track?.azimuth ?? 0) + ASIDE;
  const [c, s] = [Math.cos(azimuth), Math.sin(azimuth)];
  const [ce, se] = [Math.cos(ELEVATION), Math.sin(ELEVATION)];
  const look: View = ([px, py, pz]) => {
    const near = px * c + py * s;
    return [py * c - px * s, pz * ce - near * se, near * ce + pz * se];
  };
  const scale = Math.min(width, height) / (2.25 * HALF_WIDTH);
  const place = ([right, high, near]: readonly [number, number, number]) => {
    const closer = DISTANCE / (DISTANCE - near);
    return [
      x + width / 2 + right * scale * closer,
      y + height / 2 - high * scale * closer,
    ] as const;
  };
  const corner = (dx: number, dy: number) => {
    const [px, py] = place(
      look([dx * HALF_WIDTH * 0.9, dy * HALF_WIDTH * 0.9, -HALF_WIDTH * 0.85]),
    );
    return `${round(px)},${round(py)}`;
  };
  const ground = `M${corner(-1, -1)}L${corner(1, -1)}L${corner(1, 1)}L${corner(-1, 1)}Z`;
  return [
    element("path", { d: ground, fill: "#f3f3f5", stroke: "#ccc", "stroke-width": 0.8 }),
    drawContent(drawn, look, place),
    text(x, TOP.y - 9, "in perspective", { "font-weight": "bold" }),
  ].join("\n");
}

function headings({ event, hits, track }: EventView): string[] {
  const charge = hits.reduce((sum, hit) => sum + hit.charge, 0);
  const [day, time] = utc(event.mjd);
  const title = `Run ${event.runId}  event ${event.eventId}  ·  ${day} ${time} UTC  ·  ${event.eventType}${event.isRealEvent ? "" : "  ·  simulated"}`;
  const direction = track
    ? `  ·  ${track.name}: zenith ${(track.zenith * degreesPerRadian).toFixed(1)}°, azimuth ${(track.azimuth * degreesPerRadian).toFixed(1)}°`
    : "";
  return [
    text(40, 44, title, { "font-size": 21, "font-weight": "bold" }),
    text(40, 70, `${hits.length} DOMs, ${Math.round(charge)} PE${direction}`, {
      "font-size": 14,
      fill: "#555",
    }),
  ];
}

function utc(mjd: number): readonly [string, string] {
  try {
    const [day, time] = isoOfMjd(mjd).split("T");
    return [day!, time!.slice(0, 11)];
  } catch {
    return [`MJD ${mjd}`, ""];
  }
}

function chargeSamples(x: number, y: number, fill: string): string {
  const samples = [1, 10, 100, 1000].map((charge, i) => {
    const at = x + 10 + 74 * i;
    return (
      element("circle", {
        cx: at,
        cy: y,
        r: radiusOf(charge),
        fill,
        stroke: "#222",
        "stroke-width": 0.5,
      }) + text(at + 17, y + 4.5, String(charge), { "font-size": 12 })
    );
  });
  return [...samples, text(x, y + 43, "charge of a DOM [PE]", {})].join("");
}

function trackLegend({ track, losses }: EventView, x: number, y: number): string {
  const rows: string[] = [];
  if (track !== undefined)
    rows.push(
      arrow([x, y - 4], [x + 34, y - 4]) + text(x + 46, y, track.name, { "font-size": 12 }),
    );
  if (losses.length > 0) {
    const total = losses.reduce((sum, { energy }) => sum + energy, 0);
    const ring = { cx: x + 17, cy: y + 20, r: LOSS_RADIUS, fill: "none", stroke: LOSS_COLOUR };
    rows.push(
      element("circle", { ...ring, "stroke-width": 1.4 }) +
        text(
          x + 46,
          y + 24,
          `a loss of 1 TeV; ${losses.length} in all, ${(total / 1000).toPrecision(3)} TeV`,
          {
            "font-size": 12,
          },
        ),
    );
  }
  return rows.join("");
}
