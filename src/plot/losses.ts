import { readFile } from "node:fs/promises";
import * as v from "valibot";
import { speedOfLight } from "../geometry/constants.ts";
import type { EnergyLoss } from "../geometry/track.ts";
import { element, picture, text } from "./svg.ts";

const number = v.pipe(
  v.nullable(v.number()),
  v.transform((value) => value ?? Number.NaN),
);
const LossSchema = v.object({ time: v.number(), energy: v.number() });
const FitSchema = v.object({
  llh: number,
  time: number,
  E_in: number,
  E_tot: number,
  losses: v.array(LossSchema),
});

/** A fit with its energy losses along the track, as `skyscan reco --json` prints it; ns, GeV. */
export type FitWithLosses = v.InferOutput<typeof FitSchema>;

/** The fit in a file that `skyscan reco --json` wrote; undefined when the file is anything else. */
export async function readFitWithLosses(path: string): Promise<FitWithLosses | undefined> {
  const parsed = v.safeParse(FitSchema, await contentOf(path));
  return parsed.success ? parsed.output : undefined;
}

const PlacedFitSchema = v.object({
  losses: v.array(
    v.object({ x: v.number(), y: v.number(), z: v.number(), time: v.number(), energy: v.number() }),
  ),
});

/** The losses in such a file with their places, m; undefined when the file is anything else. */
export async function readPlacedLosses(path: string): Promise<EnergyLoss[] | undefined> {
  const parsed = v.safeParse(PlacedFitSchema, await contentOf(path));
  return parsed.success ? parsed.output.losses : undefined;
}

/** What a JSON file holds; undefined where it is none, or cannot be read. */
async function contentOf(path: string): Promise<unknown> {
  if (!path.endsWith(".json")) return undefined;
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch {
    return undefined;
  }
}

const WIDTH = 1100;
const HEIGHT = 480;
const FRAME = { x: 90, y: 90, width: 970, height: 310 };
/** Losses below this share of the largest are not shown. */
const LEAST_SHARE = 1e-5;

/** Energy loss per length along the track, as SVG: one bar per cascade, logarithmic. */
export function plotLosses(fit: FitWithLosses, title: string): string {
  const losses = fit.losses
    .map(({ time, energy }) => ({ along: speedOfLight * (time - fit.time), energy }))
    .filter(({ energy }) => energy > 0)
    .sort((a, b) => a.along - b.along);
  const spacing = spacingOf(losses.map(({ along }) => along));
  const density = losses.map(({ along, energy }) => ({ along, perMetre: energy / spacing }));
  const largest = Math.max(...density.map(({ perMetre }) => perMetre), 1e-3);
  const top = Math.ceil(Math.log10(largest) + 0.05);
  const bottom = Math.max(
    Math.floor(Math.log10(Math.min(...density.map(({ perMetre }) => perMetre), largest))),
    Math.floor(Math.log10(largest * LEAST_SHARE)),
  );
  const first = (losses[0]?.along ?? 0) - spacing;
  const last = (losses.at(-1)?.along ?? 0) + spacing;
  const x = (along: number) => FRAME.x + ((along - first) / (last - first)) * FRAME.width;
  const y = (perMetre: number) =>
    FRAME.y + FRAME.height * (1 - (Math.log10(perMetre) - bottom) / (top - bottom));

  const bars = density
    .filter(({ perMetre }) => Math.log10(perMetre) > bottom)
    .map(({ along, perMetre }) =>
      element("rect", {
        x: x(along - spacing / 2),
        y: y(perMetre),
        width: Math.max(1, x(along + spacing / 2) - x(along - spacing / 2) - 0.5),
        height: FRAME.y + FRAME.height - y(perMetre),
        fill: "#7e2482",
      }),
    );
  return picture(
    { width: WIDTH, height: HEIGHT },
    text(FRAME.x, 40, title, { "font-size": 18, "font-weight": "bold" }),
    text(FRAME.x, 66, summaryLine(fit, losses.length), { "font-size": 14, fill: "#555" }),
    ...decades(bottom, top).map((decade) => gridLine(y(10 ** decade), decade)),
    ...bars,
    ...distances(first, last).map((metres) => tick(x(metres), metres)),
    element("rect", { ...FRAME, fill: "none", stroke: "#444" }),
    text(
      FRAME.x + FRAME.width / 2,
      FRAME.y + FRAME.height + 50,
      "along the track from the vertex [m]",
      {
        "text-anchor": "middle",
      },
    ),
    element(
      "g",
      { transform: `translate(28 ${FRAME.y + FRAME.height / 2}) rotate(-90)` },
      text(0, 0, "dE/dx [GeV/m]", { "text-anchor": "middle" }),
    ),
  );
}

/** Distance of neighbouring cascades: the smallest gap, m. */
function spacingOf(along: readonly number[]): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 1; i < along.length; i++) least = Math.min(least, along[i]! - along[i - 1]!);
  return Number.isFinite(least) && least > 0 ? least : 1;
}

function summaryLine({ llh, E_in, E_tot }: FitWithLosses, count: number): string {
  const energy = (value: number) => `${Math.round(value).toLocaleString("en")} GeV`;
  return `llh ${llh.toFixed(2)}  ·  ${count} losses  ·  inside the detector ${energy(E_in)}  ·  all ${energy(E_tot)}`;
}

const decades = (bottom: number, top: number): number[] =>
  Array.from({ length: top - bottom + 1 }, (_, i) => bottom + i);

function distances(first: number, last: number): number[] {
  const step = [10, 20, 50, 100, 200, 500].find((metres) => (last - first) / metres <= 12) ?? 1000;
  const from = Math.ceil(first / step);
  const count = Math.floor(last / step) - from + 1;
  return Array.from({ length: Math.max(0, count) }, (_, i) => (from + i) * step);
}

const gridLine = (y: number, decade: number): string =>
  element("line", { x1: FRAME.x, x2: FRAME.x + FRAME.width, y1: y, y2: y, stroke: "#ddd" }) +
  text(FRAME.x - 8, y + 4, String(Number((10 ** decade).toPrecision(1))), { "text-anchor": "end" });

const tick = (x: number, metres: number): string =>
  element("line", {
    x1: x,
    x2: x,
    y1: FRAME.y + FRAME.height,
    y2: FRAME.y + FRAME.height + 6,
    stroke: "#444",
  }) + text(x, FRAME.y + FRAME.height + 22, String(metres), { "text-anchor": "middle" });
