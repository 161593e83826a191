import { colourOf, type Palette } from "./colour.ts";
import { type Box, textBox, withoutCollisions } from "./labels.ts";
import type { Scale } from "./scale.ts";
import { element, text } from "./svg.ts";

const STOPS = 32;

/** What a colour bar shows. */
export interface Bar {
  /** Horizontal when it is wider than high, and then with the best to the left; else with the best below. */
  readonly box: Box;
  readonly scale: Scale;
  readonly palette: Palette;
  /** Unique in the picture. */
  readonly id: string;
  /** Put before the label at the scale's end where values beyond it look the same: "≥". */
  readonly beyond?: string;
  /** Marked with a line. */
  readonly levels?: readonly number[];
}

/** The colour scale with its values; of labels that would touch the later one is left out. */
export function colourBar({ box, scale, palette, id, beyond, levels = [] }: Bar): string {
  const { x, y, width, height } = box;
  const horizontal = width > height;
  const stops = Array.from({ length: STOPS + 1 }, (_, i) =>
    element("stop", {
      offset: `${(100 * i) / STOPS}%`,
      "stop-color": colourOf(i / STOPS, palette),
    }),
  );
  const gradient = element(
    "linearGradient",
    horizontal ? { id } : { id, x1: "0%", y1: "100%", x2: "0%", y2: "0%" },
    ...stops,
  );
  const bar = element("rect", { ...box, fill: `url(#${id})`, stroke: "#333", "stroke-width": 0.8 });
  const ticks = barTicks(box, scale, beyond).map(({ at, label, box: _, ...place }) => {
    const line = { stroke: "#333", "stroke-width": 0.8 };
    const ends = horizontal
      ? { x1: at, x2: at, y1: y + height, y2: y + height + 5 }
      : { x1: x + width, x2: x + width + 5, y1: at, y2: at };
    return (
      element("line", { ...ends, ...line }) +
      text(place.x, place.y, label, { "text-anchor": place.anchor })
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

/** The ends of the scale first: they are kept. */
export function barTicks({ x, y, width, height }: Box, scale: Scale, beyond?: string) {
  const horizontal = width > height;
  const values = [...scale.ticks(6)].sort((a, b) => scale.share(a) - scale.share(b));
  const order = [...values.slice(0, 1), ...values.slice(-1), ...values.slice(1, -1)];
  const labels = order.map((value) => {
    const share = scale.share(value);
    const label = beyond && share === 1 ? `${beyond} ${scale.label(value)}` : scale.label(value);
    if (horizontal) {
      const at = x + share * width;
      const place = { x: at, y: y + height + 18, anchor: "middle" as const };
      return { at, label, ...place, box: textBox(place.x, place.y, label, 13, "middle") };
    }
    // The best stands below.
    const at = y + (1 - share) * height;
    const place = { x: x + width + 9, y: at + 4.5, anchor: "start" as const };
    return { at, label, ...place, box: textBox(place.x, place.y, label) };
  });
  return withoutCollisions(labels, 4);
}
