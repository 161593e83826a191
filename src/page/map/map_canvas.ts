/** A map on two canvases: cells below, lines and signs above. Drawn when something has changed, never in a loop. */
import { select } from "d3-selection";
import { type D3ZoomEvent, type ZoomTransform, zoom, zoomIdentity } from "d3-zoom";
import type { Direction } from "../../sky/healpix.ts";
import type { Hit } from "./cells.ts";
import { faceOf } from "./faces.ts";
import { drawOverlay, type Overlay } from "./overlay.ts";
import { differenceOf, type LookUp, levelsShown, mapColours, paint } from "./painter.ts";
import type { SkyMap } from "./sky_map.ts";
import { directionAt, forward, inverse, moved, type Size, type View } from "./view.ts";

/** After this long without a movement the map is drawn at the screen's full resolution, ms. */
const REST = 120;
/** New cells are outlined for so long, ms. */
const FADE = 1200;
/** A press of that long without moving opens the pixel, as a click does with a mouse, ms. */
const LONG_PRESS = 500;

export interface Scene extends Omit<Overlay, "newest" | "freshness"> {
  readonly map: SkyMap;
  /** The map that is taken from it. */
  readonly less?: SkyMap | undefined;
  readonly view: View;
  /** 2Δllh where the scale ends. */
  readonly end: number;
  readonly isStill: boolean;
}

/** The same, or a view, a pixel or a list of the same: these are made anew with every picture of the page. */
function isAlike(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (!isPlain(a) || !isPlain(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" &&
  value !== null &&
  (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype);

/** What lies under a point. */
export interface Reading {
  readonly direction: Direction;
  readonly hit: Hit | undefined;
  readonly x: number;
  readonly y: number;
}

export interface MapEvents {
  readonly onView: (view: View) => void;
  readonly onHover: (reading: Reading | undefined) => void;
  readonly onPick: (reading: Reading) => void;
}

export class MapCanvas {
  #scene: Scene | undefined;
  #version = -1;
  #size: Size = { width: 0, height: 0 };
  #pixels = new Uint32Array(0);
  #image: ImageData | undefined;
  #frame = 0;
  #movedAt = Number.NEGATIVE_INFINITY;
  #painted = "";
  #before: ZoomTransform = zoomIdentity;
  #observer: ResizeObserver;
  /** How long the last drawing took, ms. */
  took = 0;
  frames = 0;

  constructor(
    readonly cells: HTMLCanvasElement,
    readonly lines: HTMLCanvasElement,
    readonly events: MapEvents,
  ) {
    this.#observer = new ResizeObserver(() => this.#resize());
    this.#observer.observe(lines);
    this.#listen();
  }

  close(): void {
    this.#observer.disconnect();
    cancelAnimationFrame(this.#frame);
    select(this.lines).on(".zoom", null);
  }

  show(scene: Scene): void {
    const before = this.#scene;
    const isSame =
      before !== undefined &&
      this.#version === scene.map.version &&
      (Object.keys(scene) as (keyof Scene)[]).every((key) => isAlike(scene[key], before[key]));
    if (isSame) return;
    if (before && !isAlike(scene.view, before.view)) this.#movedAt = performance.now();
    this.#scene = scene;
    this.#version = scene.map.version;
    // At once: what is said beside the map and what it shows are of one moment.
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#timedDraw();
  }

  redraw(): void {
    if (this.#frame === 0)
      this.#frame = requestAnimationFrame(() => {
        this.#frame = 0;
        this.#timedDraw();
      });
  }

  #timedDraw(): void {
    const start = performance.now();
    this.#draw();
    this.took = performance.now() - start;
    this.frames++;
  }

  #resize(): void {
    const { clientWidth: width, clientHeight: height } = this.lines;
    if (width === 0 || height === 0) return;
    this.#size = { width, height };
    this.#painted = "";
    this.#draw();
  }

  #draw(): void {
    const scene = this.#scene;
    if (!scene || this.#size.width === 0) return;
    const ratio = Math.min(3, window.devicePixelRatio || 1);
    const isMoving = performance.now() - this.#movedAt < REST;
    this.#drawCells(scene, isMoving ? 1 : ratio);
    this.#drawLines(scene, ratio);
    if (isMoving && ratio > 1) setTimeout(() => this.redraw(), REST);
  }

  #drawCells(scene: Scene, ratio: number): void {
    const size = {
      width: Math.round(this.#size.width * ratio),
      height: Math.round(this.#size.height * ratio),
    };
    const { map, less, view, end } = scene;
    const what = JSON.stringify([view, size, map.epoch, map.version, less?.version, end]);
    if (what === this.#painted) return;
    this.#painted = what;
    if (this.cells.width !== size.width || this.cells.height !== size.height) {
      this.cells.width = size.width;
      this.cells.height = size.height;
      this.#image = undefined;
    }
    const context = this.cells.getContext("2d", { alpha: true })!;
    // Before the first pixel there is nothing to look up, and the desk's answer is waited for.
    if (map.seq === 0) {
      context.clearRect(0, 0, size.width, size.height);
      return;
    }
    this.#image ??= context.createImageData(size.width, size.height);
    this.#pixels = new Uint32Array(this.#image.data.buffer);
    const levels = levelsShown(map.cells, view, size);
    const lookUp: LookUp = less
      ? differenceOf(map.cells, less.cells, end)
      : mapColours(map.cells, map.palette(end), levels);
    const finest = Math.max(map.cells.nsides[levels - 1]!, less?.cells.nsides.at(-1) ?? 1);
    paint(lookUp, finest, view, size, this.#pixels);
    context.putImageData(this.#image, 0, 0);
  }

  #drawLines(scene: Scene, ratio: number): void {
    const { width, height } = this.#size;
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.lines.width !== w || this.lines.height !== h) {
      this.lines.width = w;
      this.lines.height = h;
    }
    const context = this.lines.getContext("2d")!;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const age = Date.now() - scene.map.newestAt;
    const freshness = scene.isStill
      ? scene.map.newest.length > 0
        ? 0.7
        : 0
      : Math.max(0, 1 - age / FADE);
    drawOverlay(context, scene.view, this.#size, { ...scene, newest: scene.map.newest, freshness });
    // While cells fade, ten pictures a second are enough.
    if (freshness > 0 && !scene.isStill) setTimeout(() => this.redraw(), 100);
  }

  read(x: number, y: number): Reading | undefined {
    const scene = this.#scene;
    if (!scene || this.#size.width === 0) return undefined;
    const direction = directionAt(scene.view, this.#size, x, y);
    if (!direction) return undefined;
    const v = new Float64Array(3);
    const place = new Float64Array(3);
    inverse(scene.view, this.#size)(x, y, v);
    faceOf(v[0]!, v[1]!, v[2]!, place, 0);
    return { direction, hit: scene.map.cells.at(place[0]!, place[1]!, place[2]!), x, y };
  }

  /** Where on the screen a direction is. */
  placeOf(direction: Direction): [number, number] | undefined {
    return this.#scene && forward(this.#scene.view, this.#size)(direction);
  }

  get size(): Size {
    return this.#size;
  }

  #listen(): void {
    const behaviour = zoom<HTMLCanvasElement, unknown>()
      .clickDistance(4)
      .on("zoom", (event: D3ZoomEvent<HTMLCanvasElement, unknown>) => this.#zoomed(event));
    select(this.lines).call(behaviour).on("dblclick.zoom", null);
    const at = (event: PointerEvent | MouseEvent): [number, number] => {
      const { left, top } = this.lines.getBoundingClientRect();
      return [event.clientX - left, event.clientY - top];
    };
    let press = 0;
    const release = () => clearTimeout(press);
    this.lines.addEventListener("pointermove", (event) => {
      if (event.pointerType === "touch") return;
      if (event.buttons === 0) this.events.onHover(this.read(...at(event)));
    });
    this.lines.addEventListener("pointerleave", () => this.events.onHover(undefined));
    this.lines.addEventListener(
      "touchstart",
      (event) => {
        release();
        const touch = event.touches[0];
        if (event.touches.length !== 1 || !touch) return;
        const { left, top } = this.lines.getBoundingClientRect();
        press = window.setTimeout(() => {
          const reading = this.read(touch.clientX - left, touch.clientY - top);
          if (reading) this.events.onPick(reading);
        }, LONG_PRESS);
      },
      { passive: true },
    );
    for (const name of ["touchmove", "touchend", "touchcancel"])
      this.lines.addEventListener(name, release, { passive: true });
    this.lines.addEventListener("click", (event) => {
      const reading = this.read(...at(event));
      // A tap reads, a click opens.
      const isTouch = (event as PointerEvent).pointerType === "touch";
      if (isTouch) this.events.onHover(reading);
      else if (reading) this.events.onPick(reading);
    });
  }

  /** Whatever the gesture was: what is in the middle after it, and how much larger. */
  #zoomed({ transform, sourceEvent }: D3ZoomEvent<HTMLCanvasElement, unknown>): void {
    const before = this.#before;
    this.#before = transform;
    const scene = this.#scene;
    if (sourceEvent === null || !scene || scene.view.kind !== "local") return;
    const { width, height } = this.#size;
    const factor = transform.k / before.k;
    const [x, y] = before.apply(transform.invert([width / 2, height / 2]));
    this.events.onView(moved(scene.view, this.#size, x, y, factor));
  }
}
