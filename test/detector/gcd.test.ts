import { describe, expect, test } from "bun:test";
import { cpSync, renameSync } from "node:fs";
import { join } from "node:path";
import { BUILTIN_SOURCE, builtinDetector } from "../../src/detector/builtin.ts";
import type { Detector } from "../../src/detector/detector.ts";
import {
  applyCalibrationDiff,
  applyGeometryDiff,
  applyStatusDiff,
} from "../../src/detector/differences.ts";
import { detectorOf, runOfBaseline } from "../../src/detector/gcd.ts";
import { loadEvent } from "../../src/event/load.ts";
import type { Time } from "../../src/i3/classes/basic.ts";
import { readI3File } from "../../src/i3/file.ts";
import type { Frame } from "../../src/i3/frame.ts";
import {
  decodeObject,
  type I3ClassName,
  type I3Object,
  type ObjectOf,
} from "../../src/i3/objects.ts";
import { domName, type OMKey, omKey } from "../../src/i3/omkey.ts";
import { testFolder } from "../folder.ts";
import { present, shared } from "../shared.ts";

/** One section of the reference's dump of a GCD. */
interface Expected {
  omgeo: Record<string, [number, number, number, number, string]>;
  dom_cal: Record<
    string,
    { relative_dom_eff: number; dom_noise_rate: number; mean_spe_charge: number }
  >;
  dom_status: Record<string, { pmt_hv: number }>;
  BadDomsList: string[];
  BadDomsListSLC: string[];
}

/** Compares every value the reference lists with what the detector holds. */
function expectDetector(detector: Detector, expected: Expected, chargeTolerance = 1e-9): void {
  expect([...detector.doms.keys()].map(domName)).toEqual(Object.keys(expected.omgeo));
  for (const dom of detector.doms.values()) {
    const key = domName(dom.key);
    const [x, y, z, , type] = expected.omgeo[key]!;
    const calibration = expected.dom_cal[key]!;
    const hv = expected.dom_status[key]?.pmt_hv ?? 0;
    expect([dom.x, dom.y, dom.z, dom.omType === 20 ? "IceCube" : dom.omType]).toEqual([
      x,
      y,
      z,
      type,
    ]);
    expect(dom.relativeEfficiency).toBe(calibration.relative_dom_eff);
    expect(dom.noiseRate).toBe(calibration.dom_noise_rate);
    expect(dom.highVoltage).toBe(hv);
    expect(dom.isOn).toBe(hv !== 0);
    expect(Math.abs(dom.meanSpeCharge / calibration.mean_spe_charge - 1)).toBeLessThan(
      chargeTolerance,
    );
  }
  const listed = (keys: ReadonlySet<OMKey>) => [...keys].map(domName).sort();
  expect(listed(detector.badDoms)).toEqual([...expected.BadDomsList].sort());
  expect(listed(detector.badDomsSlc)).toEqual([...expected.BadDomsListSLC].sort());
}

async function framesOf(path: string): Promise<Frame[]> {
  const frames: Frame[] = [];
  for await (const frame of readI3File(path)) frames.push(frame);
  return frames;
}

/** A folder with the nominal GCD under another name. */
function folderWith(name: string): string {
  const folder = testFolder();
  cpSync(shared("oracle/gcd/GCD_nominal.i3.zst"), join(folder, name));
  return folder;
}

const metadata = { runId: 136662 };
const gcdDir = shared("oracle/gcd");

describe("GCD files", () => {
  test("the built-in detector is the reference's nominal GCD in every value", async () => {
    const { base } = await Bun.file(shared("oracle/gcd/GCD_expected.json")).json();
    expectDetector(builtinDetector(), base);
  });

  const packings = present(["zst", "gz", "bz2"], (how) => `oracle/gcd/GCD_nominal.i3.${how}`);
  test.each(packings)("a GCD file packed as .%s", async (packing) => {
    const { base } = await Bun.file(shared("oracle/gcd/GCD_expected.json")).json();
    const frames = await framesOf(shared(`oracle/gcd/GCD_nominal.i3.${packing}`));
    expectDetector(await detectorOf({ metadata, frames }), base);
  });

  test("differences applied to the baseline they name give the reference's values", async () => {
    const { expected } = await Bun.file(shared("oracle/gcd/GCD_expected.json")).json();
    const frames = await framesOf(shared("oracle/gcd/GCD_diff.i3"));
    const detector = await detectorOf({ metadata, frames }, gcdDir);
    expectDetector(detector, expected);
    expect(detector.source).toBe("GCD_nominal.i3.zst");
    expect(detector.baselineFile).toBe("GCD_nominal.i3.zst");
    expect(detector.baselinePath).toBe(shared("oracle/gcd/GCD_nominal.i3.zst"));
  });

  const packets = ["fullGCD", "nominalGCDdiff"].map(
    (kind) => `oracle/gcd/packet_BRONZE_${kind}.json`,
  );
  test.each(present(packets, (file) => file))("a packet: %s", async (file) => {
    const { base, expected } = await Bun.file(shared("oracle/gcd/GCD_expected.json")).json();
    const detector = await detectorOf(await loadEvent(shared(file)), gcdDir);
    expectDetector(detector, detector.badDoms.size > 0 ? expected : base);
  });

  test("areas, charge corrections and times, before and after", async () => {
    const reference = await Bun.file(shared("oracle/gcd/GCD_expected.json")).json();
    const objects = async (name: string) => {
      const frames = await framesOf(shared("oracle/gcd", name));
      return frames.flatMap(({ records }) => [...records.values()]).map((r) => decodeObject(r)!);
    };
    const base = await objects("GCD_nominal.i3.zst");
    const diff = await objects("GCD_diff.i3");
    const of = <C extends I3ClassName>(list: I3Object[], type: C) =>
      list.find((object) => object.type === type) as ObjectOf<C>;
    const times = (object: { start_time?: Time; end_time?: Time }) =>
      [object.start_time, object.end_time].map((time) => [time?.year, Number(time?.daq_time)]);

    const { base: before, expected: after } = reference;
    expect(times(of(base, "I3Geometry"))).toEqual(before.geo_times);
    expect(times(of(base, "I3Calibration"))).toEqual(before.cal_times);
    expect(times(of(base, "I3DetectorStatus"))).toEqual(before.status_times);
    expect(times(of(diff, "I3GeometryDiff"))).toEqual(after.geo_times);
    expect(times(of(diff, "I3CalibrationDiff"))).toEqual(after.cal_times);
    expect(times(of(diff, "I3DetectorStatusDiff"))).toEqual(after.status_times);

    const geometry = of(base, "I3Geometry").omgeo;
    const calibration = of(base, "I3Calibration").dom_cal;
    for (const [expected, omgeo, cal] of [
      [before, geometry, calibration],
      [
        after,
        applyGeometryDiff(geometry, of(diff, "I3GeometryDiff")),
        applyCalibrationDiff(calibration, of(diff, "I3CalibrationDiff")),
      ],
    ] as const) {
      for (const [key, om] of omgeo) expect(om.area).toBe(expected.omgeo[domName(key)][3]);
      for (const [key, dom] of cal)
        expect(dom.mean_atwd_charge).toBe(expected.dom_cal[domName(key)].mean_atwd);
    }
  });

  test("without a folder of baselines the built-in detector serves, and says so", async () => {
    const event = await loadEvent(shared("events/138632_31747601.json"));
    const detector = await detectorOf(event);
    expect(detector.source).toBe(BUILTIN_SOURCE);
    expect(detector.doms.get(omKey(1, 1))).toBe(builtinDetector().doms.get(omKey(1, 1))!);
  });

  test("a baseline that is nowhere, or not the one named, is refused", async () => {
    const event = await loadEvent(shared("events/138632_31747601.json"));
    await expect(detectorOf(event, gcdDir)).rejects.toThrow(
      /"baseline_gcd_138615.i3" is neither in/,
    );
    await expect(detectorOf(event, shared("oracle/gcd/GCD_nominal.i3.zst"))).rejects.toThrow(
      /wrong baseline: .* "baseline_gcd_138615.i3"/,
    );
    const old = await loadEvent(shared("events/hese_event_00.json"));
    await expect(detectorOf(old, gcdDir)).rejects.toThrow(/"2016_01_08_Run127381.i3" is neither/);
  });

  test("differences to different baselines are refused", async () => {
    const frames = await framesOf(shared("oracle/gcd/GCD_diff.i3"));
    const alert = await loadEvent(shared("events/138632_31747601.json"));
    const mixed = [frames[0]!, ...alert.frames.filter(({ stream }) => stream === "C")];
    await expect(detectorOf({ metadata, frames: mixed }, gcdDir)).rejects.toThrow(
      /different baselines: I3GeometryDiff to "GCD_nominal.i3", I3CalibrationDiff to "baseline_gcd_138615.i3"/,
    );
  });

  test("differences put on a baseline they were not made for are refused", async () => {
    const [, , status] = await framesOf(shared("oracle/gcd/GCD_diff.i3"));
    const diff = decodeObject(status!.records.get("I3DetectorStatusDiff")!);
    if (diff?.type !== "I3DetectorStatusDiff") throw new Error("no I3DetectorStatusDiff");
    const hv = { pmt_hv: 1.25e-6 };
    const base = new Map([7, 45, 60].map((string) => [omKey(string, 45), hv]));
    expect(applyStatusDiff(base, diff).has(omKey(45, 45))).toBe(false);
    base.delete(omKey(45, 45));
    expect(() => applyStatusDiff(base, diff)).toThrow(/takes out DOM 45,45.*another baseline/);
  });

  test("a file that is itself a difference is no baseline", async () => {
    const folder = testFolder();
    cpSync(shared("oracle/gcd/GCD_diff.i3"), join(folder, "baseline_gcd_138615.i3"));
    const event = await loadEvent(shared("events/138632_31747601.json"));
    await expect(detectorOf(event, folder)).rejects.toThrow(
      /itself a difference \(to "GCD_nominal.i3"\)/,
    );
  });

  test("an event without GCD objects takes the newest baseline of an earlier run", async () => {
    const folder = folderWith("baseline_gcd_136662.i3");
    renameSync(join(folder, "baseline_gcd_136662.i3"), join(folder, "baseline_gcd_136000.i3"));
    cpSync(shared("oracle/gcd/GCD_diff.i3"), join(folder, "2016_01_08_Run127381.i3"));
    cpSync(shared("oracle/gcd/GCD_diff.i3"), join(folder, "baseline_gcd_136662.i3"));
    const event = await loadEvent(shared("events/run00136662-evt000035405932-BRONZE.pkl"));
    const frames = event.frames.filter(({ stream }) => stream === "Q" || stream === "P");
    expect((await detectorOf({ metadata, frames }, folder)).source).toBe("baseline_gcd_136000.i3");
  });
});

test("runs of baselines by file name", () => {
  expect(runOfBaseline("2016_01_08_Run127381.i3")).toBe(127381);
  expect(runOfBaseline("baseline_gcd_138615.i3.zst")).toBe(138615);
  expect(runOfBaseline("GCD_nominal.i3")).toBeUndefined();
});
