/** The P–P picture of a coverage study: stated shares against those that hold the truth. */

import { element, picture, round, text } from "../plot/svg.ts";
import type { CoverageReport } from "./coverage_report.ts";

const WIDTH = 560;
const HEIGHT = 620;
const FRAME = { x: 76, y: 84, size: 440 };

const at = (stated: number, held: number): [number, number] => [
  FRAME.x + stated * FRAME.size,
  FRAME.y + (1 - held) * FRAME.size,
];

/** Steps of the bands of the binomial errors. */
const STEPS = 60;

/** So many errors above and below the diagonal that n events stay within. */
function band(n: number, errors: number, opacity: number): string {
  const edge = (sign: number) =>
    Array.from({ length: STEPS + 1 }, (_, i) => {
      const p = i / STEPS;
      return at(p, p + sign * errors * Math.sqrt((p * (1 - p)) / n));
    });
  const points = [...edge(1), ...edge(-1).reverse()].map(
    ([x, y]) => `${round(x)},${round(Math.min(FRAME.y + FRAME.size, Math.max(FRAME.y, y)))}`,
  );
  return element("polygon", { points: points.join(" "), fill: "#7a6fb0", "fill-opacity": opacity });
}

/** As SVG. @param title above it: what was simulated and fitted */
export function plotCoverage(report: CoverageReport, title: string): string {
  const { x, y, size } = FRAME;
  const ticks = [0, 0.2, 0.4, 0.6, 0.8, 1].flatMap((value) => {
    const [across] = at(value, 0);
    const [, up] = at(0, value);
    const label = `${100 * value}`;
    return [
      element("line", { x1: across, x2: across, y1: y, y2: y + size, stroke: "#ddd" }),
      element("line", { x1: x, x2: x + size, y1: up, y2: up, stroke: "#ddd" }),
      text(across, y + size + 20, label, { "text-anchor": "middle" }),
      text(x - 10, up + 4.5, label, { "text-anchor": "end" }),
    ];
  });
  let d = `M${at(0, 0).map(round).join(",")}`;
  let before = 0;
  for (const { stated, held } of report.pp) {
    d += `L${at(stated, before).map(round).join(",")}L${at(stated, held).map(round).join(",")}`;
    before = held;
  }
  d += `L${at(1, before).map(round).join(",")}`;
  const shares = report.shares
    .map(
      ({ percent, share, error }) =>
        `${percent} %: ${(100 * share).toFixed(0)} ± ${(100 * error).toFixed(0)} %`,
    )
    .join("   ");
  return picture(
    { width: WIDTH, height: HEIGHT },
    text(x - 40, 34, title, { "font-size": 16, "font-weight": "bold" }),
    text(x - 40, 58, `${report.events} events; inside ${shares}`, { fill: "#555" }),
    ...ticks,
    band(report.events, 2, 0.18),
    band(report.events, 1, 0.25),
    element("line", {
      x1: x,
      y1: y + size,
      x2: x + size,
      y2: y,
      stroke: "#777",
      "stroke-dasharray": "5 4",
    }),
    element("path", {
      d,
      fill: "none",
      stroke: "#201560",
      "stroke-width": 2,
      "stroke-linejoin": "round",
    }),
    element("rect", { x, y, width: size, height: size, fill: "none", stroke: "#333" }),
    text(x + size / 2, y + size + 46, "share that a contour states, % (Wilks)", {
      "text-anchor": "middle",
    }),
    text(0, 0, "share of truths it holds, %", {
      "text-anchor": "middle",
      transform: `translate(${x - 50} ${y + size / 2}) rotate(-90)`,
    }),
  );
}
