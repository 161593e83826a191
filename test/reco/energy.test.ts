import { afterAll, describe, expect, test } from "bun:test";
import { builtinDetector } from "../../src/detector/builtin.ts";
import type { Event } from "../../src/event/event.ts";
import { loadEvent } from "../../src/event/load.ts";
import type { OMKey } from "../../src/i3/omkey.ts";
import type { Pulse } from "../../src/i3/pulses.ts";
import { openLight } from "../../src/light/light.ts";
import { muonExpectation, muonLowEnergyFactor } from "../../src/native/light.ts";
import { fitEnergy } from "../../src/reco/energy.ts";
import { findReco } from "../../src/reco/registry.ts";
import { shared } from "../shared.ts";

const light = openLight({ reco: "muon", choice: { light: "embedded-2026a" } });
afterAll(() => light.close());
const detector = builtinDetector();
const track = { x: 10, y: -20, z: 30, time: 10000, zenith: 1.3, azimuth: 0.7 };

test.each([500, 2e4, 3e6])("charges as expected from %d GeV give that energy back", (energy) => {
  const doms = [...detector.doms.values()];
  const sites = new Float64Array(
    doms.flatMap((dom) => [dom.x, dom.y, dom.z, dom.relativeEfficiency]),
  );
  const { bare, stochastic } = muonExpectation(light, track, sites);
  const charges = new Map<OMKey, Pulse[]>();
  doms.forEach((dom, i) => {
    const charge = bare[i]! * (1 + muonLowEnergyFactor(light, energy)) + stochastic[i]! * energy;
    if (charge > 0) charges.set(dom.key, [{ time: 0, charge, width: 1, flags: 1 }]);
  });
  expect(fitEnergy(track, charges, detector, light) / energy).toBeCloseTo(1, 2);
});

/** The event without its short message. */
const unrecorded = (event: Event): Event => ({
  ...event,
  message: {},
  frames: event.frames.map((frame) => ({
    ...frame,
    records: new Map([...frame.records].filter(([key]) => key !== "AlertShortFollowupMsg")),
  })),
});

// Total cleaned charge over the embedded light model's expectation along the online track.
describe("energies of real alerts from their charge", () => {
  const splinempe = findReco("splinempe");
  test.each([
    ["run00136662-evt000035405932-BRONZE.pkl", 28e3],
    ["run00136766-evt000007637140-GOLD.pkl", 100e3],
    ["138632_31747601.json", 22e3],
  ] as const)("%s: about %d GeV", async (file, expected) => {
    const event = await loadEvent(shared("events", file));
    const prepared = splinempe.prepare(unrecorded(event), detector, light);
    expect(prepared.energy!.source).toContain("BestFit, embedded light model");
    // A factor of 1.4, well below what separates a muon's charge from its energy.
    expect(Math.abs(Math.log10(prepared.energy!.value / expected))).toBeLessThan(0.15);
  });

  test("an alert without any record of its energy gets one from its charge", async () => {
    const event = await loadEvent(shared("events", "hese_event_00.json"));
    const { energy } = splinempe.prepare(event, detector, light);
    expect(energy!.source).toBe("charge along HESE_SPEFit2, embedded light model");
    expect(energy!.value).toBeGreaterThan(1e3);
    expect(energy!.value).toBeLessThan(1e7);
  });
});
