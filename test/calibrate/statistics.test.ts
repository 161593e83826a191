import { describe, expect, test } from "bun:test";
import {
  chiSquareLevel,
  measuredLevels,
  PERCENTS,
  quantile,
  scaledFit,
  shareBelow,
} from "../../src/calibrate/statistics.ts";
import { uniformNumbers } from "../../src/config/random.ts";

/** A sample of a χ² with two degrees of freedom times a scale. */
function sample(n: number, scale: number, ...seeds: number[]): number[] {
  const random = uniformNumbers(...seeds);
  return Array.from({ length: n }, () => -2 * scale * Math.log(random()));
}

test("a χ²'s levels are those that Wilks' theorem gives", () => {
  // scipy.stats.chi2.ppf([0.5, 0.68, 0.9, 0.99], 2)
  const levels = [1.386294361119891, 2.278868566376729, 4.605170185988092, 9.210340371976184];
  for (const [i, percent] of PERCENTS.entries())
    expect(chiSquareLevel(percent)).toBeCloseTo(levels[i]!, 12);
});

describe("levels measured on a χ² of a known scale", () => {
  test.each([1, 2.5])("lie within their errors as often as errors should, scale %d", (scale) => {
    const runs = 200;
    const inside = new Map<string, number>();
    for (let run = 0; run < runs; run++)
      for (const n of [60, 400])
        for (const { percent, low, high } of measuredLevels(sample(n, scale, run, n))) {
          const truth = scale * chiSquareLevel(percent);
          const key = `${n} ${percent}`;
          const held = (low ?? 0) <= truth && truth <= (high ?? Number.POSITIVE_INFINITY);
          inside.set(key, (inside.get(key) ?? 0) + (held ? 1 : 0));
        }
    // 68 % intervals in 200 runs: 4 errors are 13 %. Where the 99 % level has no upper end, the interval holds more.
    for (const [key, count] of inside) {
      expect(count / runs).toBeGreaterThan(0.68 - 0.13);
      if (key !== "400 99") expect(count / runs).toBeLessThan(0.68 + 0.13);
    }
  });

  test("come from order statistics where there are many, else from the scaled χ² as long as it fits", () => {
    const from = (values: number[]) => measuredLevels(values).map((level) => level.from);
    expect(from(sample(400, 1, 1))).toEqual(Array(4).fill("order statistics"));
    expect(from(sample(60, 1, 1))).toEqual(Array(4).fill("scaled chi2"));
    const two = [...sample(30, 0.01, 2), ...sample(30, 5, 3)];
    expect(scaledFit(two).fits).toBe(false);
    expect(from(two).slice(0, 3)).toEqual(Array(3).fill("order statistics"));
    // The 99 % level of 60 lies beyond the last of them.
    expect(measuredLevels(two)[3]).toMatchObject({ from: "scaled chi2", ordered: null });
  });

  test("have a scale whose error knows of a long tail", () => {
    // One in ten is fifteen times as wide: 2·Δllh of muons with individual losses looks like it.
    const [runs, n, truth] = [300, 30, 0.9 + 0.1 * 15];
    let inside = 0;
    for (let run = 0; run < runs; run++) {
      const random = uniformNumbers(run, 7);
      const values = sample(n, 1, run).map((value) => (random() < 0.1 ? 15 : 1) * value);
      const { scale, scaleError } = scaledFit(values);
      if (Math.abs(scale - truth) < scaleError) inside++;
    }
    // By the width of a χ² it is 30 %. Short of 68 %: a sample without one of the tail does not know.
    expect(inside / runs).toBeGreaterThan(0.5);
  });

  test("ascend, whatever they come from", () => {
    for (let run = 0; run < 50; run++) {
      const levels = measuredLevels([...sample(40, 0.02, run), ...sample(40, 3, run, 1)]);
      for (let i = 1; i < levels.length; i++)
        expect(levels[i]!.level).toBeGreaterThan(levels[i - 1]!.level);
    }
  });
});

test("one fitting sample in twenty is refused", () => {
  const runs = 2000;
  for (const n of [30, 200]) {
    let refused = 0;
    for (let run = 0; run < runs; run++) if (!scaledFit(sample(n, 1.7, run, n, 9)).fits) refused++;
    // 5 % of 2000: four errors are 2 %.
    expect(Math.abs(refused / runs - 0.05)).toBeLessThan(0.02);
  }
});

test("the scale is known to 1/√n", () => {
  const n = 100;
  const scales = Array.from({ length: 500 }, (_, run) => scaledFit(sample(n, 2, run, 5)));
  const mean = scales.reduce((sum, { scale }) => sum + scale / 500, 0);
  const width = Math.sqrt(scales.reduce((sum, { scale }) => sum + (scale - mean) ** 2 / 500, 0));
  expect(mean).toBeCloseTo(2, 1);
  expect(Math.abs(width / 0.2 - 1)).toBeLessThan(0.13);
  const stated = scales.reduce((sum, { scaleError }) => sum + scaleError / 500, 0);
  expect(Math.abs(stated / 0.2 - 1)).toBeLessThan(0.13);
  for (const { scale, scaleError } of scales) expect(scaleError).toBeGreaterThanOrEqual(scale / 10);
});

test("quantiles of few numbers", () => {
  const values = [5, 1, 4, 2, 3];
  expect(quantile(values, 0.5)).toMatchObject({ value: 3 });
  expect(quantile(values, 0.25).value).toBeCloseTo(1.5, 12);
  expect(quantile(values, 0.99)).toMatchObject({ value: null, high: null });
  expect(quantile([7], 0.5)).toMatchObject({ value: 7 });
});

test("a share has a binomial error, never none", () => {
  expect(shareBelow([1, 2, 3, 4], 2.5)).toMatchObject({ inside: 2, of: 4, share: 0.5 });
  expect(shareBelow([1, 2], 9).error).toBeGreaterThan(0.1);
  expect(
    shareBelow(
      Array(400)
        .fill(1)
        .map((_, i) => i),
      200,
    ).error,
  ).toBeCloseTo(0.025, 3);
});
