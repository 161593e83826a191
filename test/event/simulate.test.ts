import { describe, expect, test } from "bun:test";
import { uniformNumbers } from "../../src/config/random.ts";
import { builtinDetector } from "../../src/detector/builtin.ts";
import { parseEvent } from "../../src/event/load.ts";
import { findOf, resolvePulses } from "../../src/event/objects.ts";
import { simulatedAlert, simulatePulses } from "../../src/event/simulate.ts";
import { TRUE_TRACK } from "../../src/event/truth.ts";
import type { MuonTrack } from "../../src/geometry/track.ts";
import { PulseFlag, type PulseMap } from "../../src/i3/pulses.ts";
import { openEmbeddedLight } from "../../src/light/light.ts";
import { muonExpectation, muonLowEnergyFactor } from "../../src/native/light.ts";

const muon: MuonTrack = { x: 0, y: 0, z: 0, time: 10_000, zenith: 1.6, azimuth: 2, energy: 1e4 };
const charge = (pulses: PulseMap) =>
  [...pulses.values()].flat().reduce((sum, pulse) => sum + pulse.charge, 0);

describe("simulated muons", () => {
  const detector = builtinDetector();
  const light = openEmbeddedLight("muon");

  test("leave on average the charge that the light model expects, and noise", () => {
    const doms = [...detector.doms.values()];
    const sites = new Float64Array(doms.flatMap((d) => [d.x, d.y, d.z, d.relativeEfficiency]));
    const { bare, stochastic } = muonExpectation(light, muon, sites);
    const factor = 1 + muonLowEnergyFactor(light, muon.energy);
    let expected = 0;
    doms.forEach((_, i) => {
      expected += bare[i]! * factor + stochastic[i]! * muon.energy;
    });
    const runs = 12;
    let mean = 0;
    for (let seed = 1; seed <= runs; seed++)
      mean += charge(simulatePulses(muon, detector, light, uniformNumbers(seed))) / runs;
    // 11 µs of 500 Hz in 5160 DOMs add 28 PE; some light comes after the readout's end.
    const error = Math.sqrt((1.1 * expected) / runs);
    expect(mean).toBeGreaterThan(expected + 28 - 4 * error - 0.06 * expected);
    expect(mean).toBeLessThan(expected + 28 + 4 * error);
  });

  test("give the same alert for the same seed, and another for another", () => {
    const alert = (seed: number) => {
      const random = uniformNumbers(seed);
      const pulses = simulatePulses(muon, detector, light, random);
      const start = new Date("2023-02-25T06:00:00Z");
      return simulatedAlert({ runId: 1, eventId: 2, start, muon, pulses }, random);
    };
    expect(alert(5)).toBe(alert(5));
    expect(alert(6)).not.toBe(alert(5));
  });

  test("are read back as they were drawn, to the resolution of the detector's record", () => {
    const random = uniformNumbers(3);
    const pulses = simulatePulses(muon, detector, light, random);
    const start = new Date("2023-02-25T06:00:00Z");
    const text = simulatedAlert({ runId: 7, eventId: 9, start, muon, pulses }, random);
    const event = parseEvent(new TextEncoder().encode(text), "simulated");
    expect(event.metadata).toEqual({
      runId: 7,
      eventId: 9,
      eventType: "neutrino",
      mjd: 60000.25,
      isRealEvent: false,
    });
    expect(findOf(event, TRUE_TRACK, "I3Particle")?.dir).toEqual({ zenith: 1.6, azimuth: 2 });
    const read = resolvePulses(event, "SplitInIcePulses");
    expect([...read.keys()]).toEqual([...pulses.keys()].sort((a, b) => a - b));
    for (const [key, series] of read) {
      const drawn = pulses.get(key)!;
      expect(series.map(({ time }) => time)).toEqual(drawn.map(({ time }) => time));
      series.forEach((pulse, i) => {
        expect(Math.abs(pulse.charge - drawn[i]!.charge)).toBeLessThan(0.026);
        expect(pulse.flags & PulseFlag.LC).toBe(drawn[i]!.flags & PulseFlag.LC);
      });
    }
  });
});
