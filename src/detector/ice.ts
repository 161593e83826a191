import table from "./spice-mie.tsv" with { type: "text" };

/** Optical properties of one horizontal layer of the ice at 400 nm. */
export interface IceLayer {
  /** Below the surface, m. */
  readonly depth: number;
  /** Effective scattering coefficient, 1/m. */
  readonly scattering: number;
  /** Absorption coefficient, dust and ice together, 1/m. */
  readonly absorption: number;
}

export interface Ice {
  /** From the top down, evenly spaced. */
  readonly layers: readonly IceLayer[];
  readonly source: string;
}

/** Wavelength at which the light models work, nm. */
const WAVELENGTH = 400;
/** The table marks its last layer's absorption, below all measurements, with this number. */
const UNMEASURED = 999;

/**
 * SPICE-Mie (M. Aartsen et al., NIM A 711 (2013) 73):
 * a(λ) = (D·a_dust(400) + E)·λ^−κ + A·exp(−B/λ)·(1 + 0.01·δτ), λ in nm, coefficients in 1/m.
 */
export function spiceMie(): Ice {
  const [header = "", , ...rows] = table.trimEnd().split("\n");
  const [, kappa, A, B, D, E] = header.split(":")[1]!.trim().split(/\s+/).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const layers: IceLayer[] = [];
  for (const row of rows) {
    const [depth, scattering, dust, temperature] = row.split("\t").map(Number) as [
      number,
      number,
      number,
      number,
    ];
    if (dust === UNMEASURED) continue;
    const ofDust = (D * dust + E) * WAVELENGTH ** -kappa;
    const ofIce = A * Math.exp(-B / WAVELENGTH) * (1 + 0.01 * temperature);
    layers.push({ depth, scattering, absorption: ofDust + ofIce });
  }
  return { layers, source: "SPICE-Mie" };
}
