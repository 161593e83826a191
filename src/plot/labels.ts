// Where texts stand, so that no two stand on each other.

/** A rectangle on the picture, px. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export type Anchor = "start" | "middle" | "end";

/** Advance of DejaVu Sans, in font sizes: its digits; its widest small letters are hardly wider. */
const ADVANCE = 0.64;
/** Height above and below the base line, in font sizes. */
const ASCENT = 0.78;
const DESCENT = 0.22;

/** How wide a line of text is at most, px, but for capitals. */
export const textWidth = (content: string, size: number): number => content.length * ADVANCE * size;

/** What a text covers whose base line begins, has its middle or ends at (x, y). */
export function textBox(
  x: number,
  y: number,
  content: string,
  size = 13,
  anchor: Anchor = "start",
): Box {
  const width = textWidth(content, size);
  const left = anchor === "start" ? x : anchor === "end" ? x - width : x - width / 2;
  return { x: left, y: y - ASCENT * size, width, height: (ASCENT + DESCENT) * size };
}

/** Whether two boxes come nearer than `gap`, px. */
export const touch = (a: Box, b: Box, gap = 0): boolean =>
  a.x < b.x + b.width + gap &&
  b.x < a.x + a.width + gap &&
  a.y < b.y + b.height + gap &&
  b.y < a.y + a.height + gap;

/** Those of the labels, in the order given, that touch none before them. */
export function withoutCollisions<T extends { readonly box: Box }>(
  labels: readonly T[],
  gap = 2,
): T[] {
  const kept: T[] = [];
  for (const label of labels)
    if (!kept.some(({ box }) => touch(box, label.box, gap))) kept.push(label);
  return kept;
}
