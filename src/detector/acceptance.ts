import table from "./dom-angular-acceptance.tsv" with { type: "text" };

/** How a DOM's sensitivity depends on where light comes from: a polynomial in cos η (1: from below, head-on). */
export interface AngularAcceptance {
  readonly name: string;
  /** Constant term first; relative to the mean over the sphere. */
  readonly coefficients: readonly number[];
}

/** The published curves by hole ice: with 50 cm of scattering length in the hole, and without hole ice. */
export const HOLE_ICE = { "h2-50cm": 0, nominal: 1 } as const;

/** Mean of the h2-50cm curve over the sphere, to the digits that the light's constants were made with. */
const MEAN_H2 = 0.338;

/** A published curve's coefficients, as printed: without its first number, the maximum. */
function published(name: keyof typeof HOLE_ICE): number[] {
  const section = table.split("# ").find((part) => part.startsWith(`${name}\n`));
  return section!.trimEnd().split("\n").slice(2).map(Number);
}

const meanOverSphere = (coefficients: readonly number[]): number =>
  coefficients.reduce((sum, c, power) => sum + (power % 2 === 0 ? c / (power + 1) : 0), 0);

/**
 * The acceptance for a hole ice.
 * @param share 0: h2-50cm; 1: nominal, that is none; between: of each so much
 */
export function angularAcceptance(share: number = HOLE_ICE["h2-50cm"]): AngularAcceptance {
  const [h2, nominal] = [published("h2-50cm"), published("nominal")];
  const mean = meanOverSphere(nominal);
  const coefficients = h2.map((c, power) => {
    const clear = nominal[power]! / mean;
    return (1 - share) * (c / MEAN_H2) + share * clear;
  });
  const known = Object.entries(HOLE_ICE).find(([, value]) => value === share);
  return { name: known?.[0] ?? `${share} of the way from h2-50cm to nominal`, coefficients };
}
