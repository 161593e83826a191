import { describe, expect, test } from "bun:test";
import { coverageLines, coverageOf, coverageTable } from "../../src/calibrate/coverage_report.ts";
import type { Entry } from "../../src/calibrate/experiment.ts";
import { plotCoverage } from "../../src/calibrate/pp_plot.ts";
import { uniformNumbers } from "../../src/config/random.ts";
import { wilksLevels } from "../../src/result/levels.ts";

/** Events whose 2·Δllh at the truth is a χ² with two degrees of freedom times a scale. */
function events(n: number, scale: number, energy = 1e4): Entry[] {
  const random = uniformNumbers(n, scale);
  return Array.from({ length: n }, (_, k) => ({
    ...{ k, energy, zenith: 1, azimuth: 2, llh: 0, doms: 50, fits: 75 },
    ts: -2 * scale * Math.log(random()),
    error: random(),
  }));
}

const reportOf = (entries: readonly Entry[]) =>
  coverageOf({
    ...{ recoAlgo: "splinempe", light: null, detector: "built-in", version: "1" },
    ...{ levels: wilksLevels, sample: {}, entries },
  });

describe("a coverage report", () => {
  test.each([1, 2.5])("holds as many truths as the scale of 2Δllh says, scale %d", (scale) => {
    const report = reportOf(events(2000, scale));
    for (const { level, share, error } of report.shares) {
      expect(Math.abs(share - (1 - Math.exp(-level / 2 / scale)))).toBeLessThan(4 * error);
      // A binomial share's error, √(p(1 − p)/n).
      expect(error).toBeCloseTo(Math.sqrt((share * (1 - share)) / 2000), 3);
    }
    expect(Math.abs(report.scale - scale)).toBeLessThan(4 * report.scale_error);
    // Once calibrated it is what it states, whatever the scale.
    for (const { percent, share, error } of report.calibrated)
      expect(Math.abs(share - percent / 100)).toBeLessThan(4 * error);
  });

  test("calibrates as calibrations do, also where single large losses make a tail that no scaled χ² has", () => {
    const random = uniformNumbers(5, 7);
    const tailed = events(2000, 1).map((entry) =>
      random() < 0.1 ? { ...entry, ts: 20 * (entry as { ts: number }).ts } : entry,
    );
    for (const { percent, share, error } of reportOf(tailed).calibrated)
      expect(Math.abs(share - percent / 100)).toBeLessThan(4 * error);
  });

  test("has a P–P curve that is the diagonal for honest contours, and ends at all events", () => {
    const { pp } = reportOf(events(2000, 1));
    for (const { stated, held } of pp)
      expect(Math.abs(held - stated)).toBeLessThan(1.95 / Math.sqrt(2000));
    expect(pp.at(-1)!.held).toBe(1);
    const narrow = reportOf(events(2000, 3)).pp;
    const half = narrow.find(({ stated }) => stated > 0.5)!;
    expect(half.held).toBeLessThan(0.3);
  });

  test("tells ranges of energy apart, and names what failed", () => {
    const faint = events(20, 1, 2e3);
    const bright = events(30, 2, 2e5).map((entry) => ({ ...entry, k: entry.k + 20 }));
    const report = reportOf([...faint, ...bright, { k: 50, reason: "dark" }]);
    expect(report.by_energy.map(({ events: n, from }) => [n, Math.round(from)])).toEqual([
      [20, 1000],
      [30, 100_000],
    ]);
    expect(report.failed).toEqual([{ k: 50, reason: "dark" }]);
    expect(coverageLines(report)[0]).toContain("50, 1 failed");
    const table = coverageTable("Coverage", [["all", report]]).split("\n");
    const cells = (line: string) => line.split("|").length;
    expect(cells(table[4]!)).toBe(cells(table[2]!));
  });

  test("makes a picture of it, also of very few events", () => {
    for (const entries of [events(200, 1), events(2, 1)]) {
      const svg = plotCoverage(reportOf(entries), "Coverage of splinempe");
      expect(svg).toStartWith("<svg");
      expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    }
  });
});
