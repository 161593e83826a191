import table from "./dom-angular-acceptance.tsv" with { type: "text" };

/** How a DOM's sensitivity depends on where light comes from: a polynomial in cos η (1: from below, head-on). */
export interface AngularAcceptance {
  readonly name: string;
  /** Maximum of the curve. */
  readonly maximum: number;
  /** Constant term first. */
  readonly coefficients: readonly number[];
}

/** The published curves: "h2-50cm" (with the hole ice of 50 cm scattering length) and "nominal" (bare DOM). */
export function angularAcceptance(name: "h2-50cm" | "nominal"): AngularAcceptance {
  const section = table.split("# ").find((part) => part.startsWith(`${name}\n`));
  const [maximum = 1, ...coefficients] = section!.trimEnd().split("\n").slice(1).map(Number);
  return { name, maximum, coefficients };
}
