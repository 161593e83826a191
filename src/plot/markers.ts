/** Markers with white edges, legible on any colour. */

import { element, round, star } from "./svg.ts";

export type MarkerShape = "star" | "circle" | "triangle" | "square" | "cross" | "diamond";

/** Of the online reconstruction, and of the truth. */
export const ONLINE_COLOUR = "#0a63d6";
export const TRUTH_COLOUR = "#128a2e";
export const RECTANGLE_COLOUR = "#00707a";

/** One marker around a place. */
export function marker(shape: MarkerShape, x: number, y: number, r: number): string {
  if (shape === "star") return star(x, y, r);
  const d = outlines[shape](x, y, r);
  const look = looks[shape];
  const edge = {
    d,
    fill: "none",
    stroke: "#fff",
    "stroke-linejoin": "round",
    "stroke-linecap": "round",
  };
  return (
    element("path", { ...edge, "stroke-width": look["stroke-width"] + 2 }) +
    element("path", { ...edge, ...look })
  );
}

type Drawn = Exclude<MarkerShape, "star">;

const path = (points: readonly (readonly [number, number])[]) =>
  `M${points.map(([x, y]) => `${round(x)},${round(y)}`).join("L")}Z`;

const outlines: Readonly<Record<Drawn, (x: number, y: number, r: number) => string>> = {
  circle: (x, y, r) => {
    const [left, right, middle] = [round(x - r), round(x + r), round(y)];
    return `M${left},${middle}A${r},${r} 0 1 0 ${right},${middle}A${r},${r} 0 1 0 ${left},${middle}Z`;
  },
  triangle: (x, y, r) =>
    path([
      [x, y - 1.15 * r],
      [x + r, y + 0.7 * r],
      [x - r, y + 0.7 * r],
    ]),
  square: (x, y, r) =>
    path([
      [x - 0.85 * r, y - 0.85 * r],
      [x + 0.85 * r, y - 0.85 * r],
      [x + 0.85 * r, y + 0.85 * r],
      [x - 0.85 * r, y + 0.85 * r],
    ]),
  diamond: (x, y, r) =>
    path([
      [x, y - 1.2 * r],
      [x + 1.2 * r, y],
      [x, y + 1.2 * r],
      [x - 1.2 * r, y],
    ]),
  cross: (x, y, r) =>
    `M${round(x - r)},${round(y - r)}L${round(x + r)},${round(y + r)}M${round(x - r)},${round(y + r)}L${round(x + r)},${round(y - r)}`,
};

const source = { fill: "none", stroke: "#111", "stroke-width": 1.4 };
const looks: Readonly<Record<Drawn, { readonly "stroke-width": number }>> = {
  circle: source,
  triangle: source,
  square: source,
  cross: { ...source, stroke: ONLINE_COLOUR, "stroke-width": 2.2 } as typeof source,
  diamond: { ...source, fill: TRUTH_COLOUR, stroke: "#fff", "stroke-width": 1 } as typeof source,
};
