/** The best direction, fitted with nothing held fixed, long before fine pixels are: what a scan says first. */

/** Where it is (J2000, rad), and the covariance of that, east and north of it in the tangent plane, rad². */
export interface FirstDirection {
  readonly ra: number;
  readonly dec: number;
  /** NaN, all three, where the likelihood does not curve upwards. */
  readonly ee: number;
  readonly en: number;
  readonly nn: number;
}

/** One standard deviation of a direction: semi-axes a ≥ b, rad, and the longer one's angle, east of north, rad, in [0, π). */
export interface SigmaEllipse {
  readonly a: number;
  readonly b: number;
  readonly positionAngle: number;
}

/** undefined where the direction has no covariance. */
export function sigmaEllipse({ ee, en, nn }: FirstDirection): SigmaEllipse | undefined {
  const mean = (ee + nn) / 2;
  const spread = Math.hypot((ee - nn) / 2, en);
  if (!(mean > spread)) return undefined;
  const angle = Math.atan2(en, (nn - ee) / 2) / 2;
  return {
    a: Math.sqrt(mean + spread),
    b: Math.sqrt(mean - spread),
    positionAngle: angle < 0 ? angle + Math.PI : angle,
  };
}

/** What a radius of one standard deviation of a Gaussian of two dimensions grows by to hold 90 %. */
export const sigmasIn90 = Math.sqrt(-2 * Math.log(0.1));
