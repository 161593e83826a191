/** The map's colour scale beside it, with the contours' levels on it. */
import { colourOf } from "../../plot/colour.ts";
import { squareRootScale } from "../../plot/scale.ts";
import { differenceColours } from "./colours.ts";

const TOP = 34;
const BOTTOM = 24;
const BAR = { x: 13, width: 12 };

export interface Bar {
  /** 2Δllh where the scale ends. */
  readonly end: number;
  readonly levels: readonly number[];
  /** What is above the end looks the same. */
  readonly isCut: boolean;
}

/** The context of a canvas at the screen's resolution, in CSS pixels. */
function prepared(canvas: HTMLCanvasElement) {
  const ratio = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d")!;
  context.scale(ratio, ratio);
  context.font = "500 11px Inter, system-ui, sans-serif";
  return { context, width, length: height - TOP - BOTTOM };
}

export function drawColourBar(canvas: HTMLCanvasElement, { end, levels, isCut }: Bar): void {
  const { context, width, length } = prepared(canvas);
  const scale = squareRootScale(end, isCut);
  const at = (value: number) => TOP + length * (1 - scale.share(value));
  for (let y = 0; y < length; y++) {
    context.fillStyle = colourOf(1 - y / length);
    context.fillRect(BAR.x, TOP + y, BAR.width, 1.5);
  }
  context.fillStyle = "#e9edf3";
  context.textAlign = "center";
  context.fillText("2Δllh", width / 2, 19);
  context.textAlign = "left";
  for (const { share, label } of scale.ticks(length < 240 ? 3 : 5)) {
    const y = TOP + length * (1 - share);
    context.fillRect(BAR.x + BAR.width, y - 0.5, 4, 1);
    context.fillText(label.replace("≥ ", "≥"), BAR.x + BAR.width + 7, y + 4);
  }
  context.strokeStyle = "#000";
  context.lineWidth = 2;
  levels.forEach((level, i) => {
    if (scale.share(level) >= 1) return;
    context.setLineDash(i === 0 ? [] : i === 1 ? [4, 2] : [2, 2]);
    context.beginPath();
    context.moveTo(BAR.x, at(level));
    context.lineTo(BAR.x + BAR.width, at(level));
    context.stroke();
  });
}

/** The scale of a difference of two maps: the second is better above, the first below. */
export function drawDifferenceBar(canvas: HTMLCanvasElement, end: number): void {
  const { context, width, length } = prepared(canvas);
  const middle = (differenceColours.length - 1) / 2;
  const at = (value: number) =>
    TOP + (length / 2) * (1 - Math.sign(value) * Math.sqrt(Math.abs(value) / end));
  for (let y = 0; y < length; y++) {
    const colour = differenceColours[Math.round(2 * middle * (1 - y / length))]!;
    context.fillStyle = `rgb(${colour & 255} ${(colour >> 8) & 255} ${(colour >> 16) & 255})`;
    context.fillRect(BAR.x, TOP + y, BAR.width, 1.5);
  }
  context.fillStyle = "#e9edf3";
  context.textAlign = "center";
  context.fillText("Δ 2Δllh", width / 2, 19);
  context.textAlign = "left";
  for (const value of [-end, -10, -2, 0, 2, 10, end]) {
    context.fillRect(BAR.x + BAR.width, at(value) - 0.5, 4, 1);
    context.fillText(
      `${value < 0 ? "−" : value > 0 ? "+" : ""}${Math.abs(value)}`,
      BAR.x + BAR.width + 7,
      at(value) + 4,
    );
  }
}
