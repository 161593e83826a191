/** The pens of the map's overlay: lines on the sky, and labels that are legible on every colour of the map. */
import type { geoPath } from "d3-geo";

export type Path = ReturnType<typeof geoPath>;
export type Context = CanvasRenderingContext2D;

export const CASING = "rgb(0 0 0 / .72)";
const LABEL = "500 12px Inter, system-ui, sans-serif";

/** Strokes lines given in degrees, as the context's pen is set. */
export function line(context: Context, path: Path, coordinates: [number, number][][]): void {
  context.beginPath();
  path({ type: "MultiLineString", coordinates });
  context.stroke();
}

/** So many numbers from one to another, about `step` apart. */
export const span = (from: number, to: number, step: number): number[] => {
  const count = Math.max(1, Math.ceil((to - from) / step));
  return Array.from({ length: count + 1 }, (_, i) => from + ((to - from) * i) / count);
};

/** Letters of a label are about so wide, screen pixels; measuring them takes as long as drawing. */
const LETTER = 6.6;
const LINE_HEIGHT = 15;

/** Labels that do not cover each other: who comes first has the place. */
export class Labels {
  readonly #taken: { left: number; right: number; bottom: number }[] = [];

  constructor(readonly context: Context) {}

  /** Writes a text in the first of these places that is free. @returns false: none is */
  write(
    text: string,
    places: readonly (readonly [x: number, y: number, align: CanvasTextAlign])[],
  ): boolean {
    for (const [x, y, align] of places) {
      const width = LETTER * text.length;
      const left = align === "left" ? x : align === "right" ? x - width : x - width / 2;
      const box = { left, right: left + width, bottom: y };
      if (this.#taken.some((other) => isOverlapping(box, other))) continue;
      this.#taken.push(box);
      label(this.context, text, x, y, align);
      return true;
    }
    return false;
  }

  /** Keeps a sign's surroundings free. */
  keepFree(x: number, y: number, radius: number): void {
    this.#taken.push({ left: x - radius, right: x + radius, bottom: y + LINE_HEIGHT / 2 });
  }
}

interface Box {
  readonly left: number;
  readonly right: number;
  readonly bottom: number;
}

const isOverlapping = (a: Box, b: Box): boolean =>
  a.left < b.right && b.left < a.right && Math.abs(a.bottom - b.bottom) < LINE_HEIGHT;

/** White on a dark casing: legible on every colour of the map. */
export function label(
  context: Context,
  text: string,
  x: number,
  y: number,
  align: CanvasTextAlign,
): void {
  context.font = LABEL;
  context.textAlign = align;
  context.lineWidth = 3;
  context.strokeStyle = CASING;
  context.strokeText(text, x, y);
  context.fillStyle = "#fff";
  context.fillText(text, x, y);
}
