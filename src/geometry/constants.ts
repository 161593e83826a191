/** Speed of light in vacuum, m/ns (exact, by the definition of the metre). */
export const speedOfLight = 0.299792458;

/** Group index of South Pole ice at 400 nm (P. B. Price and K. Woschnagg, Astropart. Phys. 15 (2001) 97). */
export const groupIndex = 1.35634;

/** Phase index of South Pole ice at 400 nm (the same). */
export const phaseIndex = 1.3195;

const sinCherenkov = Math.sqrt(1 - 1 / phaseIndex ** 2);

/** How much later than at the track direct Cherenkov light is, ns per metre of distance from it. */
export const directLightDelay =
  (groupIndex / sinCherenkov - 1 / (phaseIndex * sinCherenkov)) / speedOfLight;

/** One degree, rad. */
export const degree = Math.PI / 180;

/** Degrees in one radian. */
export const degreesPerRadian = 180 / Math.PI;
