import type { Palette } from "./colour.ts";
import { dashOf } from "./contour_lines.ts";
import { type Box, drawLabel, type Label, thoseWithRoom } from "./labels.ts";
import type { Scale, Tick } from "./scale.ts";
import { element } from "./svg.ts";

const STOPS = 32;
const line = { stroke: "#333", "stroke-width": 0.8 };

/**
 * The colour scale with its values; horizontal when it is wider than high.
 * @param id unique in the picture
 * @param levels of −2 Δ ln L, marked as their contours are drawn
 */
export function colourBar(
  box: Box,
  scale: Scale,
  palette: Palette,
  id: string,
  levels: readonly number[] = [],
): string {
  const { x, y, width, height } = box;
  const isFlat = width > height;
  const stops = Array.from({ length: STOPS + 1 }, (_, i) =>
    element("stop", { offset: `${(100 * i) / STOPS}%`, "stop-color": palette(i / STOPS) }),
  );
  const gradient = element(
    "linearGradient",
    isFlat ? { id } : { id, x1: "0%", y1: "100%", x2: "0%", y2: "0%" },
    ...stops,
  );
  /** Across the bar at one place, reaching beyond it. */
  const across = (share: number, from: number, to: number) =>
    isFlat
      ? { x1: x + share * width, x2: x + share * width, y1: y + from, y2: y + to }
      : { x1: x + from, x2: x + to, y1: y + (1 - share) * height, y2: y + (1 - share) * height };
  const thickness = isFlat ? height : width;
  const ticks = scale.ticks(6);
  const labelOf = ({ share, label }: Tick): Label =>
    isFlat
      ? { x: x + share * width, y: y + height + 18, content: label, anchor: "middle" }
      : { x: x + width + 9, y: y + (1 - share) * height + 4.5, content: label };
  // Both ends first: they say most.
  const [first, ...rest] = ticks;
  const last = rest.pop();
  const wanted = [first, last, ...rest].filter((tick) => tick !== undefined);
  const marks = levels.map((level, i) =>
    element("line", {
      ...across(scale.share(level), 0, thickness),
      ...{
        stroke: "#000",
        "stroke-width": 1.6,
        "stroke-dasharray": i === 0 ? undefined : dashOf(i, 0.6),
      },
    }),
  );
  return [
    gradient,
    element("rect", { x, y, width, height, fill: `url(#${id})`, ...line }),
    ...marks,
    ...ticks.map(({ share }) =>
      element("line", { ...across(share, thickness, thickness + 5), ...line }),
    ),
    ...thoseWithRoom(wanted.map(labelOf)).map(drawLabel),
  ].join("");
}
