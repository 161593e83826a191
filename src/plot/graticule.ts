import { type GeoProjection, geoPath } from "d3-geo";
import { type Box, drawLabel, type Label, thoseWithRoom } from "./labels.ts";
import type { Place } from "./place.ts";
import { niceStep } from "./scale.ts";

/** Grid lines aimed at, along one side. */
const LINES = 6;

/** Meridians drawn where all of them meet within the frame, degrees apart. */
const POLAR_STEP = 30;

/** Points at which a side of the frame is looked at. */
const SAMPLES = 400;

export interface Graticule {
  /** SVG path of the lines; they may leave the frame. */
  readonly lines: string;
  /** SVG of the values: Dec to the left, RA below; around a pole RA to the left and below, Dec within. */
  readonly labels: string;
  readonly hasPole: boolean;
}

interface Sample {
  readonly at: [number, number];
  /** From the frame's centre, −180° to 180°. */
  readonly ra: number;
  readonly dec: number;
}

/**
 * Meridians and parallels through a square frame with their values.
 * @param centre RA and Dec of the frame's centre, degrees
 * @param isInHours RA is written in hours
 * @param taken where no label may stand
 */
export function graticule(
  projection: GeoProjection,
  centre: readonly [number, number],
  { x, y, width }: Place,
  isInHours: boolean,
  taken: readonly Box[] = [],
): Graticule {
  const [centreRa, centreDec] = centre;
  const turned = (ra: number) => ((ra - centreRa + 540) % 360) - 180;
  const along = (point: (t: number) => [number, number]) =>
    Array.from({ length: SAMPLES + 1 }, (_, i): Sample => {
      const at = point(i / SAMPLES);
      const [ra, dec] = projection.invert!(at)!;
      return { at, ra: turned(ra), dec };
    });
  const left = along((t) => [x, y + width * (1 - t)]);
  const bottom = along((t) => [x + width * t, y + width]);
  const right = along((t) => [x + width, y + width * t]);
  const top = along((t) => [x + width * t, y]);
  const downwards = along((t) => [x + width / 2, y + (width / 2) * (1 + t)]);

  const [px, py] = projection([0, centreDec < 0 ? -90 : 90])!;
  const hasPole = px >= x && px <= x + width && py >= y && py <= y + width;
  const frame = [...left, ...bottom, ...right, ...top];
  const decs = frame.map(({ dec }) => dec);
  if (hasPole) decs.push(centreDec < 0 ? -90 : 90);
  const [decFrom, decTo] = range(decs);
  const [raFrom, raTo] = hasPole ? [-180, 180 - 1e-6] : range(frame.map(({ ra }) => ra));
  const decStep = niceStep(decTo - decFrom, LINES);
  // The lower side decides, so that labels there do not meet.
  const [lowerFrom, lowerTo] = range(bottom.map(({ ra }) => ra));
  const raStep = hasPole ? POLAR_STEP : niceStep(lowerTo - lowerFrom, LINES);

  const path = geoPath(projection).digits(2);
  const line = (point: (t: number) => [number, number]) =>
    path({
      type: "LineString",
      coordinates: Array.from({ length: 61 }, (_, i) => point(i / 60)),
    }) ?? "";
  const lines: string[] = [];
  const labels: Label[] = [];
  for (const dec of multiples(decFrom, decTo, decStep)) {
    if (Math.abs(dec) === 90) continue;
    lines.push(line((t) => [centreRa + raFrom + (raTo - raFrom) * t, dec]));
    const at = crossing(hasPole ? downwards : left, (sample) => sample.dec - dec);
    const content = signed(dec, decStep);
    if (at && hasPole) labels.push({ x: at[0] + 5, y: at[1] - 5, content, isOnMap: true });
    else if (at) labels.push({ x: x - 8, y: at[1] + 4.5, content, anchor: "end" });
  }
  for (const ra of multiples(centreRa + raFrom, centreRa + raTo, raStep)) {
    lines.push(line((t) => [ra, decFrom + (decTo - decFrom) * t]));
    const turn = ((ra % 360) + 360) % 360;
    const content = isInHours ? hours(turn, raStep) : `${fixed(turn, raStep)}°`;
    const below = crossing(bottom, (sample) => turned(ra - sample.ra));
    if (below) labels.push({ x: below[0], y: y + width + 19, content, anchor: "middle" });
    const beside = hasPole ? crossing(left, (sample) => turned(ra - sample.ra)) : undefined;
    if (beside) labels.push({ x: x - 8, y: beside[1] + 4.5, content, anchor: "end" });
  }
  return {
    lines: lines.join(""),
    labels: thoseWithRoom(labels, taken).map(drawLabel).join(""),
    hasPole,
  };
}

const range = (values: readonly number[]): [number, number] => [
  Math.min(...values),
  Math.max(...values),
];

function multiples(from: number, to: number, step: number): number[] {
  const first = Math.ceil(from / step);
  const count = Math.floor(to / step) - first + 1;
  return Array.from({ length: Math.max(0, count) }, (_, i) => (first + i) * step);
}

/** Where a function of the samples first passes zero. */
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

/** With the decimals that multiples of a step need. */
const fixed = (value: number, step: number): string =>
  value.toFixed(Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)));

function signed(value: number, step: number): string {
  const digits = fixed(Math.abs(value), step);
  return `${Number(digits) === 0 ? "" : value < 0 ? "−" : "+"}${digits}°`;
}

/** RA in hours, minutes and, where the step needs them, seconds. */
function hours(ra: number, step: number): string {
  const seconds = Math.round(ra * 240);
  const two = (value: number) => String(value).padStart(2, "0");
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  if (step >= 15) return `${h} h`;
  return step >= 0.25 ? `${h} h ${two(m)} m` : `${h} h ${two(m)} m ${two(s)} s`;
}
