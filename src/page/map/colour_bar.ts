/** The map's colour scale beside it, with the contours' levels on it. */
import { colourOf } from "../../plot/colour.ts";
import { squareRootScale } from "../../plot/scale.ts";

const TOP = 34;
const BOTTOM = 24;
const BAR = { x: 13, width: 12 };

export function drawColourBar(
  canvas: HTMLCanvasElement,
  end: number,
  levels: readonly number[],
  isCut: boolean,
): void {
  const ratio = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d")!;
  context.scale(ratio, ratio);
  const scale = squareRootScale(end);
  const length = height - TOP - BOTTOM;
  const at = (value: number) => TOP + length * (1 - scale.share(value));
  for (let y = 0; y < length; y++) {
    context.fillStyle = colourOf(1 - y / length);
    context.fillRect(BAR.x, TOP + y, BAR.width, 1.5);
  }
  context.font = "500 11px Inter, system-ui, sans-serif";
  context.fillStyle = "#e9edf3";
  context.textAlign = "center";
  context.fillText("2Δllh", width / 2, 19);
  context.textAlign = "left";
  for (const value of scale.ticks(height < 300 ? 3 : 5)) {
    const isTop = scale.share(value) === 1 && isCut;
    context.fillRect(BAR.x + BAR.width, at(value) - 0.5, 4, 1);
    context.fillText(`${isTop ? "≥" : ""}${value}`, BAR.x + BAR.width + 7, at(value) + 4);
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
