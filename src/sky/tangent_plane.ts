/** The plane that touches the sphere at a point: small angles as flat coordinates (gnomonic projection). */

import type { Vector } from "./healpix.ts";

export interface TangentPlane {
  /** East and north of the centre, rad; undefined a quarter of the sky away and beyond. */
  readonly toPlane: (v: Vector) => [number, number] | undefined;
  readonly toSphere: (east: number, north: number) => Vector;
}

export const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const cross = (a: Vector, b: Vector): Vector => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];
export const unit = (v: Vector): Vector => {
  const length = Math.hypot(...v);
  return [v[0] / length, v[1] / length, v[2] / length];
};

/** Two unit vectors that make a right-handed frame with c: east and north, but beside the poles any two. */
export function tangents(c: Vector): [Vector, Vector] {
  const axis: Vector = Math.abs(c[2]) < 0.9 ? [0, 0, 1] : [1, 0, 0];
  const east = unit(cross(axis, c));
  return [east, cross(c, east)];
}

/** @param centre unit vector */
export function tangentPlane(centre: Vector): TangentPlane {
  const [east, north] = tangents(centre);
  return {
    toPlane(v) {
      const depth = dot(v, centre);
      return depth > 1e-6 ? [dot(v, east) / depth, dot(v, north) / depth] : undefined;
    },
    toSphere: (x, y) =>
      unit([
        centre[0] + x * east[0] + y * north[0],
        centre[1] + x * east[1] + y * north[1],
        centre[2] + x * east[2] + y * north[2],
      ]),
  };
}
