import type { OMKey } from "../i3/omkey.ts";

/** One optical module: where it is and how it responds. */
export interface Dom {
  readonly key: OMKey;
  /** Detector coordinates, m. */
  readonly x: number;
  readonly y: number;
  readonly z: number;
  /** Relative to a standard DOM; 1.35 for high quantum efficiency. NaN counts as unknown. */
  readonly relativeEfficiency: number;
  /** 1/ns. */
  readonly noiseRate: number;
  /** Mean charge of a single photoelectron, PE (0.86 nominal). */
  readonly meanSpeCharge: number;
  /** PMT high voltage in the I3 unit (1 V = 1e-9); a DOM below 100 V does not take part in millipede. */
  readonly highVoltage: number;
  /** Present in the detector status with non-zero high voltage. */
  readonly isOn: boolean;
  /** I3OMGeo::OMType: 20 IceCube (in ice), 30 IceTop, … */
  readonly omType: number;
}

/** The detector as one event saw it. */
export interface Detector {
  /** Ascending OMKey order. */
  readonly doms: ReadonlyMap<OMKey, Dom>;
  /** DOMs whose data must not be used (BadDomsList), and the wider list for soft local coincidence. */
  readonly badDoms: ReadonlySet<OMKey>;
  readonly badDomsSlc: ReadonlySet<OMKey>;
  /** For logs and the manifest: "built-in IC86 geometry, nominal calibration", the baseline's file name, or the event. */
  readonly source: string;
  /** Name of the baseline GCD file that was read; unset where none was needed. */
  readonly baselineFile?: string;
  /** Where it lies on this machine, absolute. */
  readonly baselinePath?: string;
}
