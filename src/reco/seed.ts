import { InputError } from "../config/errors.ts";
import type { Direction, Seed, Vertex } from "../geometry/track.ts";
import type { PreparedEvent, SeedSettings } from "./reco.ts";
import { refinedTime } from "./refine_time.ts";
import { type Displacement, miniTest } from "./variations.ts";

/** The fit of the coarser pixel that contains this one; llh (or any coordinate) NaN where it failed. */
export interface CoarserFit extends Vertex {
  readonly energy: number;
  readonly llh?: number;
}

/**
 * The seed of one fit.
 * @param direction the pixel's centre in detector coordinates at the event's time
 * @param posvar which of `settings.variations`
 * @param parent the coarser pixel's fit; absent at the first nside
 *
 * The displacement is turned with the track afresh for each seed. (The system this replaces turned one
 * and the same vectors on and on, so that its seeds depended on the order of its pixels.)
 */
export function pixelSeed(
  prepared: PreparedEvent,
  settings: SeedSettings,
  direction: Direction,
  posvar: number,
  parent?: CoarserFit,
): Seed {
  const variation = settings.variations[posvar];
  if (!variation)
    throw new InputError(
      `no seed variation ${posvar}: expected 0 to ${settings.variations.length - 1}`,
    );
  const displacement = settings.rotateVertex ? turned(variation, direction) : variation;
  const place = (vertex: Vertex): Vertex => {
    const { x, y, z } = vertex;
    const moved = {
      x: x + displacement[0],
      y: y + displacement[1],
      z: z + displacement[2],
      time: vertex.time,
    };
    if (!settings.refineTime) return moved;
    const track = { ...moved, ...direction };
    return { ...moved, time: refinedTime(track, prepared.hlc, prepared.detector) };
  };

  const { vertex } = prepared;
  const start = parent && succeeded(parent) ? parent : undefined;
  const seed = { ...place(start ?? vertex), zenith: direction.zenith, azimuth: direction.azimuth };
  const isMoved = start && (start.x !== vertex.x || start.y !== vertex.y || start.z !== vertex.z);
  return {
    ...seed,
    ...(start && Number.isFinite(start.energy) ? { energy: start.energy } : {}),
    ...(isMoved && settings.addFallbackPosition ? { fallback: place(vertex) } : {}),
  };
}

/** The same algorithm with the two seeds of a quick test. */
export const withMiniTest = (settings: SeedSettings): SeedSettings => ({
  ...settings,
  variations: miniTest(),
});

const succeeded = (fit: CoarserFit): boolean =>
  !Number.isNaN(fit.llh ?? 0) && [fit.x, fit.y, fit.z, fit.time].every(Number.isFinite);

/** Turns z into the direction of travel: about y by its polar angle, then about z by its azimuth. */
function turned([x, y, z]: Displacement, { zenith, azimuth }: Direction): Displacement {
  const theta = Math.PI - zenith;
  const phi = azimuth + Math.PI;
  const tilted = x * Math.cos(theta) + z * Math.sin(theta);
  return [
    tilted * Math.cos(phi) - y * Math.sin(phi),
    tilted * Math.sin(phi) + y * Math.cos(phi),
    -x * Math.sin(theta) + z * Math.cos(theta),
  ];
}
