import { InputError } from "../config/errors.ts";
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
/** Layers whose depths are off an even grid by more than this share of its step are refused. */
const UNEVEN = 1e-3;

/** The ice the light models are made for (M. Aartsen et al., NIM A 711 (2013) 73). */
export const spiceMie = (): Ice => parseIce(table, "SPICE-Mie");

/**
 * Reads ice in the form of SPICE-Mie's table: a header line with the six parameters α κ A B D E after a colon (further
 * lines that begin with # say nothing), then per layer depth (m), effective scattering and dust's absorption at 400 nm
 * (1/m), temperature offset δτ (K):
 * a(λ) = (D·a_dust(400) + E)·λ^−κ + A·exp(−B/λ)·(1 + 0.01·δτ), λ in nm, coefficients in 1/m.
 * Without such a header the third column is the absorption itself.
 * @param source what it is called in logs and errors
 * Throws InputError naming the line.
 */
export function parseIce(text: string, source: string): Ice {
  const absorption = absorptionOf(text.split("\n", 1)[0]!, source);
  const layers: IceLayer[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const numbers = line.trim().split(/\s+/).map(Number);
    const [depth, scattering, third, offset] = numbers;
    if (third === UNMEASURED) continue;
    const layer = {
      depth: depth!,
      scattering: scattering!,
      absorption: absorption(third!, offset),
    };
    const isGood = numbers.length >= 3 && numbers.every(Number.isFinite);
    if (!isGood || !(layer.scattering > 0 && layer.absorption > 0))
      throw new InputError(
        `${source}: line ${index + 1}: expected depth, scattering and absorption of a layer, the latter positive`,
      );
    layers.push(layer);
  }
  requireEven(layers, source);
  return { layers, source };
}

/** How a layer's absorption follows from what the table has of it, as the table's first line says. */
function absorptionOf(
  header: string,
  source: string,
): (third: number, temperature: number | undefined) => number {
  if (!/^#.*:/.test(header)) return (third) => third;
  const [, kappa, A, B, D, E, ...more] = header.split(":")[1]!.trim().split(/\s+/).map(Number);
  const isGood = [kappa, A, B, D, E].every(Number.isFinite) && more.length === 0;
  if (!isGood)
    throw new InputError(`${source}: line 1: expected six numbers α κ A B D E after the colon`);
  return (dust, temperature = Number.NaN) => {
    const ofDust = (D! * dust + E!) * WAVELENGTH ** -kappa!;
    const ofIce = A! * Math.exp(-B! / WAVELENGTH) * (1 + 0.01 * temperature);
    return ofDust + ofIce;
  };
}

function requireEven(layers: readonly IceLayer[], source: string): void {
  if (layers.length < 2) throw new InputError(`${source}: expected two layers of ice or more`);
  const first = layers[0]!.depth;
  const step = (layers.at(-1)!.depth - first) / (layers.length - 1);
  if (!(step > 0)) throw new InputError(`${source}: expected layers from the top down`);
  const uneven = layers.findIndex(
    ({ depth }, i) => Math.abs(depth - first - i * step) > UNEVEN * step,
  );
  if (uneven >= 0)
    throw new InputError(
      `${source}: expected layers in even steps; the one at ${layers[uneven]!.depth} m is out of step`,
    );
}

/** Factors on all of the ice's scattering and absorption. */
export interface IceScale {
  readonly scattering: number;
  readonly absorption: number;
}

/** The same ice with its coefficients scaled. */
export const scaledIce = ({ layers, source }: Ice, scale: IceScale): Ice => ({
  layers: layers.map(({ depth, scattering, absorption }) => ({
    depth,
    scattering: scattering * scale.scattering,
    absorption: absorption * scale.absorption,
  })),
  source: `${source}, scattering × ${scale.scattering}, absorption × ${scale.absorption}`,
});
