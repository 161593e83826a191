import type { ArchiveReader, ArchiveWriter } from "../archive.ts";
import {
  type ClassType,
  classType,
  f64,
  sharedPointer,
  struct,
  vector,
  vectorF64,
} from "../types.ts";

/** A term of the charge density: A·exp(−((q−mean)/sigma)²/2), or A·exp(−q/width). */
export type SpeComponent =
  | {
      readonly kind: "gaussian";
      readonly amplitude: number;
      readonly mean: number;
      readonly sigma: number;
    }
  | { readonly kind: "exponential"; readonly amplitude: number; readonly width: number };

/** Corrections multiplied to the density, by charge in PE. */
export interface SpeResiduals {
  readonly x: Float64Array;
  readonly y: Float64Array;
}

/** Charge distribution of single photoelectrons, in the form its class version stores. */
export type SpeDistribution =
  | {
      readonly version: 1;
      readonly exp1_amp: number;
      readonly exp1_width: number;
      readonly gaus_amp: number;
      readonly gaus_mean: number;
      readonly gaus_width: number;
    }
  | {
      readonly version: 2;
      readonly exp2_amp: number;
      readonly exp2_width: number;
      readonly exp1_amp: number;
      readonly exp1_width: number;
      readonly compensation_factor: number;
      readonly slc_gaus_mean: number;
      readonly gaus_amp: number;
      readonly gaus_mean: number;
      readonly gaus_width: number;
    }
  | {
      readonly version: 3 | 4;
      readonly components: readonly (SpeComponent | null)[];
      readonly compensation_factor: number;
      readonly fadc_charge_scale: number;
      readonly residuals: SpeResiduals | null;
      /** PE. */
      readonly integral_limit: number;
    };

/** Upper end of the integrals where the file does not say, PE. */
const DEFAULT_LIMIT = 10;

const VERSION_1 = ["exp1_amp", "exp1_width", "gaus_amp", "gaus_mean", "gaus_width"] as const;
const VERSION_2 = [
  "exp2_amp",
  "exp2_width",
  "exp1_amp",
  "exp1_width",
  "compensation_factor",
  "slc_gaus_mean",
  "gaus_amp",
  "gaus_mean",
  "gaus_width",
] as const;

const gaussianClass: ClassType<SpeComponent> = classType<SpeComponent>(
  "SPEChargeDistribution::Gaussian",
  {},
  (from) => ({ kind: "gaussian", amplitude: from.f64(), mean: from.f64(), sigma: from.f64() }),
  (to, value) => {
    if (value.kind !== "gaussian") return;
    to.f64(value.amplitude);
    to.f64(value.mean);
    to.f64(value.sigma);
  },
);
const exponentialClass: ClassType<SpeComponent> = classType<SpeComponent>(
  "SPEChargeDistribution::Exponential",
  {},
  (from) => ({ kind: "exponential", amplitude: from.f64(), width: from.f64() }),
  (to, value) => {
    if (value.kind !== "exponential") return;
    to.f64(value.amplitude);
    to.f64(value.width);
  },
);
const componentClasses = [gaussianClass, exponentialClass];
const componentPointer = sharedPointer<SpeComponent>(
  { name: "SPEChargeDistribution::PDF" },
  (name) => componentClasses.find((type) => type.name === name),
  (value) => (value.kind === "gaussian" ? gaussianClass : exponentialClass),
);
const residualsClass: ClassType<SpeResiduals> = struct(
  "SPEChargeDistribution::Residuals",
  { base: false },
  [
    ["x", vectorF64],
    ["y", vectorF64],
  ],
);
const residualsPointer = sharedPointer<SpeResiduals>(
  residualsClass,
  residualsClass,
  () => residualsClass,
);
const components = vector(componentPointer);

function readSpe(from: ArchiveReader, version: number): SpeDistribution {
  if (version === 1 || version === 2) {
    const values: Record<string, number> = { version };
    for (const name of version === 1 ? VERSION_1 : VERSION_2) values[name] = from.f64();
    return values as unknown as SpeDistribution;
  }
  if (version === 0) from.fail("SPEChargeDistribution of version 0");
  return {
    version: version === 3 ? 3 : 4,
    components: components.read(from),
    compensation_factor: from.f64(),
    fadc_charge_scale: from.f64(),
    residuals: residualsPointer.read(from),
    integral_limit: version >= 4 ? from.f64() : DEFAULT_LIMIT,
  };
}

function writeSpe(to: ArchiveWriter, value: SpeDistribution): void {
  if (value.version >= 3) {
    const spe = value as Extract<SpeDistribution, { version: 3 | 4 }>;
    components.write(to, [...spe.components]);
    to.f64(spe.compensation_factor);
    to.f64(spe.fadc_charge_scale);
    residualsPointer.write(to, spe.residuals);
    if (spe.version >= 4) to.f64(spe.integral_limit);
    return;
  }
  const values = value as unknown as Record<string, number>;
  for (const name of value.version === 1 ? VERSION_1 : VERSION_2) f64.write(to, values[name]!);
}

export const speClass: ClassType<SpeDistribution> = classType(
  "SPEChargeDistribution",
  { version: (value) => value.version, newest: 4 },
  readSpe,
  writeSpe,
);

/** What a default-constructed distribution is to its user: none. */
export const NO_SPE: SpeDistribution = {
  version: 4,
  components: [],
  compensation_factor: Number.NaN,
  fadc_charge_scale: Number.NaN,
  residuals: null,
  integral_limit: DEFAULT_LIMIT,
};
