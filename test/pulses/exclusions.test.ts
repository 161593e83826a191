import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { builtinDetector } from "../../src/detector/builtin.ts";
import { loadEvent } from "../../src/event/load.ts";
import { domName, omKey, parseDomName } from "../../src/i3/omkey.ts";
import type { TimeWindow } from "../../src/i3/pulses.ts";
import {
  brightDoms,
  deepCoreDoms,
  excludedWindows,
  highEnergyExclusions,
  unhitDoms,
} from "../../src/pulses/exclusions.ts";
import { basePulses, inputNames, timeRange } from "../../src/pulses/inputs.ts";
import { dropLatePulses } from "../../src/pulses/late.ts";
import { cleanPulses } from "../../src/pulses/pulse_cleaning.ts";
import { iceCubePulses } from "../../src/pulses/strings.ts";
import { present, shared } from "../shared.ts";
import { cleaningOracle, nominalDetector } from "./oracle.ts";

const infinite = Number.POSITIVE_INFINITY;

// millipede_*_llh_*.json: the reference's lists of excluded DOMs.
type Edges = Record<string, { edges: number[]; valid: boolean[] }>;

// doms: the time bins the reference's likelihood has for every DOM; none where it is excluded.
const events = present(
  [
    "138632_31747601.json",
    "run00136662-evt000035405932-BRONZE.pkl",
    "run00136766-evt000007637140-GOLD.pkl",
  ],
  (file) => [`events/${file}`, `oracle/llh/millipede_wilks_llh_${file.replace(/\.\w+$/, "")}.json`],
);

describe("what millipede leaves out", () => {
  const detector = builtinDetector();
  for (const file of events)
    test(`${file}: the same DOMs are left, with the same windows`, async () => {
      const event = await loadEvent(shared("events", file));
      const base = basePulses(event);
      const late = dropLatePulses(base);
      const ic = iceCubePulses(base);
      const cleaned = cleanPulses(ic);
      const unhit = unhitDoms(cleaned.pulses, detector);
      const stem = file.replace(/\.\w+$/, "");
      for (const [algorithm, exclusions] of [
        ["original", highEnergyExclusions(event, detector, base, 10, late.excluded)],
        ["wilks", highEnergyExclusions(event, detector, ic, 2, cleaned.excluded, unhit)],
      ] as const) {
        const name = `millipede_${algorithm}_llh_${stem}.json`;
        const reference = JSON.parse(readFileSync(shared("oracle", "llh", name), "utf8")) as {
          doms: Edges;
          ReadoutWindow: [number, number];
        };
        const readout = timeRange(event, inputNames(event).pulses);
        const window = algorithm === "original" ? readout : cleaned.window;
        expect([window.start, window.stop]).toEqual(reference.ReadoutWindow);
        for (const [key, { edges, valid }] of Object.entries(reference.doms)) {
          const open = validPieces(edges, valid);
          expect([key, openPieces(window, exclusions.get(parseDomName(key)) ?? [])]).toEqual([
            key,
            open,
          ]);
        }
      }
    });
});

/** Valid bins that touch, joined. */
function validPieces(edges: readonly number[], valid: readonly boolean[]): [number, number][] {
  const pieces: [number, number][] = [];
  valid.forEach((isValid, i) => {
    const [start, stop] = [edges[i]!, edges[i + 1]!];
    const last = pieces.at(-1);
    if (!isValid) return;
    if (last?.[1] === start) last[1] = stop;
    else pieces.push([start, stop]);
  });
  return pieces;
}

/** The window without the excluded parts. */
function openPieces(window: TimeWindow, excluded: readonly TimeWindow[]): [number, number][] {
  const pieces: [number, number][] = [];
  let from = window.start;
  for (const { start, stop } of excluded) {
    if (start > from) pieces.push([from, Math.min(start, window.stop)]);
    from = Math.max(from, stop);
  }
  if (from < window.stop) pieces.push([from, window.stop]);
  return pieces;
}

describe("excluded DOMs equal the reference's", () => {
  const detector = nominalDetector();
  const reference = (algorithm: string, event: string) =>
    JSON.parse(readFileSync(shared("oracle", "llh", `${algorithm}_llh_${event}.json`), "utf8")) as {
      exclusion_sizes: Record<string, number | null>;
      BrightDOMs: string[];
    };

  const names = ["138632_31747601", "run00136662-evt000035405932-BRONZE"];
  for (const name of present(names, (event) => [
    `oracle/seeds/${event}.json`,
    `oracle/llh/millipede_wilks_llh_${event}.json`,
  ]))
    test(name, () => {
      const oracle = cleaningOracle(name);
      const base = oracle.map(oracle.base);
      const original = reference("millipede_original", name);
      expect(deepCoreDoms(detector).length).toBe(original.exclusion_sizes.DeepCoreDOMs!);
      expect(brightDoms(base, 10).map(domName)).toEqual(original.BrightDOMs);

      const wilks = reference("millipede_wilks", name);
      const ic = iceCubePulses(base);
      expect(brightDoms(ic, 2).map(domName)).toEqual(wilks.BrightDOMs);
      const cleaned = cleanPulses(ic).pulses;
      expect(unhitDoms(cleaned, detector).length).toBe(wilks.exclusion_sizes.OtherUnhits!);
    });
});

test("windows of one DOM are joined; a whole DOM has one infinite window", () => {
  const [a, b] = [omKey(2, 1), omKey(1, 60)];
  const result = excludedWindows(
    [[b]],
    [
      new Map([
        [a, [{ start: 50, stop: infinite }]],
        [b, [{ start: 1, stop: 2 }]],
      ]),
      new Map([
        [
          a,
          [
            { start: 0, stop: 10 },
            { start: 10, stop: 20 },
            { start: 30, stop: 60 },
          ],
        ],
      ]),
    ],
  );
  expect([...result]).toEqual([
    [b, [{ start: -infinite, stop: infinite }]],
    [
      a,
      [
        { start: 0, stop: 20 },
        { start: 30, stop: infinite },
      ],
    ],
  ]);
});
