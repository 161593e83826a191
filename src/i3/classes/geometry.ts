import type { ArchiveReader, ArchiveWriter } from "../archive.ts";
import type { OMKey } from "../omkey.ts";
import {
  base,
  type ClassType,
  classType,
  f64,
  holder,
  i32,
  map,
  string,
  struct,
  type Type,
  vector,
} from "../types.ts";
import {
  omKeyClass,
  type Position,
  positionClass,
  type Time,
  timeClass,
  vectorOMKeyClass,
} from "./basic.ts";

/** One optical module: where it is, how it hangs, what it is. */
export interface OMGeo {
  readonly position: Position;
  /** Quaternion; undefined in old files. */
  readonly orientation?: Quaternion;
  /** 20 IceCube, 30 IceTop, … */
  readonly omtype: number;
  /** Sensitive area, m². */
  readonly area: number;
  /** 0 unknown, 1 standard, 2 high quantum efficiency, … */
  readonly pmttype: number;
}

export interface Quaternion {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly w: number;
}

const quaternionClass: ClassType<Quaternion> = struct("I3Quaternion", {}, [
  ["x", f64],
  ["y", f64],
  ["z", f64],
  ["w", f64],
]);
const orientationClass = holder("I3Orientation", quaternionClass);

export const omGeoClass: ClassType<OMGeo> = struct("I3OMGeo", { version: 2, base: false }, [
  ["position", positionClass],
  [null, i32, { until: 0 }], // up or down
  ["orientation", orientationClass, { since: 1 }],
  ["omtype", i32],
  ["area", f64],
  [null, f64, { until: 0 }], // azimuth, never used
  ["pmttype", i32, { since: 2, otherwise: 0 }],
]);

export interface Tank {
  readonly position: Position;
  readonly orientation: number;
  readonly tankradius: number;
  readonly tankheight: number;
  readonly fillheight: number;
  readonly oms: readonly OMKey[];
  readonly snowheight: number;
  readonly tanktype: number;
}

const tankClass: ClassType<Tank> = struct("I3TankGeo", { version: 2, base: false }, [
  ["position", positionClass],
  ["orientation", f64],
  ["tankradius", f64],
  ["tankheight", f64],
  ["fillheight", f64],
  ["oms", vectorOMKeyClass as ClassType<readonly OMKey[]>, { since: 1, otherwise: [] }],
  ["snowheight", f64, { since: 2, otherwise: Number.NaN }],
  ["tanktype", i32, { since: 2, otherwise: 0 }],
]);
const tanks = vector(tankClass);

/** Keys of scintillators, antennas and telescopes: "station,number". */
const surfaceKey = (name: string): ClassType<string> =>
  classType(
    name,
    {},
    (from) => `${from.i32()},${from.i32()}`,
    (to, key) => {
      for (const part of key.split(",")) to.i32(Number(part));
    },
  );

export interface Scintillator {
  readonly position: Position;
  readonly orientation: Quaternion;
  readonly scinttype: number;
  readonly height_above_snow: number;
  readonly name: string;
}
const scintillatorClass: ClassType<Scintillator> = struct("I3ScintGeo", { base: false }, [
  ["position", positionClass],
  ["orientation", orientationClass],
  ["scinttype", i32],
  ["height_above_snow", f64],
  ["name", string],
]);

export interface Antenna {
  readonly position: Position;
  readonly orientation: Quaternion;
  readonly height_above_snow: number;
  readonly name: string;
}
const antennaClass: ClassType<Antenna> = struct("I3AntennaGeo", { version: 1, base: false }, [
  ["position", positionClass],
  ["orientation", orientationClass],
  [null, i32, { until: 0 }], // type
  ["height_above_snow", f64],
  ["name", string],
  [null, f64, { until: 0 }], // cable length
]);

/** A map of things whose layout is not known; readable as long as there are none. */
export function emptyMap(name: string): ClassType<undefined> {
  return classType(
    name,
    { tracked: false },
    (from) => {
      const count = from.size();
      if (count > 0) from.fail(`${name} with ${count} entries, whose layout is not known`);
      return undefined;
    },
    (to) => to.size(0),
  );
}

export interface Geometry {
  readonly omgeo: ReadonlyMap<OMKey, OMGeo>;
  readonly stationgeo: ReadonlyMap<number, readonly Tank[]>;
  readonly scintgeo: ReadonlyMap<string, Scintillator>;
  readonly antennageo: ReadonlyMap<string, Antenna>;
  /** Unset where the file has surface telescopes: their layout is not known, and these come after them. */
  readonly start_time?: Time;
  readonly end_time?: Time;
  /** Bytes after the last member that could be read; none but in files with surface telescopes. */
  readonly undecoded: Uint8Array;
}

const omMap: Type<Map<OMKey, OMGeo>> = map(omKeyClass, omGeoClass);
export const omGeoMapClass = holder("I3OMGeoMap", omMap);
const stationMap = holder("I3StationGeoMap", map(i32, holder("I3StationGeo", tanks)));
const scintillatorMap = holder("I3ScintGeoMap", map(surfaceKey("ScintKey"), scintillatorClass));
const antennaMap = holder("I3AntennaGeoMap", map(surfaceKey("AntennaKey"), antennaClass));
/** Of the telescopes only their number is read. */
const telescopeCount: ClassType<number> = classType(
  "I3IceActGeoMap",
  {},
  (from) => {
    base.read(from);
    return telescopePairs.read(from);
  },
  (to, count) => {
    base.write(to, undefined);
    telescopePairs.write(to, count);
  },
);
const telescopePairs: ClassType<number> = classType(
  "map<IceActKey,I3IceActGeo>",
  { tracked: false },
  (from) => from.size(),
  (to, count) => to.size(count),
);

const NOTHING = new Uint8Array(0);

function readGeometry(from: ArchiveReader, version: number): Geometry {
  base.read(from);
  const none = { scintgeo: new Map(), antennageo: new Map() };
  if (version === 0) {
    const omgeo = omMap.read(from);
    const stationgeo = map(i32, tanks).read(from);
    const times = { start_time: timeClass.read(from), end_time: timeClass.read(from) };
    return { omgeo, stationgeo, ...none, ...times, undecoded: NOTHING };
  }
  const omgeo = omGeoMapClass.read(from);
  const stationgeo = stationMap.read(from);
  let surface: Pick<Geometry, "scintgeo" | "antennageo"> = none;
  if (version >= 2) {
    surface = { scintgeo: scintillatorMap.read(from), antennageo: antennaMap.read(from) };
    if (telescopeCount.read(from) > 0)
      return { omgeo, stationgeo, ...surface, undecoded: from.raw(from.remaining) };
    if (version >= 3) from.i32(); // snow height provenance
  }
  const times = { start_time: timeClass.read(from), end_time: timeClass.read(from) };
  return { omgeo, stationgeo, ...surface, ...times, undecoded: NOTHING };
}

function writeGeometry(to: ArchiveWriter, geometry: Geometry): void {
  base.write(to, undefined);
  omGeoMapClass.write(to, new Map(geometry.omgeo));
  stationMap.write(to, new Map([...geometry.stationgeo].map(([key, value]) => [key, [...value]])));
  scintillatorMap.write(to, new Map(geometry.scintgeo));
  antennaMap.write(to, new Map(geometry.antennageo));
  telescopeCount.write(to, 0);
  to.i32(0);
  timeClass.write(to, geometry.start_time ?? { year: 0, daq_time: 0n });
  timeClass.write(to, geometry.end_time ?? { year: 0, daq_time: 0n });
}

export const geometryClass: ClassType<Geometry> = classType(
  "I3Geometry",
  { version: 3 },
  readGeometry,
  writeGeometry,
);
