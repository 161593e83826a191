/** Speed of light in vacuum, m/ns (exact, by the definition of the metre). */
export const speedOfLight = 0.299792458;

/** One degree, rad. */
export const degree = Math.PI / 180;

/** Degrees in one radian. */
export const degreesPerRadian = 180 / Math.PI;
