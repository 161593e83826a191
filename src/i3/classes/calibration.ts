import type { ArchiveReader } from "../archive.ts";
import type { OMKey } from "../omkey.ts";
import {
  array,
  arrayF64,
  base,
  type ClassType,
  classType,
  f64,
  map,
  string,
  struct,
  type Type,
  u32,
} from "../types.ts";
import { omKeyClass, type Time, timeClass } from "./basic.ts";
import { emptyMap } from "./geometry.ts";
import { NO_SPE, type SpeDistribution, speClass } from "./spe.ts";

/** slope·x + intercept. */
export type LinearFit = readonly [slope: number, intercept: number];
/** a + b·x + c·x². */
export type QuadraticFit = readonly [a: number, b: number, c: number];

/** A class of nothing but doubles, as a tuple. */
const doubles = <T extends readonly number[]>(name: string, count: number): ClassType<T> =>
  classType(
    name,
    {},
    (from) => Array.from({ length: count }, () => from.f64()) as unknown as T,
    (to, values) => {
      for (const value of values) to.f64(value);
    },
  );

const linearFit = doubles<LinearFit>("LinearFit", 2);
const quadraticFit = doubles<QuadraticFit>("QuadraticFit", 3);
const tauParam = doubles<readonly number[]>("TauParam", 7);

const perChip = <T>(element: Type<T>): Type<T[]> => array(2, element);
/** [chip][channel][bin] */
const atwdBins = perChip(array(3, arrayF64(128)));
/** [chip][channel] */
const atwdBeacons = perChip(arrayF64(3));

/** What the program keeps of a DOM's calibration. The rest is read over; no reconstruction asks for it. */
export interface DomCalibration {
  readonly temperature: number;
  readonly fadc_gain: number;
  readonly fadc_baseline_fit: LinearFit;
  readonly pmt_transit_time: LinearFit;
  readonly hv_gain_relation: LinearFit;
  readonly front_end_impedance: number;
  readonly domcal_version: string;
  /** NaN: unknown. */
  readonly relative_dom_eff: number;
  /** 1/ns; NaN: unknown. */
  readonly dom_noise_rate: number;
  readonly spe: SpeDistribution;
  readonly mean_atwd_charge: number;
  readonly mean_fadc_charge: number;
}

/** Steps over a C array of doubles of these dimensions; most of a GCD file is in such arrays. */
function skipDoubles(from: ArchiveReader, first: number, ...inner: number[]): void {
  const found = from.size();
  if (found !== first) from.fail(`array of ${found} elements, expected ${first}`);
  const [next, ...rest] = inner;
  if (next === undefined) from.raw(8 * first);
  else for (let i = 0; i < first; i++) skipDoubles(from, next, ...rest);
}

const linearBins = array(3, array(128, linearFit));
const oldBins = map(u32, map(u32, linearFit));

export const domCalibrationClass: ClassType<DomCalibration> = classType(
  "I3DOMCalibration",
  { version: 13 },
  (from, v) => {
    const temperature = from.f64();
    const fadc_gain = from.f64();
    const fadc_baseline_fit = linearFit.read(from);
    if (v >= 1) from.f64(); // FADC delta t
    if (v >= 4) {
      skipDoubles(from, 3); // amplifier gains
      array(2, quadraticFit).read(from); // ATWD frequency
    } else {
      map(u32, f64).read(from);
      map(u32, quadraticFit).read(from);
      oldBins.read(from);
      oldBins.read(from);
    }
    if (v >= 11) skipDoubles(from, 2, 3, 128);
    else if (v >= 4) {
      linearBins.read(from);
      linearBins.read(from);
    }
    const pmt_transit_time = linearFit.read(from);
    const hv_gain_relation = linearFit.read(from);
    const front_end_impedance = v >= 2 ? from.f64() : Number.NaN;
    const domcal_version = v >= 2 ? from.text() : "";
    if (v >= 3) tauParam.read(from);
    if (v >= 3 && v <= 10) {
      skipDoubles(from, 2, 3, 128); // baselines
      from.f64();
      from.f64();
    }
    if (v >= 5) skipDoubles(from, 2); // ATWD delta t
    if (v >= 6) {
      linearFit.read(from); // discriminators
      linearFit.read(from);
    }
    if (v >= 7) linearFit.read(from);
    const relative_dom_eff = v >= 8 ? from.f64() : Number.NaN;
    const dom_noise_rate = v >= 8 ? from.f64() : Number.NaN;
    if (v >= 9) {
      skipDoubles(from, 2, 3); // ATWD beacon baselines
      from.f64(); // FADC beacon baseline
    }
    // how noise splits into thermal, decay and scintillation
    if (v >= 10) for (let i = 0; i < 5; i++) from.f64();
    let spe = NO_SPE;
    let mean_atwd_charge = Number.NaN;
    let mean_fadc_charge = Number.NaN;
    if (v >= 11) {
      spe = speClass.read(from);
      mean_atwd_charge = from.f64();
      mean_fadc_charge = from.f64();
    }
    if (v === 11) {
      if (!from.flag()) mean_atwd_charge = Number.NaN;
      if (!from.flag()) mean_fadc_charge = Number.NaN;
    }
    if (v >= 13) timeClass.read(from);
    return {
      temperature,
      fadc_gain,
      fadc_baseline_fit,
      pmt_transit_time,
      hv_gain_relation,
      front_end_impedance,
      domcal_version,
      relative_dom_eff,
      dom_noise_rate,
      spe,
      mean_atwd_charge,
      mean_fadc_charge,
    };
  },
  () => {
    throw new Error("I3DOMCalibration is read only: not all of it is kept");
  },
);

/** Charge of a vertical muon in an IceTop tank. */
export interface VemCalibration {
  readonly pe_per_vem: number;
  readonly muon_peak_width: number;
  readonly hglg_crossover: number;
  readonly corr_factor: number;
}
export const vemCalibrationClass: ClassType<VemCalibration> = struct(
  "I3VEMCalibration",
  { base: false },
  [
    ["pe_per_vem", f64],
    ["muon_peak_width", f64],
    ["hglg_crossover", f64],
    ["corr_factor", f64],
  ],
);

export interface Calibration {
  readonly dom_cal: ReadonlyMap<OMKey, DomCalibration>;
  readonly vem_cal: ReadonlyMap<OMKey, VemCalibration>;
  readonly start_time: Time;
  readonly end_time: Time;
}

const domCalibrations = map(omKeyClass, domCalibrationClass);
const vemCalibrations = map(omKeyClass, vemCalibrationClass);

export const calibrationClass: ClassType<Calibration> = classType(
  "I3Calibration",
  { version: 4 },
  (from, version) => {
    base.read(from);
    const dom_cal = domCalibrations.read(from);
    if (version < 4) emptyMap("map<OMKey,I3AMANDAOMCalibration>").read(from);
    if (version === 1) emptyMap("map<TankKey,I3TankCalibration>").read(from);
    const vem_cal = version > 1 ? vemCalibrations.read(from) : new Map();
    if (version === 3) {
      emptyMap("map<OMKey,f64>").read(from);
      from.f64();
      from.f64();
    }
    const start_time = timeClass.read(from);
    return { dom_cal, vem_cal, start_time, end_time: timeClass.read(from) };
  },
  () => {
    throw new Error("I3Calibration is read only: not all of it is kept");
  },
);

/** The part of a DOM's calibration that a difference changes; only these members are in the file. */
export type DomCalibrationDiff = { readonly bits: number } & Partial<
  Readonly<{
    droop_time_constants: Float64Array;
    temperature: number;
    fadc_gain: number;
    fadc_baseline_fit: LinearFit;
    fadc_beacon_baseline: number;
    fadc_delta_t: number;
    front_end_impedance: number;
    tau_parameters: readonly number[];
    amp_gains: Float64Array;
    atwd_freq: readonly QuadraticFit[];
    atwd_bin_slopes: readonly (readonly Float64Array[])[];
    pmt_transit_time: LinearFit;
    hv_gain_relation: LinearFit;
    domcal_version: string;
    atwd_beacon_baseline: readonly Float64Array[];
    atwd_delta_t: Float64Array;
    spe_discrim: LinearFit;
    mpe_discrim: LinearFit;
    pmt_discrim: LinearFit;
    relative_dom_eff: number;
    dom_noise_rate: number;
    dom_noise_thermal_rate: number;
    dom_noise_decay_rate: number;
    dom_noise_scintillation_mean: number;
    dom_noise_scintillation_sigma: number;
    dom_noise_scintillation_hits: number;
    spe: SpeDistribution;
    mean_atwd_charge: number;
    mean_fadc_charge: number;
  }>
>;

/** By bit. */
export const DOM_CALIBRATION_DIFF_MEMBERS: readonly (readonly [
  name: keyof DomCalibrationDiff,
  type: Type<unknown>,
])[] = [
  ["droop_time_constants", arrayF64(2)],
  ["temperature", f64],
  ["fadc_gain", f64],
  ["fadc_baseline_fit", linearFit],
  ["fadc_beacon_baseline", f64],
  ["fadc_delta_t", f64],
  ["front_end_impedance", f64],
  ["tau_parameters", tauParam],
  ["amp_gains", arrayF64(3)],
  ["atwd_freq", array(2, quadraticFit)],
  ["atwd_bin_slopes", atwdBins],
  ["pmt_transit_time", linearFit],
  ["hv_gain_relation", linearFit],
  ["domcal_version", string],
  ["atwd_beacon_baseline", atwdBeacons],
  ["atwd_delta_t", arrayF64(2)],
  ["spe_discrim", linearFit],
  ["mpe_discrim", linearFit],
  ["pmt_discrim", linearFit],
  ["relative_dom_eff", f64],
  ["dom_noise_rate", f64],
  ["dom_noise_thermal_rate", f64],
  ["dom_noise_decay_rate", f64],
  ["dom_noise_scintillation_mean", f64],
  ["dom_noise_scintillation_sigma", f64],
  ["dom_noise_scintillation_hits", f64],
  ["spe", speClass],
  ["mean_atwd_charge", f64],
  ["mean_fadc_charge", f64],
] as readonly (readonly [keyof DomCalibrationDiff, Type<unknown>])[];
