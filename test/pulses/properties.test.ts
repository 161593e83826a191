import { expect, test } from "bun:test";
import fc from "fast-check";
import { builtinDetector } from "../../src/detector/builtin.ts";
import { type OMKey, omKey } from "../../src/i3/omkey.ts";
import type { Pulse, PulseMap } from "../../src/i3/pulses.ts";
import { weightedQuantile } from "../../src/pulses/quantile.ts";
import { cleanSeededRt } from "../../src/pulses/seeded_rt.ts";
import { cleanTimeWindow } from "../../src/pulses/time_window.ts";

const detector = builtinDetector();
const keys = [...detector.doms.keys()];

/** Events of up to 60 pulses, crowded enough for every rule to matter. */
const pulseMaps: fc.Arbitrary<PulseMap> = fc
  .array(
    fc.record({
      // Two neighbouring strings' worth of DOMs, and some far away.
      dom: fc.oneof(fc.integer({ min: 0, max: 119 }), fc.integer({ min: 0, max: 5159 })),
      time: fc.integer({ min: 0, max: 60 }).map((step) => 9000 + 250 * step),
      hlc: fc.boolean(),
      charge: fc.integer({ min: 1, max: 100 }).map((n) => n / 8),
    }),
    { minLength: 1, maxLength: 60 },
  )
  .map((all) => {
    const map = new Map<OMKey, Pulse[]>();
    for (const { dom, time, hlc, charge } of all.toSorted((a, b) => a.time - b.time)) {
      const key = keys[dom]!;
      const pulse = { time, charge, width: 1, flags: hlc ? 7 : 4 };
      map.set(key, [...(map.get(key) ?? []), pulse]);
    }
    return new Map([...map].sort(([a], [b]) => a - b));
  });

/** The definition, pulse by pulse. */
function seededRtByDefinition(pulses: PulseMap): Set<Pulse> {
  const all = [...pulses].flatMap(([key, series]) =>
    series.map((pulse) => ({ pulse, dom: detector.doms.get(key)! })),
  );
  type Hit = (typeof all)[number];
  const together = (a: Hit, b: Hit) =>
    Math.abs(a.pulse.time - b.pulse.time) <= 1000 &&
    Math.hypot(a.dom.x - b.dom.x, a.dom.y - b.dom.y, a.dom.z - b.dom.z) <= 150;
  const hlc = all.filter(({ pulse }) => pulse.flags === 7);
  const cores = hlc.filter((a) => hlc.filter((b) => b !== a && together(a, b)).length >= 2);
  let kept = cores.length > 0 ? cores : hlc;
  for (let round = 0; round < 3; round++)
    kept = all.filter((a) => kept.some((b) => a === b || together(a, b)));
  return new Set(kept.map(({ pulse }) => pulse));
}

const pulsesOf = (pulses: PulseMap) => new Set([...pulses.values()].flat());

test("seeded RT cleaning is what its definition says", () => {
  fc.assert(
    fc.property(pulseMaps, (pulses) => {
      expect(pulsesOf(cleanSeededRt(pulses, detector))).toEqual(seededRtByDefinition(pulses));
    }),
    { numRuns: 300, seed: 1 },
  );
});

test("no time window of 6 µs holds more pulses, and none as many starts earlier", () => {
  fc.assert(
    fc.property(pulseMaps, (pulses) => {
      const all = [...pulses.values()].flat();
      const kept = [...cleanTimeWindow(pulses, 6000).values()].flat();
      const start = Math.min(...kept.map((pulse) => pulse.time));
      for (const { time } of all) {
        const inside = all.filter((pulse) => pulse.time >= time && pulse.time - time <= 6000);
        expect(inside.length).toBeLessThanOrEqual(kept.length);
        if (inside.length === kept.length) expect(time).toBeGreaterThanOrEqual(start);
      }
    }),
    { numRuns: 200, seed: 2 },
  );
});

test("weighted quantiles", () => {
  expect(weightedQuantile([30, 10, 20], [1, 1, 1], 0.5)).toBe(20);
  expect(weightedQuantile([10, 20], [1, 1], 0.5)).toBe(10);
  expect(weightedQuantile([10, 20, 30, 40], [1, 1, 1, 7], 0.5)).toBe(40);
  expect(weightedQuantile([10, 20], [1, 3], 0)).toBe(10);
  expect(weightedQuantile([10, 20], [1, 3], 1)).toBe(20);
  expect(weightedQuantile([], [], 0.5)).toBeNaN();
});

test("a DOM the detector does not have is named", () => {
  const stray: PulseMap = new Map([[omKey(87, 3), [{ time: 1, charge: 1, width: 1, flags: 7 }]]]);
  expect(() => cleanSeededRt(stray, detector)).toThrow("DOM 87,3");
});
