import type { Direction } from "../../geometry/track.ts";
import { base, type ClassType, classType, enumeration, f64, vector } from "../types.ts";
import { directionClass, type Position, positionClass } from "./basic.ts";

/** A particle: true, or the outcome of a reconstruction. Unset numbers are NaN. */
export interface Particle {
  readonly minor_id: number;
  readonly major_id: bigint;
  /** Particle Data Group's code; 0 unknown. */
  readonly pdg_encoding: number;
  readonly shape: string;
  readonly fit_status: string;
  readonly pos: Position;
  readonly dir: Direction;
  /** ns */
  readonly time: number;
  /** GeV */
  readonly energy: number;
  /** m */
  readonly length: number;
  /** m/ns */
  readonly speed: number;
  readonly location: string;
}

const shape = enumeration({
  0: "Null",
  10: "Primary",
  20: "TopShower",
  30: "Cascade",
  31: "CascadeSegment",
  40: "InfiniteTrack",
  50: "StartingTrack",
  60: "StoppingTrack",
  70: "ContainedTrack",
  80: "MCTrack",
  81: "MCTrackSegment",
  82: "MCTrackSegmentSlow",
  90: "Dark",
});
const fitStatus = enumeration({
  [-1]: "NotSet",
  0: "OK",
  10: "GeneralFailure",
  20: "InsufficientHits",
  30: "FailedToConverge",
  40: "MissingSeed",
  50: "InsufficientQuality",
});
const location = enumeration({ 0: "Anywhere", 10: "IceTop", 20: "InIce", 30: "InActiveVolume" });

/** Pseudo-particles of both old numberings: code n is PDG −(2000000000 + n). */
const PSEUDO = [1001, 1002, 1003, 1004, 1005, 1006, 2100, 2101, 2201];
const pseudoCode = (n: number): number => -(2000000000 + n);

/** IceTray's own numbering of class versions 3 and 4, to PDG. */
const FROM_ICETRAY = new Map<number, number>([
  [1, 22],
  [2, -11],
  [3, 11],
  [5, -13],
  [6, 13],
  [7, 111],
  [8, 211],
  [9, -211],
  [10, 130],
  [11, 321],
  [12, -321],
  [13, 2112],
  [14, 2212],
  [15, -2212],
  [16, 310],
  [17, 221],
  [18, 3122],
  [19, 3222],
  [20, 3212],
  [21, 3112],
  [22, 3322],
  [23, 3312],
  [24, 3334],
  [25, -2112],
  [26, -3122],
  [27, -3222],
  [28, -3212],
  [29, -3112],
  [30, -3322],
  [31, -3312],
  [32, -3334],
  [35, 411],
  [36, -411],
  [37, 421],
  [38, -421],
  [39, 431],
  [40, -431],
  [41, 4122],
  [42, 24],
  [43, -24],
  [44, 23],
  [66, 12],
  [67, -12],
  [68, 14],
  [69, -14],
  [131, -15],
  [132, 15],
  [133, 16],
  [134, -16],
  [9900, 2000009900],
  ...[4, 41, ...PSEUDO, 1111, 9131, 9132, 9500, 9501].map((n): [number, number] => [
    -n,
    pseudoCode(n),
  ]),
]);

/** RDMC's numbering of class versions up to 2, to PDG. */
const FROM_RDMC = new Map<number, number>([
  [1, 22],
  [2, -11],
  [3, 11],
  [4, pseudoCode(4)],
  [5, -13],
  [6, 13],
  [7, 111],
  [8, 211],
  [9, -211],
  [11, 321],
  [12, -321],
  [14, 2212],
  [15, -2212],
  [33, -15],
  [34, 15],
  [41, pseudoCode(41)],
  [201, 12],
  [202, 14],
  [203, 16],
  [204, -12],
  [205, -14],
  [206, -16],
  ...PSEUDO.map((n): [number, number] => [n, pseudoCode(n)]),
]);
/** Mass numbers of the nuclei Z = 2 … 26 in RDMC (code 3000 + Z). */
const RDMC_MASS = [
  4, 7, 9, 11, 12, 14, 16, 19, 20, 23, 24, 27, 28, 31, 32, 35, 40, 39, 40, 45, 48, 51, 52, 55, 56,
];

const nucleus = (z: number, a: number): number => 1000000000 + z * 10000 + a * 10;

/** The PDG code of a particle code as class version `version` wrote it; 0 for codes without one. */
export function pdgEncoding(code: number, version: number): number {
  if (version >= 5) return code;
  if (version >= 3) {
    const a = Math.floor(code / 100);
    const z = code % 100;
    if (a >= 2 && a <= 58 && z >= 1 && z <= 28 && z < a) return nucleus(z, a);
    return FROM_ICETRAY.get(code) ?? 0;
  }
  const z = code - 3000;
  const mass = RDMC_MASS[z - 2];
  return mass === undefined ? (FROM_RDMC.get(code) ?? 0) : nucleus(z, mass);
}

export const particleClass: ClassType<Particle> = classType(
  "I3Particle",
  { version: 5 },
  (from, version) => {
    base.read(from);
    const minor_id = from.i32();
    const major_id = version > 1 ? from.u64() : 0n;
    if (version === 0) {
      // parent and primary: meaningless outside the tree they were written from
      from.i32();
      from.i32();
    }
    const pdg_encoding = pdgEncoding(from.i32(), version);
    const particle = {
      minor_id,
      major_id,
      pdg_encoding,
      shape: shape.read(from),
      fit_status: fitStatus.read(from),
      pos: positionClass.read(from),
      dir: directionClass.read(from),
      time: from.f64(),
      energy: from.f64(),
      length: from.f64(),
      speed: from.f64(),
    };
    if (version === 0) composites.read(from);
    const where = version > 0 ? location.read(from) : "Anywhere";
    if (version === 4) {
      // Bjorken x and y
      from.f64();
      from.f64();
    }
    return { ...particle, location: where };
  },
  (to, value) => {
    base.write(to, undefined);
    to.i32(value.minor_id);
    to.u64(value.major_id);
    to.i32(value.pdg_encoding);
    shape.write(to, value.shape);
    fitStatus.write(to, value.fit_status);
    positionClass.write(to, value.pos);
    directionClass.write(to, value.dir);
    for (const number of [value.time, value.energy, value.length, value.speed])
      f64.write(to, number);
    location.write(to, value.location);
  },
);

const composites = vector(particleClass);
