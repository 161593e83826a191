import { InputError } from "../config/errors.ts";
import type { DomCalibration } from "../i3/classes/calibration.ts";
import type {
  CalibrationDiff,
  DetectorStatusDiff,
  GeometryDiff,
  MapDiff,
} from "../i3/classes/differences.ts";
import type { OMGeo } from "../i3/classes/geometry.ts";
import { NO_SPE } from "../i3/classes/spe.ts";
import type { DomStatus } from "../i3/classes/status.ts";
import { domName, type OMKey } from "../i3/omkey.ts";

/** What the detector is made of: the parts of geometry, calibration and status that describe a DOM. */
export interface DetectorParts {
  readonly geometry: ReadonlyMap<OMKey, OMGeo>;
  readonly calibration: ReadonlyMap<OMKey, DomCalibrationPart>;
  readonly status: ReadonlyMap<OMKey, Pick<DomStatus, "pmt_hv">>;
}

export type DomCalibrationPart = Pick<
  DomCalibration,
  "relative_dom_eff" | "dom_noise_rate" | "spe" | "mean_atwd_charge"
>;

/** A DOM that the baseline has no calibration of starts from nothing known. */
const UNKNOWN_CALIBRATION: DomCalibrationPart = {
  relative_dom_eff: Number.NaN,
  dom_noise_rate: Number.NaN,
  spe: NO_SPE,
  mean_atwd_charge: Number.NaN,
};

export const applyGeometryDiff = (
  base: DetectorParts["geometry"],
  diff: GeometryDiff,
): DetectorParts["geometry"] => applyMapDiff(base, diff.omgeo, diff.base_filename, (_, om) => om);

export const applyCalibrationDiff = (
  base: DetectorParts["calibration"],
  diff: CalibrationDiff,
): DetectorParts["calibration"] =>
  applyMapDiff(base, diff.dom_cal, diff.base_filename, (old = UNKNOWN_CALIBRATION, changes) => ({
    relative_dom_eff: changes.relative_dom_eff ?? old.relative_dom_eff,
    dom_noise_rate: changes.dom_noise_rate ?? old.dom_noise_rate,
    spe: changes.spe ?? old.spe,
    mean_atwd_charge: changes.mean_atwd_charge ?? old.mean_atwd_charge,
  }));

export const applyStatusDiff = (
  base: DetectorParts["status"],
  diff: DetectorStatusDiff,
): DetectorParts["status"] =>
  applyMapDiff(base, diff.dom_status, diff.base_filename, (_, status) => status);

/** Takes out what the difference takes out, then puts in or combines what it has. Ascending keys. */
function applyMapDiff<V, D>(
  base: ReadonlyMap<OMKey, V>,
  { plus, minus }: MapDiff<OMKey, D>,
  baseName: string,
  combine: (old: V | undefined, change: D) => V,
): Map<OMKey, V> {
  const result = new Map(base);
  for (const key of minus)
    if (!result.delete(key))
      throw new InputError(
        `the difference takes out DOM ${domName(key)}, which ${baseName} does not have: it was made for another baseline`,
      );
  let isAscending = true;
  for (const [key, change] of plus) {
    isAscending &&= result.has(key);
    result.set(key, combine(result.get(key), change));
  }
  return isAscending ? result : new Map([...result].sort(([a], [b]) => a - b));
}
