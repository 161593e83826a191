/** Which pixels a map still needs, so that its 90 % contour is drawn as a finer map would draw it. */

import { childrenOf } from "../sky/healpix.ts";
import { pixelWidth } from "./best_direction.ts";
import { PIXELS_IN_RADIUS } from "./coarseness.ts";
import { traceContours } from "./contours.ts";
import type { Levels } from "./levels.ts";
import type { SkyScanResult } from "./result.ts";
import { surfaceOf } from "./surface.ts";

/**
 * The finest pixels there will be, 13 arc seconds wide: a tenth of the detector's best events, and of what its
 * coordinates are known to.
 */
const FINEST = 16384;

/**
 * Pixels in a contour's radius at which its area is within 5 %, by its share. A paraboloid's 50 % contour has 0.55 of
 * the 90 % contour's radius: it asks for more than that one only where it has a valley of its own.
 */
const PIXELS_IN: Readonly<Record<number, number>> = { 50: 2, 90: PIXELS_IN_RADIUS };

/**
 * The pixels that a map lacks, by nside: inside and around its 90 % contour, wherever it lies, every pixel wider than a
 * quarter of the contour's circularised radius is split, into the next finer nside of the map, or where there is none
 * into four; and so for the 50 % contour within. Asked again when these have their fits it goes on, until it finds
 * none; a contour that was not closed within what was scanned finely is followed that way.
 * @param result counted from the north, with its best direction
 * @returns pixels ascending, those the map has among them; empty: the map is fine enough, or has no such contour
 */
export function refinementOf(result: SkyScanResult, levels: Levels): Map<number, number[]> {
  const nsides = [...result.nsides.keys()].sort((a, b) => a - b);
  const wanted = new Map<number, Set<number>>();
  for (const { percent, level, area, radius } of traceContours(result, levels)) {
    const widest = radius / (PIXELS_IN[percent] ?? 0);
    if (area === 0) continue;
    for (const { nside, pixel } of pixelsAbout(result, level)) {
      if (pixelWidth(nside) <= widest) continue;
      const finer = nsides.find((other) => other > nside) ?? 2 * nside;
      if (finer > FINEST) continue;
      const pixels = wanted.get(finer) ?? new Set();
      wanted.set(finer, pixels);
      for (const child of childrenOf(nside, pixel, finer)) pixels.add(child);
    }
  }
  const sorted = [...wanted].sort(([a], [b]) => a - b);
  return new Map(sorted.map(([nside, pixels]) => [nside, [...pixels].sort((a, b) => a - b)]));
}

/** The pixels that draw a contour's inside: the corners of every triangle that reaches below its level of 2·Δllh. */
function pixelsAbout(result: SkyScanResult, level: number) {
  const surface = surfaceOf(result);
  if (surface === undefined) return [];
  const { mesh, values, pixels, height } = surface;
  const at = height(level);
  const corners = new Set<number>();
  for (let t = 0; t < mesh.triangles.length; t += 3) {
    const triangle = mesh.triangles.subarray(t, t + 3);
    if (triangle.some((corner) => values[corner]! < at))
      for (const corner of triangle) corners.add(corner);
  }
  return [...corners].map((corner) => pixels[corner]).filter((pixel) => pixel !== undefined);
}
