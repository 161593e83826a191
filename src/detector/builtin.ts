import { type OMKey, omKey, stringOf } from "../i3/omkey.ts";
import type { Detector, Dom } from "./detector.ts";
import geometry from "./ic86-geometry.tsv" with { type: "text" };

/** First of the DeepCore strings (79–86), whose DOMs have photocathodes of high quantum efficiency. */
const FIRST_DEEPCORE_STRING = 79;
/** Efficiency of a high-quantum-efficiency DOM relative to a standard one (IceCube, JINST 12 P03012). */
const HIGH_EFFICIENCY = 1.35;
/** Nominal noise rate, 1/ns: 500 Hz. */
const NOISE_RATE = 5e-7;
/** Nominal mean charge of a single photoelectron, PE. */
const MEAN_SPE_CHARGE = 0.86;
/** Nominal PMT voltage, 1250 V in the I3 unit (volt = 1e-9), with the rounding of 1250 · 1e-9 in the files. */
const HIGH_VOLTAGE = 1.2500000000000003e-6;
/** I3OMGeo::OMType of an in-ice DOM. */
export const IN_ICE_OM_TYPE = 20;

/** Whether a DOM belongs to DeepCore, whose DOMs count 1.35 times where no calibration is at hand. */
export const isHighQuantumEfficiency = (key: OMKey): boolean =>
  stringOf(key) >= FIRST_DEEPCORE_STRING;

/** What stands in `Detector.source` when no GCD was read. */
/** What stands for a baseline's path where none was read: never nothing, which a shell would drop. */
export const BUILTIN_BASELINE = "built-in";

export const BUILTIN_SOURCE = "built-in IC86 geometry, nominal calibration";

let detector: Detector | undefined;

/** The 86-string detector with nominal calibration, every DOM on and none bad: 5160 in-ice DOMs. */
export function builtinDetector(): Detector {
  detector ??= {
    doms: readGeometry(geometry),
    badDoms: new Set(),
    badDomsSlc: new Set(),
    source: BUILTIN_SOURCE,
  };
  return detector;
}

function readGeometry(table: string): Map<OMKey, Dom> {
  const doms = new Map<OMKey, Dom>();
  for (const line of table.trimEnd().split("\n")) {
    const [string, om, x, y, z] = line.split("\t").map(Number) as [
      number,
      number,
      number,
      number,
      number,
    ];
    const key = omKey(string, om);
    doms.set(key, {
      key,
      x,
      y,
      z,
      relativeEfficiency: isHighQuantumEfficiency(key) ? HIGH_EFFICIENCY : 1,
      noiseRate: NOISE_RATE,
      meanSpeCharge: MEAN_SPE_CHARGE,
      highVoltage: HIGH_VOLTAGE,
      isOn: true,
      omType: IN_ICE_OM_TYPE,
    });
  }
  return doms;
}
