import { describe, expect, test } from "bun:test";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { calibrationOf } from "../../src/calibrate/calibration_report.ts";
import { localCrew } from "../../src/calibrate/crew.ts";
import { hasFailed } from "../../src/calibrate/experiment.ts";
import type { Request } from "../../src/calibrate/laboratory.ts";
import { drawMuon, openLaboratory } from "../../src/calibrate/laboratory.ts";
import { identityOf, openNotebook } from "../../src/calibrate/notebook.ts";
import { type RunOptions, runExperiments } from "../../src/calibrate/run.ts";
import { Interrupted } from "../../src/config/errors.ts";
import { uniformNumbers } from "../../src/config/random.ts";
import { readCalibration } from "../../src/result/calibration.ts";
import { calibratedLevels } from "../../src/result/levels.ts";
import { testFolder } from "../folder.ts";
import { event } from "../result/examples.ts";

const folder = testFolder();
const muons = { energies: [2e3, 2e3], highestSine: 0.5, radius: 150 } as const;
const request: Request = {
  ...{ reco: "splinempe", choice: {}, seed: 1, varies: false, jitter: 3 },
  cause: { kind: "muons", population: muons, losses: "individual" },
};
const options = (name: string, more: Partial<RunOptions> = {}): RunOptions => ({
  workforce: localCrew([process.execPath, resolve(import.meta.dir, "crew_member.ts")], 2),
  ...{ experiments: 12, notebook: join(folder, name), input: "", now: () => 0 },
  stop: new AbortController().signal,
  ...more,
});

describe("a run of pseudo-experiments", () => {
  test("counts every one once; a crash costs one, a failure is told", async () => {
    const { entries, light } = await runExperiments(request, options("a"));
    expect(entries.map(({ k }) => k)).toEqual([...Array(12).keys()]);
    expect(entries.filter(hasFailed)).toEqual([
      { k: 5, reason: "no light" },
      { k: 7, reason: "the process ended with SIGKILL" },
    ]);
    expect(light).toBe("embedded");
  });

  test("goes on where it was: the same as without a break, whatever was cut off", async () => {
    const whole = await runExperiments(request, options("whole"));
    const part = options("part");
    await runExperiments(request, { ...part, experiments: 4 });
    appendFileSync(part.notebook, '{"k":9,"ts":4');
    const resumed = await runExperiments(request, part);
    expect(resumed.entries).toEqual(whole.entries);
    expect(readFileSync(part.notebook, "utf8").split("\n").slice(1, -1)).toHaveLength(12);
    await resumed.forget();
    expect(existsSync(part.notebook)).toBe(false);
  });

  test("does not believe what another seed, event or program has drawn", async () => {
    const path = join(folder, "foreign");
    const open = (of: Request, input: string) => openNotebook(path, identityOf(of, input));
    const first = await open(request, "event");
    await first.add({ k: 3, reason: "x" });
    expect((await open(request, "event")).entries.size).toBe(1);
    expect((await open({ ...request, seed: 2 }, "event")).entries.size).toBe(0);
    expect((await open(request, "event")).entries.size).toBe(0);
  });

  test("stops when told to, and ends with what a process refuses to work for", async () => {
    const stop = new AbortController();
    stop.abort();
    expect(runExperiments(request, options("b", { stop: stop.signal }))).rejects.toThrow(
      Interrupted,
    );
    const unlucky = runExperiments({ ...request, seed: 13 }, options("c"));
    expect(unlucky).rejects.toThrow("no such light");
    const broken = options("d", { workforce: localCrew(["/bin/false"], 2) });
    expect(runExperiments(request, broken)).rejects.toThrow("cannot be started");
  });

  test("becomes a calibration that result files take", async () => {
    const { entries, light, detector } = await runExperiments(request, options("e"));
    const muon = drawMuon(muons, uniformNumbers(1));
    const report = calibrationOf({
      ...{ event, recoAlgo: "splinempe", light, detector, version: "1", seed: 1, muon },
      entries: entries.toReversed(),
    });
    const path = join(folder, "calibration.json");
    writeFileSync(path, JSON.stringify(report));
    const read = await readCalibration(path);
    expect(read.experiments).toBe(10);
    const levels = calibratedLevels(read);
    expect(levels).toMatchObject({ convention: "calibrated", systematicIncluded: true });
    expect(levels.contours.map(({ percent }) => percent)).toEqual([50, 68, 90, 99]);
    expect(report.failed).toHaveLength(2);
    expect(report.drawn.map(({ k }) => k)).toEqual([0, 1, 2, 3, 4, 6, 8, 9, 10, 11]);
    // 2·Δllh of k/2 has the mean 27/10 here.
    expect(report.scale).toBeCloseTo(1.35, 12);
  });
});

test("a pseudo-experiment depends on its number alone, not on those before it", async () => {
  const [together, alone] = [await openLaboratory(request), await openLaboratory(request)];
  await together.run(0);
  const [a, b] = [await together.run(1), await alone.run(1)];
  together.close();
  alone.close();
  expect(a).toEqual(b);
  expect(a.ts).toBeGreaterThanOrEqual(0);
  expect(a.error).toBeLessThan(5);
});

test("muons of all kinds are isotropic, and their tracks fill the sphere", () => {
  const random = uniformNumbers(4);
  const n = 4000;
  const drawn = Array.from({ length: n }, () =>
    drawMuon({ energies: [1e3, 1e5], highestSine: 0.8, radius: 350 }, random),
  );
  const mean = (of: (muon: (typeof drawn)[number]) => number) =>
    drawn.reduce((sum, muon) => sum + of(muon) / n, 0);
  // Four errors of the mean of a uniform number are 4·0.289/√4000 of its range.
  const tolerance = (range: number) => (4 * 0.289 * range) / Math.sqrt(n);
  expect(Math.abs(mean((m) => Math.cos(m.zenith)))).toBeLessThan(tolerance(1.6));
  expect(Math.abs(mean((m) => m.azimuth) - Math.PI)).toBeLessThan(tolerance(2 * Math.PI));
  expect(Math.abs(mean((m) => Math.log10(m.energy)) - 4)).toBeLessThan(tolerance(2));
  expect(Math.abs(mean((m) => (Math.hypot(m.x, m.y, m.z) / 350) ** 3) - 0.5)).toBeLessThan(
    tolerance(1),
  );
});
