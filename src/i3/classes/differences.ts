import type { OMKey } from "../omkey.ts";
import {
  base,
  bitset,
  bool,
  type ClassType,
  classType,
  dynamicBitset,
  f64,
  i32,
  map,
  string,
  struct,
  type Type,
  vector,
  vectorI32,
  vectorU64,
} from "../types.ts";
import {
  omKeyClass,
  type Position,
  positionClass,
  type Time,
  type TriggerKey,
  timeClass,
  triggerKeyClass,
} from "./basic.ts";
import {
  DOM_CALIBRATION_DIFF_MEMBERS,
  type DomCalibrationDiff,
  type VemCalibration,
  vemCalibrationClass,
} from "./calibration.ts";
import { type OMGeo, omGeoClass } from "./geometry.ts";
import {
  type DomStatus,
  domStatusClass,
  type TriggerStatus,
  triggerStatusClass,
} from "./status.ts";

/** What to put into a map, and which keys to take out of it first. */
export interface MapDiff<K, V> {
  readonly plus: ReadonlyMap<K, V>;
  readonly minus: readonly K[];
}

function mapDiff<K, V>(key: Type<K>, value: Type<V>, minus: Type<K[]>): ClassType<MapDiff<K, V>> {
  return struct<MapDiff<K, V>>(`MapDiff<${key.name},${value.name}>`, { base: false }, [
    ["plus", map(key, value) as Type<unknown>] as never,
    ["minus", minus as Type<unknown>] as never,
  ]);
}

/** vector<int> as a list of numbers. */
const numbers: Type<number[]> = {
  ...vectorI32,
  read: (from) => [...vectorI32.read(from)],
  write: (to, values) => vectorI32.write(to, Int32Array.from(values)),
};

export interface TankDiff {
  readonly position: Position;
  readonly snowheight: number;
  readonly oms: readonly OMKey[];
}
const tankDiffClass: ClassType<TankDiff> = struct("station::Tank", { base: false }, [
  ["position", positionClass],
  ["snowheight", f64],
  ["oms", vector(omKeyClass) as Type<readonly OMKey[]>],
]);

/** A change to a vector: the whole new one (raw), or insertions and omissions by position. */
export interface TanksDiff {
  readonly raw: boolean;
  readonly diff: readonly TankDiff[];
  readonly mask?: readonly boolean[];
  readonly pos?: BigUint64Array;
}
const tankDiffs = vector(tankDiffClass);
const tanksDiffClass: ClassType<TanksDiff> = classType<TanksDiff>(
  "VectorDiff<station::Tank>",
  { tracked: false },
  (from) => {
    const raw = from.flag();
    const diff = tankDiffs.read(from);
    if (raw) return { raw, diff };
    const mask = dynamicBitset.read(from);
    return { raw, diff, mask, pos: vectorU64.read(from) };
  },
  (to, value) => {
    bool.write(to, value.raw);
    tankDiffs.write(to, [...value.diff]);
    if (value.raw) return;
    dynamicBitset.write(to, [...(value.mask ?? [])]);
    vectorU64.write(to, value.pos ?? new BigUint64Array(0));
  },
);

export type StationDiff = { readonly bits: number } & Partial<
  Readonly<{
    orientation: number;
    tankradius: number;
    tankheight: number;
    fillheight: number;
    tanktype: number;
    tanks: TanksDiff;
  }>
>;

/** A class whose members are only there where a bit says so. */
function optionalMembers<T extends { readonly bits: number }>(
  name: string,
  members: readonly (readonly [name: string, type: Type<unknown>])[],
): ClassType<T> {
  const bits = bitset(members.length);
  return classType(
    name,
    {},
    (from) => {
      const set = bits.read(from);
      if (set >= 2 ** members.length) from.fail(`${name} with unknown members (bits ${set})`);
      const value: Record<string, unknown> = { bits: set };
      members.forEach(([member, type], bit) => {
        if ((set >>> bit) & 1) value[member] = type.read(from);
      });
      return value as T;
    },
    (to, value) => {
      bits.write(to, value.bits);
      members.forEach(([member, type], bit) => {
        if ((value.bits >>> bit) & 1) type.write(to, (value as Record<string, unknown>)[member]);
      });
    },
  );
}

const stationDiffClass = optionalMembers<StationDiff>("I3StationDiff", [
  ["orientation", f64 as Type<unknown>],
  ["tankradius", f64 as Type<unknown>],
  ["tankheight", f64 as Type<unknown>],
  ["fillheight", f64 as Type<unknown>],
  ["tanktype", i32 as Type<unknown>],
  ["tanks", tanksDiffClass as Type<unknown>],
]);
const domCalibrationDiffClass = optionalMembers<DomCalibrationDiff>(
  "I3DOMCalibrationDiff",
  DOM_CALIBRATION_DIFF_MEMBERS,
);

const omKeys = vector(omKeyClass);

export interface OMGeoMapDiff extends MapDiff<OMKey, OMGeo> {
  /** Empty; the geometry's own name counts. */
  readonly base_filename: string;
}
const omGeoMap = map(omKeyClass, omGeoClass);
const omGeoMapDiffClass: ClassType<OMGeoMapDiff> = classType<OMGeoMapDiff>(
  "I3OMGeoMapDiff",
  {},
  (from) => {
    base.read(from);
    const base_filename = from.text();
    const plus = omGeoMap.read(from);
    return { base_filename, plus, minus: omKeys.read(from) };
  },
  (to, value) => {
    base.write(to, undefined);
    to.text(value.base_filename);
    omGeoMap.write(to, new Map(value.plus));
    omKeys.write(to, [...value.minus]);
  },
);

interface Difference {
  /** The baseline GCD file this is a difference to; a bare file name. */
  readonly base_filename: string;
  /** Of the result. */
  readonly start_time: Time;
  readonly end_time: Time;
}

export interface GeometryDiff extends Difference {
  readonly omgeo: OMGeoMapDiff;
  readonly stationgeo: MapDiff<number, StationDiff>;
}
export const geometryDiffClass: ClassType<GeometryDiff> = struct("I3GeometryDiff", {}, [
  ["base_filename", string],
  ["omgeo", omGeoMapDiffClass],
  ["stationgeo", mapDiff(i32, stationDiffClass, numbers)],
  ["start_time", timeClass],
  ["end_time", timeClass],
]);

export interface CalibrationDiff extends Difference {
  readonly dom_cal: MapDiff<OMKey, DomCalibrationDiff>;
  readonly vem_cal: MapDiff<OMKey, VemCalibration>;
}
export const calibrationDiffClass: ClassType<CalibrationDiff> = struct("I3CalibrationDiff", {}, [
  ["base_filename", string],
  ["start_time", timeClass],
  ["end_time", timeClass],
  ["dom_cal", mapDiff(omKeyClass, domCalibrationDiffClass, omKeys)],
  ["vem_cal", mapDiff(omKeyClass, vemCalibrationClass, omKeys)],
]);

export interface DetectorStatusDiff extends Difference {
  readonly dom_status: MapDiff<OMKey, DomStatus>;
  readonly trigger_status: MapDiff<TriggerKey, TriggerStatus>;
  readonly daq_configuration_name: string;
}
export const detectorStatusDiffClass: ClassType<DetectorStatusDiff> = struct(
  "I3DetectorStatusDiff",
  {},
  [
    ["base_filename", string],
    ["start_time", timeClass],
    ["end_time", timeClass],
    ["dom_status", mapDiff(omKeyClass, domStatusClass, omKeys)],
    ["trigger_status", mapDiff(triggerKeyClass, triggerStatusClass, vector(triggerKeyClass))],
    ["daq_configuration_name", string],
  ],
);
