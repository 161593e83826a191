import { describe, expect, test } from "bun:test";
import { uniformNumbers } from "../../src/config/random.ts";
import { builtinDetector } from "../../src/detector/builtin.ts";
import { detectorOf } from "../../src/detector/gcd.ts";
import { parseEvent } from "../../src/event/load.ts";
import { drawnPassage, evenPassage } from "../../src/event/muon_losses.ts";
import { findOf, resolvePulses } from "../../src/event/objects.ts";
import { READOUT, simulatePulses } from "../../src/event/simulate.ts";
import { simulatedAlert } from "../../src/event/simulated_alert.ts";
import { SIMULATED_WITH, TRUE_LOSSES, TRUE_TRACK } from "../../src/event/truth.ts";
import type { MuonTrack } from "../../src/geometry/track.ts";
import { PulseFlag, type PulseMap } from "../../src/i3/pulses.ts";
import { openEmbeddedLight } from "../../src/light/light.ts";
import {
  cascadeExpectation,
  cascadeLight,
  muonExpectation,
  muonLight,
  muonLowEnergyFactor,
} from "../../src/native/light.ts";

const muon: MuonTrack = { x: 0, y: 0, z: 0, time: 10_000, zenith: 1.6, azimuth: 2, energy: 1e4 };
const passage = evenPassage(muon);
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
      mean +=
        charge(simulatePulses(passage, detector, { muon: light }, uniformNumbers(seed))) / runs;
    // 11 µs of 500 Hz in 5160 DOMs add 28 PE; some light comes after the readout's end.
    const error = Math.sqrt((1.1 * expected) / runs);
    expect(mean).toBeGreaterThan(expected + 28 - 4 * error - 0.06 * expected);
    expect(mean).toBeLessThan(expected + 28 + 4 * error);
  });

  test("give the same alert for the same seed, and another for another", () => {
    const alert = (seed: number) => {
      const random = uniformNumbers(seed);
      const pulses = simulatePulses(passage, detector, { muon: light }, random);
      const start = new Date("2023-02-25T06:00:00Z");
      return simulatedAlert({ runId: 1, eventId: 2, start, passage, pulses }, random);
    };
    expect(alert(5)).toBe(alert(5));
    expect(alert(6)).not.toBe(alert(5));
  });

  test("are read back as they were drawn, to the resolution of the detector's record", () => {
    const random = uniformNumbers(3);
    const pulses = simulatePulses(passage, detector, { muon: light }, random);
    const start = new Date("2023-02-25T06:00:00Z");
    const text = simulatedAlert({ runId: 7, eventId: 9, start, passage, pulses }, random);
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

/** Largest distance of an empirical distribution from a continuous one, times √n: above 1.95 once in a thousand. */
function kolmogorov(values: readonly number[], cumulative: (value: number) => number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const n = sorted.length;
  const distances = sorted.map((value, i) => {
    const expected = cumulative(value);
    return Math.max(expected - i / n, (i + 1) / n - expected);
  });
  return Math.max(...distances) * Math.sqrt(n);
}

describe("a simulated DOM", () => {
  const quiet = { ...builtinDetector().doms.values().next().value!, noiseRate: 0 };
  const alone = (dom: typeof quiet) => ({
    ...builtinDetector(),
    doms: new Map([[dom.key, dom]]),
  });
  const response = { readout: { start: 0, stop: 1e6 } };
  const light = {
    muon: openEmbeddedLight("muon", { jitter: 3 }),
    cascade: openEmbeddedLight("cascade"),
  };

  // One photon an event: then the pulses' times are the photons', rounded to 1 ns.
  const timesOf = (source: Parameters<typeof simulatePulses>[0], dom: typeof quiet) =>
    Array.from({ length: 3000 }, (_, seed) =>
      simulatePulses(source, alone(dom), light, uniformNumbers(seed, 5), response),
    ).flatMap((pulses) => [...pulses.values()].flatMap(([first]) => (first ? [first.time] : [])));

  test("sees a muon's photons when the light model says", () => {
    const place = { x: 0, y: 40, z: 10 };
    const full = muonExpectation(light.muon, muon, Float64Array.of(0, 40, 10, 1)).bare[0]!;
    const dom = { ...quiet, ...place, relativeEfficiency: 0.15 / 1.22 / full };
    const source = evenPassage({ ...muon, energy: 1 });
    const times = timesOf(source, dom);
    const site = [0, 40, 10, 1];
    const cumulative = (time: number) => {
      const seen = muonLight(light.muon, muon, site, [0])!;
      const residual = time - muon.time - seen.geometricTime.value;
      return muonLight(light.muon, muon, site, [residual])!.timing[0]!.cumulative.value;
    };
    expect(times.length).toBeGreaterThan(300);
    // The first of two photons comes early, but few DOMs that see any see two: 0.15 PE are expected.
    expect(kolmogorov(times, cumulative)).toBeLessThan(3);
  });

  test("sees a loss's photons when the light model says, as many as it says", () => {
    const dom = { ...quiet, x: 30, y: 20, z: 5, relativeEfficiency: 1 };
    const loss = { x: 0, y: 0, z: 0, time: 12_000, energy: 1 };
    const site = [dom.x, dom.y, dom.z, 1];
    const cascade = { ...muon, ...loss };
    const [amplitude] = cascadeExpectation(light.cascade, cascade, Float64Array.from(site));
    const energy = 0.15 / amplitude!;
    const passage = {
      ...evenPassage({ ...muon, x: 3000, y: 3000 }),
      losses: [{ ...loss, energy }],
    };
    const times = timesOf(passage, dom);
    const cumulative = (time: number) =>
      cascadeLight(light.cascade, cascade, site, [time])!.cumulative[0]!.value;
    // 15 in a hundred see light, 0.6 % of photons are below the discriminator: mean and error of a binomial number.
    const expected = 3000 * (1 - Math.exp(-0.15));
    expect(Math.abs(times.length - expected)).toBeLessThan(
      5 * Math.sqrt(expected) + 0.01 * expected,
    );
    expect(kolmogorov(times, cumulative)).toBeLessThan(3);
  });

  test.each([false, true])("has its noise rate, bursts %p", (bursts) => {
    const dom = { ...quiet, noiseRate: 5e-7 };
    const dark = { ...evenPassage({ ...muon, x: 1e5, y: 1e5 }) };
    const runs = 400;
    let hits = 0;
    for (let seed = 0; seed < runs; seed++) {
      const drawn = simulatePulses(dark, alone(dom), light, uniformNumbers(seed), {
        ...response,
        bursts,
      });
      hits += [...drawn.values()].flat().length;
    }
    // 0.5 hits in a millisecond each; 0.62 % of charges are below the discriminator. Bursts of 1.9 hits on average
    // make the spread (mean square over mean size: 2.8) wider.
    const expected = 0.5 * runs * 0.9938;
    expect(Math.abs(hits - expected)).toBeLessThan(4 * Math.sqrt(2.8 * expected));
  });

  test("saturates as photomultipliers do: a tenth lost at 31 PE/ns, never more than 93 PE/ns", () => {
    const seen = [1e5, 2e6].map((energy) => {
      const dom = { ...quiet, x: 30, y: 20, z: 5 };
      const bright = (saturation: boolean) => {
        const loss = { x: 0, y: 0, z: 0, time: 12_000, energy: 1 };
        const source = {
          ...evenPassage({ ...muon, x: 3000, y: 3000 }),
          losses: [{ ...loss, energy }],
        };
        const drawn = simulatePulses(source, alone(dom), light, uniformNumbers(1), {
          ...response,
          saturation,
        });
        return [...drawn.values()].flat().map((pulse) => pulse.charge / 10);
      };
      return [bright(false), bright(true)];
    });
    for (const [linear, saturated] of seen)
      linear!.forEach((current, i) => {
        const answered = saturated![i]!;
        expect(answered).toBeLessThan(93);
        expect(answered).toBeLessThanOrEqual(current);
        if (current < 31) expect(answered).toBeGreaterThan(0.899 * current);
      });
    expect(Math.max(...seen[0]![0]!)).toBeGreaterThan(10);
    expect(Math.max(...seen[1]![0]!)).toBeGreaterThan(100);
  });
});

describe("a simulated alert", () => {
  const light = openEmbeddedLight("muon");
  const start = new Date("2023-02-25T06:00:00Z");

  test("tells the truth: track, losses, what it was made with", () => {
    const random = uniformNumbers(4);
    const drawn = drawnPassage(muon, random);
    const settings = { losses: "individual" };
    const alert = { runId: 1, eventId: 1, start, passage: drawn, pulses: new Map(), settings };
    const event = parseEvent(new TextEncoder().encode(simulatedAlert(alert, random)), "a");
    expect(event.metadata.isRealEvent).toBe(false);
    expect(findOf(event, TRUE_TRACK, "I3Particle")).toMatchObject({ energy: muon.energy });
    expect(JSON.parse(findOf(event, TRUE_LOSSES, "I3String")!.value)).toEqual([...drawn.losses]);
    expect(JSON.parse(findOf(event, SIMULATED_WITH, "I3String")!.value)).toEqual(settings);
  });

  test("has an online track and energy with errors of a fit's size", () => {
    const online = Array.from({ length: 400 }, (_, seed) => {
      const alert = { runId: 1, eventId: 1, start, passage, pulses: new Map() };
      const text = simulatedAlert(alert, uniformNumbers(seed, 77));
      const event = parseEvent(new TextEncoder().encode(text), "a");
      return {
        ...findOf(event, "l2_online_SplineMPE", "I3Particle")!,
        energy: findOf(event, "l2_online_BestFit_MuEx", "I3Particle")!.energy,
      };
    });
    const width = (values: readonly number[]) =>
      Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
    // The width of 400 numbers is known to 1/√800, 3.5 %.
    const near = (found: number, expected: number) =>
      expect(Math.abs(found / expected - 1)).toBeLessThan(0.14);
    near(width(online.map(({ dir }) => dir.zenith - muon.zenith)), 0.0074);
    near(
      width(online.map(({ dir }) => (dir.azimuth - muon.azimuth) * Math.sin(muon.zenith))),
      0.0074,
    );
    for (const axis of [0, 1, 2]) near(width(online.map(({ pos }) => pos[axis]!)), 10);
    near(width(online.map(({ energy }) => Math.log(energy / muon.energy))), 0.5);
  });

  test("names its dead DOMs where a detector's status does, and they see nothing", async () => {
    const doms = [...builtinDetector().doms];
    const dead = doms.slice(1000, 1100).map(([key]) => key);
    const detector = {
      ...builtinDetector(),
      doms: new Map(doms.map(([key, dom]) => [key, { ...dom, isOn: !dead.includes(key) }])),
    };
    const random = uniformNumbers(1);
    const pulses = simulatePulses(passage, detector, { muon: light }, random);
    expect(dead.filter((key) => pulses.has(key))).toEqual([]);
    const text = simulatedAlert({ runId: 1, eventId: 1, start, passage, pulses, dead }, random);
    const event = parseEvent(new TextEncoder().encode(text), "a");
    expect([...(await detectorOf(event)).badDoms]).toEqual(dead);
    expect([...pulses.values()].flat().every(({ time }) => time < READOUT.stop)).toBe(true);
  });
});
