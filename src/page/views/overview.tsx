/** The whole sky, small: where the map's window lies on it. A click there moves the window. */

import { geoPath } from "d3-geo";
import { useEffect, useRef } from "preact/hooks";
import type { Scene } from "../map/map_canvas.ts";
import { drawOverlay, projectionOf } from "../map/overlay.ts";
import { levelsShown, mapColours, paint } from "../map/painter.ts";
import { directionAt, type LocalView, type Size, type View } from "../map/view.ts";
import { usePage } from "./hooks.ts";

const SKY: View = { kind: "sky" };

export function Overview({ scene }: { scene: Scene }) {
  const { shell } = usePage();
  const canvas = useRef<HTMLCanvasElement>(null);
  const cells = useRef<{ image: OffscreenCanvas; version: number; epoch: string } | undefined>(
    undefined,
  );
  const drawn = useRef("");
  useEffect(() => {
    const target = canvas.current!;
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    const size = { width: target.clientWidth, height: target.clientHeight };
    if (size.width === 0) return;
    const { version, epoch, seq } = scene.map;
    // The page is drawn anew for many a reason that is none of the map's.
    const what = JSON.stringify([version, epoch, scene.view, size, ratio, shell.canvas?.size]);
    if (what === drawn.current) return;
    drawn.current = what;
    const isKnown = cells.current?.version === version && cells.current.epoch === epoch;
    if (!isKnown && seq > 0)
      cells.current = { image: paintSky(scene, size, ratio), version, epoch };
    target.width = Math.round(size.width * ratio);
    target.height = Math.round(size.height * ratio);
    const context = target.getContext("2d")!;
    if (seq > 0 && cells.current) context.drawImage(cells.current.image, 0, 0);
    context.scale(ratio, ratio);
    drawOverlay(context, SKY, size, {
      contours: [],
      sources: [],
      newest: [],
      freshness: 0,
      isSmall: true,
    });
    if (scene.view.kind === "local") drawWindow(context, size, scene.view, shell.canvas?.size);
  });
  return (
    <canvas
      ref={canvas}
      class="overview"
      role="img"
      aria-label="Whole sky; the outline is the part shown large"
      onClick={(event) => {
        const { left, top, width, height } = event.currentTarget.getBoundingClientRect();
        const direction = directionAt(
          SKY,
          { width, height },
          event.clientX - left,
          event.clientY - top,
        );
        if (direction && scene.view.kind === "local") shell.look({ ...scene.view, ...direction });
      }}
    />
  );
}

function paintSky({ map }: Scene, { width, height }: Size, ratio: number): OffscreenCanvas {
  const size = { width: Math.round(width * ratio), height: Math.round(height * ratio) };
  const image = new OffscreenCanvas(size.width, size.height);
  const context = image.getContext("2d")!;
  const pixels = context.createImageData(size.width, size.height);
  const levels = levelsShown(map.cells, SKY, size);
  const colours = mapColours(map.cells, map.palette(map.worst()), levels);
  paint(colours, map.cells.nsides[levels - 1]!, SKY, size, new Uint32Array(pixels.data.buffer));
  context.putImageData(pixels, 0, 0);
  return image;
}

/** The outline of the large map's part of the sky; a square of fixed size where that would be too small to be seen. */
function drawWindow(
  context: CanvasRenderingContext2D,
  size: Size,
  view: LocalView,
  large: Size | undefined,
): void {
  const projection = projectionOf(SKY, size);
  const degree = Math.PI / 180;
  if (view.field < 12 * degree || !large) {
    const at = projection([view.ra / degree, view.dec / degree]);
    if (!at) return;
    for (const [colour, width] of [
      ["#000", 4],
      ["#fff", 2],
    ] as const) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.strokeRect(at[0] - 6, at[1] - 6, 12, 12);
    }
    return;
  }
  const points: [number, number][] = [];
  const side = (x0: number, y0: number, x1: number, y1: number) => {
    for (let i = 0; i < 24; i++) {
      const d = directionAt(view, large, x0 + ((x1 - x0) * i) / 24, y0 + ((y1 - y0) * i) / 24);
      if (d) points.push([d.ra / degree, d.dec / degree]);
    }
  };
  const { width, height } = large;
  side(0, 0, width, 0);
  side(width, 0, width, height);
  side(width, height, 0, height);
  side(0, height, 0, 0);
  if (points.length === 0) return;
  context.beginPath();
  geoPath(projection, context)({ type: "LineString", coordinates: [...points, points[0]!] });
  context.strokeStyle = "#fff";
  context.lineWidth = 1.5;
  context.stroke();
}
