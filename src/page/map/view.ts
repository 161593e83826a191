/** What part of the sky the map shows, and the ways between its screen and the sky. */
import type { Direction, Vector } from "../../sky/healpix.ts";

/** Lambert's azimuthal equal-area projection, north up, RA growing to the left. */
export interface LocalView {
  readonly kind: "local";
  /** Centre, rad. */
  readonly ra: number;
  readonly dec: number;
  /** Angle across the shorter side, rad. */
  readonly field: number;
}

/** The whole sky by Mollweide, RA 180° in the middle. */
export interface WholeSky {
  readonly kind: "sky";
}

export type View = LocalView | WholeSky;

export interface Size {
  readonly width: number;
  readonly height: number;
}

const degree = Math.PI / 180;
/** Angles the field may take, rad: from a pixel of nside 4096 filling the window, to the hemisphere. */
export const NARROWEST = 0.2 * degree;
export const WIDEST = 180 * degree;

/** Screen pixels per rad in the middle of a local view. */
export const scaleOf = ({ field }: LocalView, { width, height }: Size): number =>
  Math.min(width, height) / (4 * Math.sin(field / 4));

/** Half axes of Mollweide's ellipse, fitted into the screen with a margin. */
const ellipse = ({ width, height }: Size): { a: number; b: number } => {
  const a = Math.min(width / 2, height) - 6;
  return { a, b: a / 2 };
};

/** Screen pixels per rad, for judging how large a cell appears. */
export const pixelsPerRadian = (view: View, size: Size): number =>
  view.kind === "local" ? scaleOf(view, size) : (2 * ellipse(size).a) / Math.SQRT2 / 4;

export type ToVector = (x: number, y: number, out: Float64Array) => boolean;

/** From screen pixels to unit vectors; false outside of the sky. No trigonometry but for Mollweide's. */
export function inverse(view: View, size: Size): ToVector {
  return view.kind === "local" ? inverseLocal(view, size) : inverseMollweide(size);
}

function inverseLocal(view: LocalView, size: Size): ToVector {
  const scale = scaleOf(view, size);
  const { centre, east, north } = frameOf(view);
  const [cx, cy] = [size.width / 2, size.height / 2];
  return (px, py, out) => {
    const x = (cx - px) / scale;
    const y = (cy - py) / scale;
    const r2 = x * x + y * y;
    if (r2 > 4) return false;
    const depth = 1 - r2 / 2;
    const side = Math.sqrt(1 - r2 / 4);
    out[0] = depth * centre[0] + side * (x * east[0] + y * north[0]);
    out[1] = depth * centre[1] + side * (x * east[1] + y * north[1]);
    out[2] = depth * centre[2] + side * (x * east[2] + y * north[2]);
    return true;
  };
}

function inverseMollweide(size: Size): ToVector {
  const { a, b } = ellipse(size);
  const [cx, cy] = [size.width / 2, size.height / 2];
  return (px, py, out) => {
    const x = (cx - px) / a;
    const y = (cy - py) / b;
    if (x * x + y * y > 1) return false;
    const theta = Math.asin(y);
    const z = Math.max(-1, Math.min(1, (2 * theta + Math.sin(2 * theta)) / Math.PI));
    const ra = Math.PI + (Math.PI * x) / Math.max(1e-9, Math.cos(theta));
    const across = Math.sqrt(1 - z * z);
    out[0] = across * Math.cos(ra);
    out[1] = across * Math.sin(ra);
    out[2] = z;
    return true;
  };
}

/** From the sky to screen pixels; undefined at a local view's antipode. */
export function forward(
  view: View,
  size: Size,
): (direction: Direction) => [number, number] | undefined {
  const [cx, cy] = [size.width / 2, size.height / 2];
  if (view.kind === "local") {
    const scale = scaleOf(view, size);
    const { centre, east, north } = frameOf(view);
    return (direction) => {
      const v = vector(direction);
      const k = 1 + dot(v, centre);
      if (k < 1e-9) return undefined;
      const stretch = scale * Math.sqrt(2 / k);
      return [cx - stretch * dot(v, east), cy - stretch * dot(v, north)];
    };
  }
  const { a, b } = ellipse(size);
  return ({ ra, dec }) => {
    const theta = mollweideAngle(dec);
    const turn = ((ra % (2 * Math.PI)) + 2 * Math.PI) % (2 * Math.PI);
    return [cx - (a * Math.cos(theta) * (turn - Math.PI)) / Math.PI, cy - b * Math.sin(theta)];
  };
}

/** 2θ + sin 2θ = π sin dec, by Newton's iteration. */
function mollweideAngle(dec: number): number {
  const wanted = Math.PI * Math.sin(dec);
  let twice = dec * 2;
  if (Math.abs(Math.abs(dec) - Math.PI / 2) < 1e-9) return Math.sign(dec) * (Math.PI / 2);
  for (let i = 0; i < 30; i++) {
    const step = (twice + Math.sin(twice) - wanted) / (1 + Math.cos(twice));
    twice -= step;
    if (Math.abs(step) < 1e-12) break;
  }
  return twice / 2;
}

/** Directions under points of the screen; undefined outside of the sky. */
export function directionsOf(
  view: View,
  size: Size,
): (x: number, y: number) => Direction | undefined {
  const toVector = inverse(view, size);
  const out = new Float64Array(3);
  return (x, y) => {
    if (!toVector(x, y, out)) return undefined;
    const ra = Math.atan2(out[1]!, out[0]!);
    return {
      ra: ra < 0 ? ra + 2 * Math.PI : ra,
      dec: Math.atan2(out[2]!, Math.hypot(out[0]!, out[1]!)),
    };
  };
}

/** The direction under one point. */
export const directionAt = (view: View, size: Size, x: number, y: number): Direction | undefined =>
  directionsOf(view, size)(x, y);

/** The view whose centre is what was at a point of the screen, its field divided by a factor. */
export function moved(view: LocalView, size: Size, x: number, y: number, factor = 1): LocalView {
  const field = Math.min(WIDEST, Math.max(NARROWEST, view.field / factor));
  // A limit reached must not shift the map.
  if (factor !== 1 && field === view.field) return view;
  const centre = directionAt(view, size, x, y) ?? view;
  return { kind: "local", ra: centre.ra, dec: centre.dec, field };
}

/** The view in which a point of the screen keeps its direction while the field is divided by a factor. */
export function zoomedAt(
  view: LocalView,
  size: Size,
  x: number,
  y: number,
  factor: number,
): LocalView {
  const [cx, cy] = [size.width / 2, size.height / 2];
  return moved(view, size, x + (cx - x) / factor, y + (cy - y) / factor, factor);
}

const vector = ({ ra, dec }: Direction): Vector => [
  Math.cos(dec) * Math.cos(ra),
  Math.cos(dec) * Math.sin(ra),
  Math.sin(dec),
];
const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/** Centre of a view and the directions of growing RA and Dec there. */
function frameOf({ ra, dec }: Direction): { centre: Vector; east: Vector; north: Vector } {
  return {
    centre: vector({ ra, dec }),
    east: [-Math.sin(ra), Math.cos(ra), 0],
    north: [-Math.sin(dec) * Math.cos(ra), -Math.sin(dec) * Math.sin(ra), Math.cos(dec)],
  };
}
