import { colourOf } from "./colour.ts";
import type { Scale } from "./scale.ts";
import { element, text } from "./svg.ts";

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const STOPS = 32;

/** The colour scale with its values; horizontal when it is wider than high. `id` is unique in the picture; levels are marked. */
export function colourBar(
  box: Box,
  scale: Scale,
  id: string,
  isCut: boolean,
  levels: readonly number[] = [],
): string {
  const { x, y, width, height } = box;
  const horizontal = width > height;
  const stops = Array.from({ length: STOPS + 1 }, (_, i) =>
    element("stop", { offset: `${(100 * i) / STOPS}%`, "stop-color": colourOf(i / STOPS) }),
  );
  const gradient = element(
    "linearGradient",
    horizontal ? { id } : { id, x1: "0%", y1: "100%", x2: "0%", y2: "0%" },
    ...stops,
  );
  const bar = element("rect", { ...box, fill: `url(#${id})`, stroke: "#333", "stroke-width": 0.8 });
  const ticks = scale.ticks(6).map((value) => {
    const share = scale.share(value);
    const label = isCut && share === 1 ? `≥ ${value}` : String(value);
    const line = { stroke: "#333", "stroke-width": 0.8 };
    if (horizontal) {
      const at = x + share * width;
      return (
        element("line", { x1: at, x2: at, y1: y + height, y2: y + height + 5, ...line }) +
        text(at, y + height + 18, label, { "text-anchor": "middle" })
      );
    }
    const at = y + (1 - share) * height;
    return (
      element("line", { x1: x + width, x2: x + width + 5, y1: at, y2: at, ...line }) +
      text(x + width + 9, at + 4.5, label)
    );
  });
  const marks = levels.map((level, i) => {
    const share = scale.share(level);
    const ends = horizontal
      ? { x1: x + share * width, x2: x + share * width, y1: y, y2: y + height }
      : { x1: x, x2: x + width, y1: y + (1 - share) * height, y2: y + (1 - share) * height };
    return element("line", {
      ...ends,
      stroke: "#000",
      "stroke-width": 1.6,
      "stroke-dasharray": i === 0 ? undefined : "4 2",
    });
  });
  return [gradient, bar, ...marks, ...ticks].join("");
}
