/** What a seed takes from a coarser pixel's fit: vertex (m, ns) and energy (GeV). */
const seedValueNames = ["x", "y", "z", "time", "energy"] as const;

/** The eight numbers of a fit: their names in the store and their order on the wire. */
export const fitValueNames = ["llh", ...seedValueNames, "E_in", "E_tot"] as const;

/** Best-fit values of one task or, once all variations are in, of one pixel. Failed: llh NaN. */
export interface FitValues extends Readonly<Record<(typeof fitValueNames)[number], number>> {
  readonly llh: number;
  /** m, ns. */
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly time: number;
  /** GeV; NaN where the algorithm has none. */
  readonly energy: number;
  /** GeV lost inside the instrumented volume, and in all; NaN where the algorithm has none. */
  readonly E_in: number;
  readonly E_tot: number;
}

/** A tuple with one T for each name. */
type Each<Names extends readonly string[], T> = { -readonly [I in keyof Names]: T };
export type FitTuple = Each<typeof fitValueNames, number>;
export type SeedTuple = Each<typeof seedValueNames, number>;
export type SeedValues = Pick<FitValues, (typeof seedValueNames)[number]>;

/** The tuple of what `value` says for each of the eight numbers. */
export const forFitValues = <T>(value: (name: keyof FitValues, at: number) => T) =>
  fitValueNames.map(value) as unknown as Each<typeof fitValueNames, T>;

/** The tuple of what `value` says for each of the five numbers a seed takes. */
export const forSeedValues = <T>(value: (name: keyof SeedValues) => T) =>
  seedValueNames.map(value) as unknown as Each<typeof seedValueNames, T>;

export const fitTuple = (values: FitValues): FitTuple => forFitValues((name) => values[name]);

export const seedTuple = (values: SeedValues): SeedTuple => forSeedValues((name) => values[name]);

/** @param value the number of that name, or its place in the list */
export function fitValues(value: (name: keyof FitValues, at: number) => number): FitValues {
  const values: Partial<Record<keyof FitValues, number>> = {};
  for (const [at, name] of fitValueNames.entries()) values[name] = value(name, at);
  return values as FitValues;
}

export const seedValues = (tuple: Readonly<SeedTuple>): SeedValues =>
  Object.fromEntries(seedValueNames.map((name, at) => [name, tuple[at]!])) as unknown as SeedValues;

/** The values of a fit there is none of. */
export const noFit: FitValues = fitValues(() => Number.NaN);
