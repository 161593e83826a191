import type { SpeComponent, SpeDistribution, SpeResiduals } from "../i3/classes/spe.ts";
import pass2 from "./spe-pass2-residuals.json";

/**
 * Mean charge of a single photoelectron. The density is a sum of exponentials and Gaussians times a
 * piecewise linear correction; its mean is integrated from 0 to a limit, as the reference defines it.
 */

/** Where no distribution is known, PE. */
const NOMINAL_CHARGE = 0.86;
/** Upper end of the integral in units of the Gaussian's mean, for the first two file versions. */
const LIMIT_IN_MEANS = 10;
/** Corrections found with the "pass-2" data processing; all distributions of file version 2 mean them. */
const PASS2_RESIDUALS: SpeResiduals = {
  x: Float64Array.from(pass2.x),
  y: Float64Array.from(pass2.y),
};

interface ChargeDensity {
  readonly components: readonly SpeComponent[];
  readonly compensation: number;
  readonly fadcScale: number;
  readonly residuals: SpeResiduals | null;
  readonly limit: number;
}

function densityOf(spe: SpeDistribution): ChargeDensity {
  if (spe.version === 1) {
    return {
      components: [
        { kind: "exponential", amplitude: spe.exp1_amp, width: spe.exp1_width },
        { kind: "gaussian", amplitude: spe.gaus_amp, mean: spe.gaus_mean, sigma: spe.gaus_width },
      ],
      compensation: 1,
      fadcScale: 1,
      residuals: null,
      limit: LIMIT_IN_MEANS * spe.gaus_mean,
    };
  }
  if (spe.version === 2) {
    return {
      components: [
        { kind: "exponential", amplitude: spe.exp1_amp, width: spe.exp1_width },
        { kind: "exponential", amplitude: spe.exp2_amp, width: spe.exp2_width },
        { kind: "gaussian", amplitude: spe.gaus_amp, mean: spe.gaus_mean, sigma: spe.gaus_width },
      ],
      compensation: spe.compensation_factor,
      fadcScale: spe.slc_gaus_mean / spe.gaus_mean,
      residuals: PASS2_RESIDUALS,
      limit: LIMIT_IN_MEANS * spe.gaus_mean,
    };
  }
  return {
    components: spe.components.filter((component) => component !== null),
    compensation: spe.compensation_factor,
    fadcScale: spe.fadc_charge_scale,
    residuals: spe.residuals,
    limit: spe.integral_limit,
  };
}

const isValid = ({ components, compensation, fadcScale }: ChargeDensity): boolean =>
  !Number.isNaN(compensation) &&
  !Number.isNaN(fadcScale) &&
  components.every((component) => Object.values(component).every((value) => !Number.isNaN(value)));

/**
 * Mean charge of a single photoelectron on a DOM, PE.
 * @param meanAtwdCharge correction of the charge scale; NaN counts as 1
 */
export function meanSpeCharge(spe: SpeDistribution, meanAtwdCharge: number): number {
  const scale = Number.isNaN(meanAtwdCharge) ? 1 : meanAtwdCharge;
  const density = densityOf(spe);
  if (!isValid(density)) return NOMINAL_CHARGE / scale;
  return (meanOf(density) * density.compensation) / scale;
}

/** Nodes and weights of 5-point Gauss–Legendre integration on [−1, 1] (Abramowitz & Stegun 25.4.29). */
const NODES = [-0.906179845938664, -0.5384693101056831, 0, 0.5384693101056831, 0.906179845938664];
const WEIGHTS = [
  0.23692688505618908, 0.47862867049936647, 0.5688888888888889, 0.47862867049936647,
  0.23692688505618908,
];
/** Widest piece integrated at once, PE; the narrowest real term is some 0.02 PE wide. */
const PIECE = 0.0125;

function meanOf({ components, residuals, limit }: ChargeDensity): number {
  const inside = residuals ? [...residuals.x].filter((x) => x > 0 && x < limit) : [];
  const edges = [0, ...inside, limit];
  let norm = 0;
  let first = 0;
  for (let e = 0; e + 1 < edges.length; e++) {
    const from = edges[e]!;
    const width = edges[e + 1]! - from;
    const pieces = Math.ceil(width / PIECE);
    const half = width / pieces / 2;
    for (let piece = 0; piece < pieces; piece++) {
      const centre = from + (2 * piece + 1) * half;
      for (let node = 0; node < NODES.length; node++) {
        const q = centre + half * NODES[node]!;
        let p = 0;
        for (const component of components) p += componentAt(component, q);
        if (residuals) p *= residualAt(residuals, q);
        const weighted = WEIGHTS[node]! * half * p;
        norm += weighted;
        first += weighted * q;
      }
    }
  }
  return first / norm;
}

function componentAt(component: SpeComponent, q: number): number {
  if (component.kind === "exponential") return component.amplitude * Math.exp(-q / component.width);
  const pull = (q - component.mean) / component.sigma;
  return component.amplitude * Math.exp(-0.5 * pull * pull);
}

/** Linear between the points and beyond them; a single point is a constant. */
function residualAt({ x, y }: SpeResiduals, q: number): number {
  if (x.length === 0) return 1;
  if (x.length === 1) return y[0]!;
  let low = 0;
  let high = x.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (x[middle]! <= q) low = middle;
    else high = middle;
  }
  return y[low]! + ((y[high]! - y[low]!) * (q - x[low]!)) / (x[high]! - x[low]!);
}
