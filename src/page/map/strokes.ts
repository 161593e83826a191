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
