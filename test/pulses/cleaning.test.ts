import { describe, expect, test } from "bun:test";
import { omKey, omOf } from "../../src/i3/omkey.ts";
import { PulseFlag } from "../../src/i3/pulses.ts";
import { dropLatePulses } from "../../src/pulses/late.ts";
import { hlcPulses, slcPulses } from "../../src/pulses/local_coincidence.ts";
import { cleanPulses } from "../../src/pulses/pulse_cleaning.ts";
import { cleanSeededRt } from "../../src/pulses/seeded_rt.ts";
import { iceCubePulses } from "../../src/pulses/strings.ts";
import { cleanTimeWindow } from "../../src/pulses/time_window.ts";
import { vertexSeed } from "../../src/pulses/vertex_seed.ts";
import { cleaningNames, cleaningOracle, nominalDetector } from "./oracle.ts";

// Numbers: the reference software run on the real alerts with the nominal IC86 detector.
describe("cleaning steps equal the reference's", () => {
  const detector = nominalDetector();
  for (const name of cleaningNames) {
    const oracle = cleaningOracle(name);
    const base = oracle.map(oracle.base);

    test(`${name}: local coincidence`, () => {
      expect(hlcPulses(base)).toEqual(oracle.map(`${oracle.base}HLC`));
      expect(slcPulses(base)).toEqual(oracle.map(`${oracle.base}SLC`));
    });
    test(`${name}: seeded RT, time window, DeepCore`, () => {
      const rt = cleanSeededRt(base, detector);
      expect(rt).toEqual(oracle.map("SplitRTCleanedInIcePulses"));
      const window = cleanTimeWindow(rt, 6000);
      expect(window).toEqual(oracle.map("CleanedMuonPulses"));
      expect(iceCubePulses(window)).toEqual(oracle.map("CleanedMuonPulsesIC"));
    });
    test(`${name}: late pulses`, () => {
      const late = dropLatePulses(base);
      expect(late.pulses).toEqual(oracle.map(`${oracle.base}LatePulseCleaned`));
      expect(late.excluded).toEqual(oracle.windows(`${oracle.base}LatePulseCleanedTimeWindows`));
    });
    test(`${name}: pulse_cleaning`, () => {
      const ic = iceCubePulses(base);
      expect(ic).toEqual(oracle.map(`${oracle.base}IC`));
      const cleaned = cleanPulses(ic);
      expect(cleaned.pulses).toEqual(oracle.map(`${oracle.base}ICLatePulseCleaned`));
      expect(cleaned.excluded).toEqual(
        oracle.windows(`${oracle.base}ICLatePulseCleanedTimeWindows`),
      );
      expect(cleaned.window).toEqual(oracle.timeRange(`${oracle.base}ICLatePulseCleanedTimeRange`));
    });
    for (const threshold of [250, 5, 2] as const)
      test(`${name}: vertex seed above ${threshold} PE`, () => {
        const seed = vertexSeed(hlcPulses(base), detector, threshold)!;
        const expected = oracle.vertex[`${threshold}`];
        expect(seed.time).toBe(expected.time);
        // Sums of charges in another order.
        [seed.x, seed.y, seed.z].forEach((value, i) => {
          expect(Math.abs(value / expected.pos[i]! - 1)).toBeLessThan(1e-9);
        });
      });
  }
});

describe("seeds of the seeded RT cleaning", () => {
  const detector = nominalDetector();
  /** HLC pulses at these times on DOMs of string 20, 17 m apart. */
  const kept = (times: Readonly<Record<number, readonly number[]>>) => {
    const pulses = new Map(
      Object.entries(times).map(([om, list]) => [
        omKey(20, Number(om)),
        list.map((time) => ({ time, charge: 1, width: 1, flags: PulseFlag.LC })),
      ]),
    );
    return [...cleanSeededRt(pulses, detector).keys()].map((key) => omOf(key)).sort();
  };
  // Beside a true seed far away, so that not all pulses become seeds for want of any.
  const seed = { 1: [1000], 2: [1000], 3: [1000] };
  for (const [what, times, expected] of [
    ["three late pulses on one DOM are none", { ...seed, 50: [5000, 5100, 5200] }, [1, 2, 3]],
    ["two DOMs with a pulse each are none", { ...seed, 50: [5000], 51: [5100] }, [1, 2, 3]],
    [
      "two pulses on one DOM and one on another",
      { ...seed, 50: [5000, 5100], 51: [5100] },
      [1, 2, 3, 50, 51],
    ],
    [
      "three DOMs with a pulse each",
      { ...seed, 50: [5000], 51: [5100], 52: [5200] },
      [1, 2, 3, 50, 51, 52],
    ],
  ] as const)
    test(what, () => expect(kept(times)).toEqual([...expected]));
});
