import { expect, test } from "bun:test";
import { builtinDetector } from "../../src/detector/builtin.ts";
import type { Pulse, PulseMap } from "../../src/i3/pulses.ts";
import { lineFit } from "../../src/reco/line_fit.ts";

const detector = builtinDetector();

test("a plane of light along a string is fitted as a track along the string", () => {
  const down: PulseMap = new Map(
    [...detector.doms.values()]
      .filter((dom) => dom.key >> 8 === 20)
      .map((dom) => [
        dom.key,
        [{ time: 10000 - dom.z / 0.3, charge: 1 + (dom.key % 3), width: 8, flags: 1 } as Pulse],
      ]),
  );
  const track = lineFit(down, detector);
  expect(track.zenith).toBeCloseTo(0, 6);
  const top = [...detector.doms.values()].find((dom) => dom.key >> 8 === 20)!;
  expect(track.x).toBeCloseTo(top.x, 0);
  expect(track.time).toBeCloseTo(10000 - track.z / 0.3, 6);
});

test("pulses at one moment show no direction", () => {
  const pulse: Pulse = { time: 5, charge: 1, width: 1, flags: 1 };
  const keys = [...detector.doms.keys()].slice(0, 5);
  expect(() => lineFit(new Map(keys.map((key) => [key, [pulse]])), detector)).toThrow(
    "no direction",
  );
});
