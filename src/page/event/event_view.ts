/** An event's DOMs and tracks in three dimensions. Draws when something has changed, never in a loop. */
import {
  AmbientLight,
  BufferGeometry,
  Color,
  DirectionalLight,
  Float32BufferAttribute,
  IcosahedronGeometry,
  InstancedMesh,
  LineBasicMaterial,
  LineSegments,
  Matrix4,
  MeshLambertMaterial,
  PerspectiveCamera,
  Points,
  PointsMaterial,
  Raycaster,
  Scene,
  SRGBColorSpace,
  Vector2,
  Vector3,
  WebGLRenderer,
} from "three";
import { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";
import type { Best, PixelAnswer } from "../../desk/messages.ts";
import { fixed } from "../words.ts";
import {
  chargeUntil,
  type Doms,
  geometryOf,
  type Position,
  radiusOf,
  readDoms,
  timeColour,
  timeRange,
} from "./doms.ts";
import { type Loss, TrackScene, travelOf } from "./track_scene.ts";

export type OpenEvent = (holder: HTMLElement, bytes: ArrayBuffer) => EventView | string;

/** How long an event plays, ms. */
const PLAY = 6000;
/** Hit DOMs of a bright event. */
const MANY_DOMS = 800;
/** The camera's distance from what it looks at, m. */
const DISTANCE = 2350;

export type Preset = "side" | "along" | "top" | "all";

export interface EventView {
  /** ns from the first to the last time shown. */
  readonly length: number;
  readonly summary: { readonly doms: number; readonly charge: number };
  play(): void;
  pause(): void;
  seek(time: number): void;
  look(preset: Preset): void;
  /** @param other the pixel under the pointer, or picked, whose losses these are */
  showTracks(best: Best | undefined, other: PixelAnswer | undefined, losses: readonly Loss[]): void;
  onTime(listener: (time: number, isPlaying: boolean) => void): () => void;
  /** What is under a point of the view, in words. */
  describe(x: number, y: number): string | undefined;
  close(): void;
}

/** @returns the view; why there is none, in words */
export function createEventView(
  holder: HTMLElement,
  bytes: ArrayBuffer,
  table: string,
): EventView | string {
  const doms = readDoms(bytes);
  if (doms.header.doms === 0) return "no pulses";
  try {
    return new View(holder, doms, geometryOf(table));
  } catch {
    return "needs WebGL2";
  }
}

class View implements EventView {
  readonly length: number;
  readonly summary: { doms: number; charge: number };
  #scene = new Scene();
  #camera = new PerspectiveCamera(32, 1, 10, 10_000);
  #renderer: WebGLRenderer;
  #controls: OrbitControls;
  #spheres: InstancedMesh;
  #places: Position[];
  #range: [number, number];
  #fits = new TrackScene();
  #direction = new Vector3(1, 0, 0);
  #centre = new Vector3();
  #frame = 0;
  #time: number;
  #playing: { from: number; since: number } | undefined;
  #listeners = new Set<(time: number, isPlaying: boolean) => void>();
  #observer: ResizeObserver;
  #tip: HTMLElement;

  constructor(
    readonly holder: HTMLElement,
    readonly doms: Doms,
    geometry: ReadonlyMap<string, Position>,
  ) {
    this.#renderer = new WebGLRenderer({
      antialias: true,
      alpha: true,
      powerPreference: "low-power",
    });
    this.#renderer.setPixelRatio(Math.min(2, window.devicePixelRatio || 1));
    holder.append(this.#renderer.domElement);
    this.#tip = holder.appendChild(document.createElement("div"));
    this.#tip.className = "dom-tip";
    this.#range = timeRange(doms.first);
    this.length = this.#range[1] - this.#range[0];
    this.#time = this.length;
    this.#places = placesOf(doms, geometry);
    this.summary = { doms: doms.header.doms, charge: doms.charge.reduce((sum, q) => sum + q, 0) };
    this.#scene.add(detector(geometry), strings(geometry), this.#fits.group);
    this.#scene.add(new AmbientLight(0xffffff, 1.6));
    const sun = new DirectionalLight(0xffffff, 2.2);
    sun.position.set(-500, -900, 1200);
    this.#scene.add(sun);
    this.#spheres = new InstancedMesh(
      // Twice subdivided; once where there are so many that turning would be slow without a graphics card.
      new IcosahedronGeometry(1, doms.header.doms < MANY_DOMS ? 2 : 1),
      new MeshLambertMaterial(),
      doms.header.doms,
    );
    this.#spheres.frustumCulled = false;
    this.#scene.add(this.#spheres);
    this.#centre.copy(centreOf(doms, this.#places));
    this.#camera.up.set(0, 0, 1);
    this.#controls = new OrbitControls(this.#camera, this.#renderer.domElement);
    this.#controls.enableDamping = false;
    this.#controls.addEventListener("change", () => this.#draw());
    this.#observer = new ResizeObserver(() => this.#resize());
    this.#observer.observe(holder);
    this.#renderer.domElement.addEventListener("pointermove", (event) => this.#point(event));
    this.#renderer.domElement.addEventListener("pointerleave", () => {
      this.#tip.textContent = "";
    });
    this.#renderer.domElement.addEventListener("dblclick", (event) => this.#centreOn(event));
    this.#colour();
    this.look("side");
  }

  close(): void {
    this.#observer.disconnect();
    cancelAnimationFrame(this.#frame);
    this.#controls.dispose();
    this.#renderer.dispose();
    this.#renderer.forceContextLoss();
    this.#renderer.domElement.remove();
    this.#tip.remove();
  }

  #resize(): void {
    const { clientWidth: width, clientHeight: height } = this.holder;
    if (width === 0 || height === 0) return;
    this.#renderer.setSize(width, height, false);
    this.#camera.aspect = width / height;
    this.#camera.updateProjectionMatrix();
    this.#draw();
  }

  #draw(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      if (this.#playing) {
        const share = (performance.now() - this.#playing.since) / PLAY;
        this.#show(Math.min(this.length, this.#playing.from + share * this.length));
        if (this.#time >= this.length) this.pause();
        else this.#draw();
      }
      this.#renderer.render(this.#scene, this.#camera);
    });
  }

  /** Sizes and colours of the DOMs at the time shown; those without a pulse yet have no size. */
  #colour(): void {
    const matrix = new Matrix4();
    const until =
      this.#time >= this.length ? Number.POSITIVE_INFINITY : this.#range[0] + this.#time;
    const colour = new Color();
    this.#places.forEach(([x, y, z], i) => {
      const charge = chargeUntil(this.doms, i, until);
      const radius = charge > 0 ? radiusOf(charge) : 0;
      matrix.makeScale(radius, radius, radius).setPosition(x, y, z);
      this.#spheres.setMatrixAt(i, matrix);
      this.#spheres.setColorAt(
        i,
        colour.setRGB(
          ...timeColour((this.doms.first[i]! - this.#range[0]) / this.length),
          SRGBColorSpace,
        ),
      );
    });
    this.#spheres.instanceMatrix.needsUpdate = true;
    if (this.#spheres.instanceColor) this.#spheres.instanceColor.needsUpdate = true;
    this.#spheres.computeBoundingSphere();
  }

  #show(time: number): void {
    this.#time = time;
    this.#colour();
    this.#moveFront();
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener(this.#time, this.#playing !== undefined);
  }

  onTime(listener: (time: number, isPlaying: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  play(): void {
    const from = this.#time >= this.length ? 0 : this.#time;
    this.#playing = { from, since: performance.now() };
    this.#draw();
  }

  pause(): void {
    this.#playing = undefined;
    this.#tell();
  }

  seek(time: number): void {
    this.#playing = undefined;
    this.#show(time);
    this.#draw();
  }

  look(preset: Preset): void {
    const across = new Vector3(-this.#direction.y, this.#direction.x, 0);
    if (across.lengthSq() < 1e-6) across.set(0, -1, 0);
    if (across.y > 0) across.negate();
    const from = {
      side: across.normalize().setZ(0.25),
      along: this.#direction.clone().addScaledVector(across.normalize(), 0.12),
      top: new Vector3(0.001, -0.02, 1),
      all: new Vector3(-0.7, -1, 0.45),
    }[preset];
    const half = new Vector3(0, 0, 0).lerp(this.#centre, 0.5);
    const target = { side: half, along: half, top: this.#centre, all: new Vector3() }[preset];
    this.#controls.target.copy(target);
    this.#camera.position.copy(target).addScaledVector(from.normalize(), DISTANCE);
    this.#controls.update();
    this.#draw();
  }

  showTracks(
    best: Best | undefined,
    other: PixelAnswer | undefined,
    losses: readonly Loss[],
  ): void {
    this.#fits.show(best, other, losses);
    if (best?.x != null) {
      const isNew = this.#direction.x === 1;
      this.#direction.copy(travelOf(best));
      if (isNew) this.look("side");
    }
    this.#moveFront();
    this.#draw();
  }

  /** The light's front is to be seen while there is something to come. */
  #moveFront(): void {
    const isOver = this.#time >= this.length;
    this.#fits.moveFront(
      isOver ? undefined : this.doms.header.origin + this.#range[0] + this.#time,
    );
  }

  #rayAt(x: number, y: number): Raycaster {
    const { clientWidth: width, clientHeight: height } = this.holder;
    const ray = new Raycaster();
    ray.setFromCamera(new Vector2((2 * x) / width - 1, 1 - (2 * y) / height), this.#camera);
    return ray;
  }

  #under(ray: Raycaster): number | undefined {
    return ray.intersectObject(this.#spheres)[0]?.instanceId;
  }

  describe(x: number, y: number): string | undefined {
    const ray = this.#rayAt(x, y);
    const dom = this.#under(ray);
    if (dom === undefined) return this.#fits.describe(ray);
    const { string, om, first, charge, header } = this.doms;
    const residual = this.#fits.residualAt(this.#places[dom]!, header.origin + first[dom]!);
    return [
      `${string[dom]},${om[dom]}`,
      `${fixed(first[dom]! - this.#range[0], 0)} ns`,
      `${charge[dom]!.toFixed(1)} PE`,
      ...(residual === undefined
        ? []
        : [`${residual < 0 ? "" : "+"}${fixed(residual, 0)} ns to the track`]),
    ].join(" · ");
  }

  #point(event: PointerEvent): void {
    if (event.buttons !== 0) return;
    const { left, top } = this.holder.getBoundingClientRect();
    this.#tip.textContent = this.describe(event.clientX - left, event.clientY - top) ?? "";
  }

  #centreOn(event: MouseEvent): void {
    const { left, top } = this.holder.getBoundingClientRect();
    const dom = this.#under(this.#rayAt(event.clientX - left, event.clientY - top));
    if (dom === undefined) return;
    this.#controls.target.set(...this.#places[dom]!);
    this.#controls.update();
    this.#draw();
  }
}

function placesOf(
  { header, string, om, positions }: Doms,
  geometry: ReadonlyMap<string, Position>,
): Position[] {
  return Array.from(
    { length: header.doms },
    (_, i): Position =>
      positions
        ? [positions.x[i]!, positions.y[i]!, positions.z[i]!]
        : (geometry.get(`${string[i]},${om[i]}`) ?? [Number.NaN, Number.NaN, Number.NaN]),
  );
}

/** Middle of the charge. */
function centreOf({ charge }: Doms, places: readonly Position[]): Vector3 {
  const sum = new Vector3();
  let total = 0;
  places.forEach((place, i) => {
    if (!Number.isFinite(place[0])) return;
    sum.addScaledVector(new Vector3(...place), charge[i]!);
    total += charge[i]!;
  });
  return total > 0 ? sum.divideScalar(total) : sum;
}

/** Every DOM as a point. */
function detector(geometry: ReadonlyMap<string, Position>): Points {
  const points = new BufferGeometry();
  points.setAttribute("position", new Float32BufferAttribute([...geometry.values()].flat(), 3));
  return new Points(
    points,
    new PointsMaterial({
      color: 0x6f7f96,
      size: 1.4,
      sizeAttenuation: false,
      transparent: true,
      opacity: 0.55,
    }),
  );
}

/** Each string as a line from its highest DOM to its lowest. */
function strings(geometry: ReadonlyMap<string, Position>): LineSegments {
  const byString = Map.groupBy(geometry, ([key]) => key.split(",")[0]!);
  const ends = [...byString.values()].flatMap((doms) => {
    const sorted = doms.map(([, place]) => place).sort((a, b) => a[2] - b[2]);
    return [...sorted[0]!, ...sorted.at(-1)!];
  });
  const lines = new BufferGeometry();
  lines.setAttribute("position", new Float32BufferAttribute(ends, 3));
  return new LineSegments(
    lines,
    new LineBasicMaterial({ color: 0x46536a, transparent: true, opacity: 0.5 }),
  );
}
