/**
 * Tilted ice by turning the rest: light models know level layers only, but a detector and a track turned together
 * against level layers are the same detector and track in tilted ones. What DOMs' axes turn with it, half a degree, is
 * nothing to their acceptance.
 */

import { directionOfTravel, type EnergyLoss, type MuonTrack } from "../geometry/track.ts";

/** The layers' slope, and the azimuth (rad) towards which they rise. */
export interface Tilt {
  readonly slope: number;
  readonly azimuth: number;
}

type Point = readonly [number, number, number];

/** Turns points about the origin so that what lay along the rising layers lies level. */
export function levelled({ slope, azimuth }: Tilt): (point: Point) => Point {
  const angle = -Math.atan(slope);
  const [along, across] = [Math.cos(azimuth), Math.sin(azimuth)];
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  return ([x, y, z]) => {
    const u = x * along + y * across;
    const v = y * along - x * across;
    const [turned, height] = [u * cosine - z * sine, u * sine + z * cosine];
    return [turned * along - v * across, turned * across + v * along, height];
  };
}

/** A muon in the turned coordinates. */
export function turnedMuon(muon: MuonTrack, tilt: Tilt): MuonTrack {
  const turned = levelled(tilt);
  const [x, y, z] = turned([muon.x, muon.y, muon.z]);
  const [nx, ny, nz] = turned(directionOfTravel(muon));
  return {
    ...{ x, y, z, time: muon.time, energy: muon.energy },
    zenith: Math.acos(Math.max(-1, Math.min(1, -nz))),
    azimuth: (Math.atan2(-ny, -nx) + 2 * Math.PI) % (2 * Math.PI),
  };
}

/** Losses in the turned coordinates. */
export function turnedLosses(losses: readonly EnergyLoss[], tilt: Tilt): EnergyLoss[] {
  const turned = levelled(tilt);
  return losses.map((loss) => {
    const [x, y, z] = turned([loss.x, loss.y, loss.z]);
    return { ...loss, x, y, z };
  });
}
