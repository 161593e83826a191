import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { formatOMKey, omKey } from "../../src/i3/omkey.ts";
import {
  brightDoms,
  deepCoreDoms,
  excludedWindows,
  unhitDoms,
} from "../../src/pulses/exclusions.ts";
import { cleanPulses } from "../../src/pulses/pulse_cleaning.ts";
import { iceCubePulses } from "../../src/pulses/strings.ts";
import { describeShared, shared } from "../shared.ts";
import { cleaningOracle, nominalDetector } from "./oracle.ts";

const infinite = Number.POSITIVE_INFINITY;

// millipede_*_llh_*.json: the reference's lists of excluded DOMs.
describeShared("excluded DOMs equal the reference's", () => {
  const detector = nominalDetector();
  const reference = (algorithm: string, event: string) =>
    JSON.parse(readFileSync(shared("oracle", "llh", `${algorithm}_llh_${event}.json`), "utf8")) as {
      exclusion_sizes: Record<string, number | null>;
      BrightDOMs: string[];
    };

  for (const name of ["138632_31747601", "run00136662-evt000035405932-BRONZE"])
    test(name, () => {
      const oracle = cleaningOracle(name);
      const base = oracle.map(oracle.base);
      const original = reference("millipede_original", name);
      expect(deepCoreDoms(detector).length).toBe(original.exclusion_sizes.DeepCoreDOMs!);
      expect(brightDoms(base, 10).map(formatOMKey)).toEqual(original.BrightDOMs);

      const wilks = reference("millipede_wilks", name);
      const ic = iceCubePulses(base);
      expect(brightDoms(ic, 2).map(formatOMKey)).toEqual(wilks.BrightDOMs);
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
