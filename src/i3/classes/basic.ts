import type { Direction } from "../../geometry/track.ts";
import { type OMKey, omKey, omOf, stringOf } from "../omkey.ts";
import type { TimeWindow } from "../pulses.ts";
import {
  base,
  bool,
  type ClassType,
  classType,
  f64,
  holder,
  i32,
  i64,
  list,
  map,
  string,
  struct,
  u32,
  vector,
  vectorChar,
} from "../types.ts";

/** Metres, detector coordinates. */
export type Position = readonly [x: number, y: number, z: number];

/** Tenths of ns since January 1st, 00:00 UTC of the year. */
export interface Time {
  readonly year: number;
  readonly daq_time: bigint;
}

/** Address of a DOM. Modules of several PMTs (pmt other than 0) do not occur in the detector's alerts. */
export const omKeyClass: ClassType<OMKey> = classType(
  "OMKey",
  { version: 2 },
  (from, version) => {
    if (version <= 1) base.read(from);
    const number = from.i32();
    const om = from.u32();
    const pmt = version >= 1 ? from.u8() : 0;
    if (pmt !== 0 || number < 0 || number > 0xffff || om > 0xff)
      from.fail(`module (${number}, ${om}, ${pmt}) is none of the 86-string detector`);
    return omKey(number, om);
  },
  (to, key) => {
    to.i32(stringOf(key));
    to.u32(omOf(key));
    to.u8(0);
  },
);

export const positionClass: ClassType<Position> = classType(
  "I3Position",
  {},
  (from) => {
    base.read(from);
    return [from.f64(), from.f64(), from.f64()];
  },
  (to, [x, y, z]) => {
    base.write(to, undefined);
    to.f64(x);
    to.f64(y);
    to.f64(z);
  },
);

export const directionClass: ClassType<Direction> = struct("I3Direction", {}, [
  ["zenith", f64],
  ["azimuth", f64],
]);

export const timeClass: ClassType<Time> = struct("I3Time", {}, [
  ["year", i32],
  ["daq_time", i64],
]);

/** I3Time of a file that does not say: unset. */
export const UNSET_TIME: Time = { year: 0, daq_time: 0n };

export const doubleClass = holder("I3Double", f64);
export const boolClass = holder("I3Bool", bool);
export const intClass = holder("I3Int", i32);
export const stringClass = holder("I3String", string);
export const vectorCharClass = holder("I3VectorChar", vectorChar);
export const vectorOMKeyClass = holder("I3VectorOMKey", vector(omKeyClass));

export const timeWindowClass: ClassType<TimeWindow> = struct(
  "I3TimeWindow",
  { version: 1, base: (version) => version > 0 },
  [
    ["start", f64],
    ["stop", f64],
  ],
);

const windowList = list(timeWindowClass);
const timeWindowSeriesClass: ClassType<TimeWindow[]> = classType(
  "I3TimeWindowSeries",
  { version: 1 },
  (from, version) => {
    if (version > 0) base.read(from);
    return windowList.read(from);
  },
  (to, windows) => {
    base.write(to, undefined);
    windowList.write(to, windows);
  },
);
export const timeWindowSeriesMapClass = holder(
  "I3TimeWindowSeriesMap",
  map(omKeyClass, timeWindowSeriesClass),
);

export interface EventHeader {
  readonly run_id: number;
  readonly sub_run_id: number;
  readonly event_id: number;
  /** 0 unknown, 20 OK, 40 detector configuration in transition. */
  readonly state: number;
  readonly sub_event_id: number;
  readonly sub_event_stream: string;
  readonly start_time: Time;
  readonly end_time: Time;
}

export const eventHeaderClass: ClassType<EventHeader> = struct("I3EventHeader", { version: 3 }, [
  ["run_id", u32],
  ["sub_run_id", u32, { since: 1, otherwise: 0 }],
  ["event_id", u32],
  ["state", i32, { since: 2, otherwise: 20 }],
  ["sub_event_id", u32, { since: 3, otherwise: 0 }],
  ["sub_event_stream", string, { since: 3, otherwise: "" }],
  ["start_time", timeClass],
  ["end_time", timeClass],
]);

/** A key of the trigger configuration: "source,type,subtype" and, where it has one, ",config id". */
export type TriggerKey = string;

export const triggerKeyClass: ClassType<TriggerKey> = classType(
  "TriggerKey",
  { version: 1 },
  (from, version) => {
    const parts = [from.i32(), from.i32(), version > 0 ? from.i32() : 0];
    if (from.flag()) parts.push(from.i32());
    return parts.join(",");
  },
  (to, key) => {
    const parts = key.split(",").map(Number);
    for (const part of parts.slice(0, 3)) to.i32(part);
    to.flag(parts.length > 3);
    for (const part of parts.slice(3)) to.i32(part);
  },
);
