/** When a track's Cherenkov light is where: what a DOM's pulse is compared with, and the front that runs along. */
import { directLightDelay, speedOfLight } from "../../geometry/constants.ts";
import type { Position } from "./doms.ts";

/** A point of a track, its time (ns), and where the particle travels, of length 1. */
export interface Track {
  readonly vertex: Position;
  readonly time: number;
  readonly travel: Position;
}

/** Unscattered light of a track reaches a place then, ns. */
export function arrivalOf({ vertex, time, travel }: Track, place: Position): number {
  const [x, y, z] = [0, 1, 2].map((i) => place[i]! - vertex[i]!) as [number, number, number];
  const along = x * travel[0] + y * travel[1] + z * travel[2];
  const across = Math.sqrt(Math.max(0, x * x + y * y + z * z - along * along));
  return time + along / speedOfLight + across * directLightDelay;
}

/** How far along a track, m from its vertex, its light is at a time, at a distance from it. */
export const frontAt = ({ time }: Track, now: number, across: number): number =>
  speedOfLight * (now - time - across * directLightDelay);
