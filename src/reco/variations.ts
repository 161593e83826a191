/** A displacement of the vertex, m. */
export type Displacement = readonly [x: number, y: number, z: number];

/** No displacement: one fit per pixel. */
export const point = (): Displacement[] => [[0, 0, 0]];

/** The centre and both directions of each axis. */
export const octahedron = (radius: number): Displacement[] => [
  [0, 0, 0],
  [-radius, 0, 0],
  [radius, 0, 0],
  [0, -radius, 0],
  [0, radius, 0],
  [0, 0, -radius],
  [0, 0, radius],
];

/**
 * The centre and, at each height along z, three points around it; every second ring is turned by half
 * their distance. Meant to be turned with the track (rotateVertex): then z is its direction of travel.
 */
export function cylinder(heights: readonly number[] = [-40, 40], radius = 150): Displacement[] {
  const points: Displacement[] = [[0, 0, 0]];
  heights.forEach((height, ring) => {
    for (let k = 0; k < 3; k++) {
      const angle = (2 * Math.PI * k) / 3 + (ring * Math.PI) / 3;
      points.push([radius * Math.cos(angle), radius * Math.sin(angle), height]);
    }
  });
  return points;
}

/** Two seeds only, for quick tests of everything but the physics. */
export const miniTest = (distance = 20): Displacement[] => [
  [0, 0, 0],
  [-distance, 0, 0],
];
