/** What the detector saw of one event, ready to be drawn: DOMs with their light, and the track fitted to it. */

import type { Detector } from "../detector/detector.ts";
import type { Event, EventMetadata } from "../event/event.ts";
import { directionOfTravel, type EnergyLoss, type Hypothesis } from "../geometry/track.ts";
import { omOf, stringOf } from "../i3/omkey.ts";
import { momentAt, toDetector } from "../native/sky.ts";
import { basePulses, findTrack, inputNames } from "../pulses/inputs.ts";
import { bestDirection } from "../result/best_direction.ts";
import { northFirst } from "../result/orientation.ts";
import { bestFit, type SkyScanResult } from "../result/result.ts";

type Position = readonly [number, number, number];

/** A DOM that saw light. */
export interface Hit {
  /** m. */
  readonly at: Position;
  /** Of its first pulse, ns. */
  readonly time: number;
  /** PE. */
  readonly charge: number;
}

export interface TrackShown extends Hypothesis {
  /** What it is: "best fit", "l2_online_SplineMPE". */
  readonly name: string;
}

export interface EventView {
  readonly event: EventMetadata;
  /** The strings' DOMs in the ice, from above. */
  readonly strings: readonly (readonly Position[])[];
  readonly hits: readonly Hit[];
  readonly track?: TrackShown;
  readonly losses: readonly EnergyLoss[];
}

/** Strings have sixty DOMs in the ice; those with higher numbers are IceTop's. */
const LAST_IN_ICE = 60;

/**
 * @param track default: the online reconstruction, where the event has one
 * @throws InputError where the event has no pulses
 */
export function eventView(
  event: Event,
  detector: Detector,
  { track, losses = [] }: { track?: TrackShown; losses?: readonly EnergyLoss[] } = {},
): EventView {
  const strings = new Map<number, Position[]>();
  for (const { key, x, y, z } of detector.doms.values()) {
    if (omOf(key) > LAST_IN_ICE) continue;
    const string = strings.get(stringOf(key)) ?? [];
    strings.set(stringOf(key), string);
    string.push([x, y, z]);
  }
  const hits = [...basePulses(event)].flatMap(([key, pulses]): Hit[] => {
    const dom = detector.doms.get(key);
    if (dom === undefined || pulses.length === 0 || omOf(key) > LAST_IN_ICE) return [];
    const charge = pulses.reduce((sum, pulse) => sum + pulse.charge, 0);
    return [{ at: [dom.x, dom.y, dom.z], time: pulses[0]!.time, charge: Math.max(0, charge) }];
  });
  const shown = track ?? onlineTrack(event);
  return {
    event: event.metadata,
    strings: [...strings.values()].map((doms) => doms.sort((a, b) => b[2] - a[2])),
    hits,
    losses,
    ...(shown && { track: shown }),
  };
}

function onlineTrack(event: Event): TrackShown | undefined {
  const { splineMpe, bestFit: other } = inputNames(event);
  for (const name of [splineMpe, other]) {
    const track = findTrack(event, name);
    if (track !== undefined) return { name, ...track };
  }
  return undefined;
}

/** The track of a map's best fit; undefined where the map has no vertices. @param event whose map it is */
export function trackOfMap(result: SkyScanResult, event: EventMetadata): TrackShown | undefined {
  const best = bestFit(northFirst(result));
  const direction = bestDirection(result);
  if (best === undefined || direction === undefined) return undefined;
  const { x, y, z, time } = best;
  if (![x, y, z, time].every(Number.isFinite)) return undefined;
  const local = toDetector(direction.ra, direction.dec, momentAt(event.mjd));
  return { name: "best fit of the map", x, y, z, time, ...local };
}

/** The track that losses lie on, as a fit's file lists them; undefined for fewer than two. */
export function trackOfLosses(losses: readonly EnergyLoss[]): TrackShown | undefined {
  const inOrder = losses.toSorted((a, b) => a.time - b.time);
  const [first, last] = [inOrder[0], inOrder.at(-1)];
  if (first === undefined || last === undefined || !(last.time > first.time)) return undefined;
  const [dx, dy, dz] = [last.x - first.x, last.y - first.y, last.z - first.z];
  const length = Math.hypot(dx, dy, dz);
  if (!(length > 0)) return undefined;
  const azimuth = Math.atan2(-dy, -dx);
  return {
    name: "the fit's track",
    ...{ x: first.x, y: first.y, z: first.z, time: first.time },
    zenith: Math.acos(Math.min(1, Math.max(-1, -dz / length))),
    azimuth: azimuth < 0 ? azimuth + 2 * Math.PI : azimuth,
  };
}

/** Half the side of the cube that is shown, m: the strings reach 600 m, the DOMs ±510 m. */
export const HALF_WIDTH = 640;

/** The part of a track within the cube around the detector; undefined where it passes by. */
export function trackInside(track: Hypothesis): readonly [Position, Position] | undefined {
  const direction = directionOfTravel(track);
  const start = [track.x, track.y, track.z] as const;
  let [from, to] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const [i, d] of direction.entries()) {
    const [a, b] = [(-HALF_WIDTH - start[i]!) / d, (HALF_WIDTH - start[i]!) / d];
    if (d === 0 && Math.abs(start[i]!) > HALF_WIDTH) return undefined;
    if (d === 0) continue;
    from = Math.max(from, Math.min(a, b));
    to = Math.min(to, Math.max(a, b));
  }
  if (!(to > from)) return undefined;
  const at = (t: number): Position => [
    start[0] + t * direction[0],
    start[1] + t * direction[1],
    start[2] + t * direction[2],
  ];
  return [at(from), at(to)];
}
