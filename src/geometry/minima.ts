/** What directions tell each other of their likelihood's minima. */

/**
 * A minimum of one direction's likelihood. Its track is at x, y, z at the event's middle time: relative to the middle of
 * the event's light, along the axes of the sky (m; J2000, as pixels' unit vectors). llh as the fit found it.
 */
export type Minimum = readonly [x: number, y: number, z: number, llh: number];

/** Where a fit may start: with an llh, a minimum known to be there; null, a guess. */
export type Start = readonly [x: number, y: number, z: number, llh: number | null];

/** Which minima an algorithm's directions pass on. */
export interface Flood {
  /** The lowest of each direction, so many at most, no more than this above its lowest [llh]. */
  readonly most: number;
  readonly margin: number;
  /** Starts closer than this count as one, m. */
  readonly separation: number;
  /** A guess this close to a minimum that is known would lead there, m. */
  readonly known: number;
  /** Rounds in which the pixels of an nside look where their neighbours have minima; 0: none. */
  readonly rounds: number;
  /**
   * So many of each four neighbouring pixels of the first map are searched as if nothing were known around them; from
   * there minima spread over the map, from pixel to pixel. 4: all are. So are those within an angle [rad] of the best of
   * them.
   */
  readonly sown: number;
  readonly sownWithin: number;
  /**
   * One pixel in so many of a scan's second map is searched as if nothing were known around it, and tells its neighbours; 0:
   * none.
   */
  readonly searched: number;
}

/** No track passes farther from the middle of the event's light, m: numbers beyond are no places. */
export const farthestPlace = 100_000;

/** A direction has no more minima that matter. */
export const mostMinima = 8;
