/** The map's net of right ascension and declination. */
import { degreesPerRadian } from "../../geometry/constants.ts";
import { niceStep } from "../../plot/scale.ts";
import { type Context, label, line, type Path, span } from "./strokes.ts";
import { directionsOf, type Size, type View } from "./view.ts";

/** Lines aimed at across the view. */
const LINES = 4;

/** Draws lines of equal RA and Dec, labelled where they meet the edges. */
export function drawGraticule(
  context: Context,
  view: View,
  size: Size,
  path: Path,
  isSmall: boolean,
): void {
  context.strokeStyle = "rgb(255 255 255 / .26)";
  context.lineWidth = isSmall ? 0.6 : 1;
  if (view.kind === "sky") {
    const meridians = [0, 60, 120, 180, 240, 300].map((ra) =>
      span(-90, 90, 3).map((dec): [number, number] => [ra, dec]),
    );
    const parallels = [-60, -30, 0, 30, 60].map((dec) =>
      span(0.01, 359.99, 3).map((ra): [number, number] => [ra, dec]),
    );
    line(context, path, [...meridians, ...parallels]);
    return;
  }
  const field = view.field * degreesPerRadian;
  const dec = view.dec * degreesPerRadian;
  const step = niceStep(field, LINES);
  const stretch = Math.max(0.05, Math.cos(view.dec));
  const raStep = niceStep(Math.min(360, field / stretch), LINES);
  const reach = (field * Math.max(size.width, size.height)) / Math.min(size.width, size.height);
  const [from, to] = [Math.max(-90, dec - reach), Math.min(90, dec + reach)];
  const hasPole = Math.max(Math.abs(from), Math.abs(to)) >= 90;
  const ra = view.ra * degreesPerRadian;
  const half = hasPole
    ? 180
    : Math.min(
        180,
        (reach * 1.2) /
          Math.max(0.05, Math.cos((Math.max(Math.abs(from), Math.abs(to)) / 180) * Math.PI)),
      );
  const lines: [number, number][][] = [];
  for (let d = Math.ceil(from / step) * step; d <= to; d += step)
    if (Math.abs(d) < 90) lines.push(span(ra - half, ra + half, half / 60).map((r) => [r, d]));
  for (let r = Math.ceil((ra - half) / raStep) * raStep; r <= ra + half; r += raStep)
    lines.push(
      span(Math.max(from, -89.99), Math.min(to, 89.99), (to - from) / 40).map((d) => [r, d]),
    );
  line(context, path, lines);
  if (!isSmall) labelGraticule(context, view, size, step, raStep);
}

/** Screen pixels between two looks at what lies along an edge. */
const STRIDE = 4;

/** Where a coordinate passes multiples of a step along a line of the screen. */
function crossings(
  length: number,
  valueAt: (along: number) => number | undefined,
  step: number,
): { readonly along: number; readonly value: number }[] {
  const found: { along: number; value: number }[] = [];
  let before: number | undefined;
  for (let along = 0; along <= length; along += STRIDE) {
    const now = valueAt(along);
    // Where RA begins anew it does not pass what lies between.
    if (now !== undefined && before !== undefined && Math.abs(now - before) < step) {
      const crossed = Math.floor(Math.max(now, before) / step);
      if (crossed > Math.floor(Math.min(now, before) / step)) {
        const value = crossed * step;
        found.push({ along: along - (STRIDE * (now - value)) / (now - before), value });
      }
    }
    before = now;
  }
  return found;
}

/** Dec along the left side, RA along the lower one, where lines pass. */
function labelGraticule(
  context: Context,
  view: View,
  size: Size,
  step: number,
  raStep: number,
): void {
  const digits = (value: number) => (value < 0.1 ? 2 : value < 1 ? 1 : 0);
  const at = directionsOf(view, size);
  const degrees = (angle: number | undefined) =>
    angle === undefined ? undefined : angle * degreesPerRadian;
  const decAt = (down: number) => degrees(at(14, 60 + down)?.dec);
  for (const { along, value } of crossings(size.height - 120, decAt, step)) {
    const sign = value < -1e-9 ? "−" : value > 1e-9 ? "+" : "";
    label(context, `${sign}${Math.abs(value).toFixed(digits(step))}°`, 8, 64 + along, "left");
  }
  const raAt = (right: number) => degrees(at(30 + right, size.height - 10)?.ra);
  for (const { along, value } of crossings(size.width - 60, raAt, raStep)) {
    const text = `${(value % 360).toFixed(digits(raStep))}°`;
    label(context, text, 30 + along, size.height - 8, "center");
  }
}
