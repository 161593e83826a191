import { describe, expect, test } from "bun:test";
import { builtinDetector } from "../../src/detector/builtin.ts";
import { loadEvent } from "../../src/event/load.ts";
import { ALWAYS } from "../../src/pulses/exclusions.ts";
import { timeWindows } from "../../src/pulses/inputs.ts";
import { findReco } from "../../src/reco/registry.ts";
import { cleaningNames, cleaningOracle, withoutWidths } from "../pulses/oracle.ts";
import { present, shared } from "../shared.ts";

const splinempe = findReco("splinempe");
const alertPath = (file: string) => shared("events", file);

describe("splinempe's preparation of real alerts", () => {
  for (const name of cleaningNames)
    test(`${name}: every step as the reference's`, async () => {
      const oracle = cleaningOracle(name);
      const event = await loadEvent(alertPath(oracle.event));
      const prepared = splinempe.prepare(event, builtinDetector(), undefined);
      const steps = {
        hlc: `${oracle.base}HLC`,
        rt: "SplitRTCleanedInIcePulses",
        time_window: "CleanedMuonPulses",
        ic: "CleanedMuonPulsesIC",
        cleaned: "CleanedMuonPulsesIC",
      };
      expect(Object.keys(prepared.pulses)).toEqual(Object.keys(steps));
      for (const [step, map] of Object.entries(steps))
        expect(withoutWidths(prepared.pulses[step]!)).toEqual(oracle.map(map));
      const { pos, time } = oracle.vertex["250"];
      expect(prepared.vertex.time).toBe(time);
      [prepared.vertex.x, prepared.vertex.y, prepared.vertex.z].forEach((value, i) => {
        expect(Math.abs(value / pos[i]! - 1)).toBeLessThan(1e-9);
      });
    });

  // splinempe_perdom_*.json: startTime and endTime of the likelihood's noise window.
  test("the readout window spans the fitted pulses", async () => {
    const event = await loadEvent(alertPath("run00136662-evt000035405932-BRONZE.pkl"));
    const prepared = splinempe.prepare(event, builtinDetector(), undefined);
    expect(prepared.readoutWindow).toEqual({ start: 31644, stop: 37574 });
  });

  test("the energy is the one MuEx found online", async () => {
    for (const [file, energy] of [
      ["run00136662-evt000035405932-BRONZE.pkl", 20486.84906],
      ["run00136766-evt000007637140-GOLD.pkl", 43029.3734],
      ["138632_31747601.json", 17235.35364],
    ] as const) {
      const event = await loadEvent(alertPath(file));
      // The message stands beside the frames and in the physics frame too.
      for (const message of [event.message, {}]) {
        const prepared = splinempe.prepare({ ...event, message }, builtinDetector(), undefined);
        expect(prepared.energy).toEqual({ value: energy, source: "alert message, mpe_muex" });
      }
    }
  });

  test("splinempe_pointed points at the online SplineMPE track", async () => {
    const pointed = findReco("splinempe_pointed");
    const event = await loadEvent(alertPath("138632_31747601.json"));
    const { pointing } = pointed.prepare(event, builtinDetector(), undefined);
    expect(pointing).toEqual({ zenith: 1.5716318005424652, azimuth: 4.876874560238876 });
    expect(pointed.seeds.pointedRadius! * (180 / Math.PI)).toBeCloseTo(3.5, 12);

    const old = await loadEvent(alertPath("hese_event_00.json"));
    expect(() => pointed.prepare(old, builtinDetector(), undefined)).toThrow(
      /no track "OnlineL2_SplineMPE".*HESE_SPEFit2/,
    );
  });

  const saturatedAlerts = ["event_HESE_2017-11-28.json", "hese_event_02.json"];
  const saturatedAt = present(saturatedAlerts, (file) => `events/${file}`);
  test.each(saturatedAt)(
    "%s: DOMs that saturated are left out whole, whatever their windows",
    async (file) => {
      const event = await loadEvent(alertPath(file));
      const saturated = [...timeWindows(event, "SaturationWindows").keys()];
      expect(saturated.length).toBeGreaterThan(0);
      for (const name of ["millipede_original", "millipede_wilks"]) {
        const { exclusions } = findReco(name).prepare(event, builtinDetector(), undefined);
        for (const key of saturated) expect(exclusions.get(key)).toEqual([ALWAYS]);
      }
    },
  );

  test("without a version the names are those of the pulses that are there", async () => {
    const event = await loadEvent(alertPath("138632_31747601.json"));
    const bare = { ...event, formatVersion: "" };
    const pointed = findReco("splinempe_pointed").prepare(bare, builtinDetector(), undefined);
    expect(pointed.cleaned.size).toBe(175);
    expect(pointed.pointing!.zenith).toBe(1.5716318005424652);
  });

  test("every algorithm names the pulses it misses", async () => {
    const event = await loadEvent(alertPath("138632_31747601.json"));
    const frames = event.frames.map((frame) => ({
      ...frame,
      records: new Map([...frame.records].filter(([key]) => key !== "SplitInIcePulses")),
    }));
    const names = ["splinempe", "millipede_original", "millipede_wilks"];
    for (const name of names)
      expect(() =>
        findReco(name).prepare({ ...event, frames }, builtinDetector(), undefined),
      ).toThrow(/no pulse series "SplitInIcePulses"; the event has .*InIceDSTPulses/);
  });

  test("missing pulses: the error names them and what is there", async () => {
    const event = await loadEvent(alertPath("hese_event_00.json"));
    const renamed = { ...event, formatVersion: "2023a" };
    expect(() => splinempe.prepare(renamed, builtinDetector(), undefined)).toThrow(
      /"SplitInIcePulses".*SplitUncleanedInIcePulses/,
    );
  });
});
