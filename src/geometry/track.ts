/** A point of space and time: m, ns. */
export interface Vertex {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly time: number;
}

/** Where a particle comes FROM in detector coordinates, rad. */
export interface Direction {
  readonly zenith: number;
  readonly azimuth: number;
}

/** A track or a cascade: a vertex, and the direction the particle comes from. */
export interface Hypothesis extends Vertex, Direction {}

/** Where a fit starts: direction fixed, vertex free. */
export interface Seed extends Hypothesis {
  /** GeV; a coarser pixel's result. Algorithms with an energy estimate of their own ignore it. */
  readonly energy?: number;
  /** A second first guess; the better of the two fits counts. */
  readonly fallback?: Vertex;
}

/** A muon's track and its energy, GeV. */
export interface MuonTrack extends Hypothesis {
  readonly energy: number;
}

/** A cascade on a track: one of the losses of which its energy is made. */
export interface EnergyLoss extends Vertex {
  /** GeV. */
  readonly energy: number;
}

/** Unit vector along which the particle travels. */
export const directionOfTravel = ({ zenith, azimuth }: Direction): [number, number, number] => [
  -Math.sin(zenith) * Math.cos(azimuth),
  -Math.sin(zenith) * Math.sin(azimuth),
  -Math.cos(zenith),
];
