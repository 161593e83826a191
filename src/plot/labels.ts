/** Where labels stand, and which of them have room: no two may touch. */

import { halo, text } from "./svg.ts";

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Label {
  readonly x: number;
  /** Of the line the letters stand on. */
  readonly y: number;
  readonly content: string;
  readonly anchor?: "start" | "middle" | "end";
  /** px */
  readonly size?: number;
  readonly isBold?: boolean;
  /** It stands on the map itself. */
  readonly isOnMap?: boolean;
}

/** Of the pictures' text, px. */
export const TEXT_SIZE = 13;

/** Widths of DejaVu Sans's letters in its size; of those that are not listed the widest kind's. */
const widths: readonly (readonly [RegExp, number])[] = [
  [/[ .,:;'|ijlI]/, 0.35],
  [/[frt()-]/, 0.42],
  [/[°²"]/, 0.5],
  [/[0-9acdeghknopqsuvxyzbFLEJT_]/, 0.64],
  [/[ABCKPRSVXYZ]/, 0.72],
];
const WIDEST = 0.9;
/** Bold letters are wider by this. */
const BOLD = 1.12;

/** How wide a text is set at most, px. */
export function textWidth(content: string, size = TEXT_SIZE, isBold = false): number {
  const width = [...content].reduce(
    (sum, letter) => sum + (widths.find(([kind]) => kind.test(letter))?.[1] ?? WIDEST),
    0,
  );
  return width * size * (isBold ? BOLD : 1);
}

/** Letters reach this far above and below the line they stand on, in their size. */
const ASCENT = 0.78;
const DESCENT = 0.24;

export function boxOf({ x, y, content, anchor = "start", size = TEXT_SIZE, isBold }: Label): Box {
  const width = textWidth(content, size, isBold);
  const before = anchor === "start" ? 0 : anchor === "middle" ? width / 2 : width;
  return { x: x - before, y: y - ASCENT * size, width, height: (ASCENT + DESCENT) * size };
}

export const touches = (a: Box, b: Box): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

/** Room that is left free beside a label, px. */
const GAP = 5;

const widened = ({ x, y, width, height }: Box): Box => ({
  x: x - GAP,
  y,
  width: width + 2 * GAP,
  height,
});

/** The labels that have room, the first ones first; none touches another, nor what is taken already. */
export function thoseWithRoom(labels: readonly Label[], taken: readonly Box[] = []): Label[] {
  const boxes = [...taken];
  return labels.filter((label) => {
    const box = boxOf(label);
    if (boxes.some((other) => touches(widened(box), other))) return false;
    boxes.push(box);
    return true;
  });
}

export function drawLabel({ x, y, content, anchor, size, isBold, isOnMap }: Label): string {
  const attributes = {
    "text-anchor": anchor,
    "font-size": size,
    "font-weight": isBold ? "bold" : undefined,
  };
  return (isOnMap ? halo : text)(x, y, content, attributes);
}
