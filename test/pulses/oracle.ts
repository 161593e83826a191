import { readFileSync } from "node:fs";
import type { Detector, Dom } from "../../src/detector/detector.ts";
import { omKey, parseDomName } from "../../src/i3/omkey.ts";
import type { Pulse, PulseMap, TimeWindow, TimeWindowMap } from "../../src/i3/pulses.ts";
import { present, shared } from "../shared.ts";

/** Geometry of the reference's nominal IC86, with nominal calibration. */
export function nominalDetector(): Detector {
  const doms = readFileSync(shared("data", "ic86-geometry.tsv"), "utf8")
    .trim()
    .split("\n")
    .map((line): Dom => {
      const [string, om, x, y, z] = line.split("\t").map(Number);
      return {
        key: omKey(string!, om!),
        x: x!,
        y: y!,
        z: z!,
        relativeEfficiency: 1,
        noiseRate: 500e-9,
        meanSpeCharge: 0.86,
        highVoltage: 1300e-9,
        isOn: true,
        omType: 20,
      };
    })
    .sort((a, b) => a.key - b.key);
  return {
    doms: new Map(doms.map((dom) => [dom.key, dom])),
    badDoms: new Set(),
    badDomsSlc: new Set(),
    source: "nominal IC86",
  };
}

type Triples = Readonly<Record<string, readonly (readonly [number, number, number])[]>>;
interface SeedFile {
  readonly event: string;
  readonly base_pulses: string;
  readonly maps: Readonly<Record<string, { readonly per_om: Triples }>>;
  readonly timeranges: Readonly<Record<string, readonly [number, number]>>;
  readonly timewindows: Readonly<
    Record<string, Readonly<Record<string, readonly (readonly [number, number | "inf"])[]>>>
  >;
  readonly VHESelfVeto: Readonly<
    Record<"250" | "5" | "2", { readonly pos: readonly number[]; readonly time: number }>
  >;
}

/** The reference's cleaning of one alert. */
export interface CleaningOracle {
  readonly event: string;
  readonly base: string;
  /** Widths are not recorded there (0 here). */
  readonly map: (name: string) => PulseMap;
  readonly timeRange: (name: string) => TimeWindow;
  readonly windows: (name: string) => TimeWindowMap;
  readonly vertex: SeedFile["VHESelfVeto"];
}

export const cleaningNames = present(
  [
    "138632_31747601",
    "event_HESE_2017-11-28",
    "hese_event_00",
    "hese_event_01",
    "hese_event_02",
    "run00136662-evt000035405932-BRONZE",
  ],
  (name) => `oracle/seeds/${name}.json`,
);

export function cleaningOracle(name: string): CleaningOracle {
  const file: SeedFile = JSON.parse(
    readFileSync(shared("oracle", "seeds", `${name}.json`), "utf8"),
  );
  return {
    event: file.event,
    base: file.base_pulses,
    map: (key) => pulseMap(file.maps[key]!.per_om),
    timeRange: (key) => {
      const [start, stop] = file.timeranges[key]!;
      return { start, stop };
    },
    windows: (key) =>
      new Map(
        Object.entries(file.timewindows[key]!)
          .map(([dom, windows]): [number, TimeWindow[]] => [
            parseDomName(dom.replace(/,0$/, "")),
            windows.map(([start, stop]) => ({
              start,
              stop: stop === "inf" ? Number.POSITIVE_INFINITY : stop,
            })),
          ])
          .sort(([a], [b]) => a - b),
      ),
    vertex: file.VHESelfVeto,
  };
}

function pulseMap(perDom: Triples): PulseMap {
  return new Map(
    Object.entries(perDom)
      .map(([key, pulses]): [number, Pulse[]] => [
        parseDomName(key),
        pulses.map(([time, charge, flags]) => ({ time, charge, width: 0, flags })),
      ])
      .sort(([a], [b]) => a - b),
  );
}

/** The same pulses with widths set to 0, for comparison with the recorded ones. */
export const withoutWidths = (pulses: PulseMap): PulseMap =>
  new Map([...pulses].map(([key, series]) => [key, series.map((p) => ({ ...p, width: 0 }))]));
