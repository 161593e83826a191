import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createStatistics } from "../../src/scan/progress.ts";
import type { ScanProgress } from "../../src/scan/scan.ts";

const progress = (recosDone: number, recosEstimated: number): ScanProgress => ({
  recosDone,
  recosSent: recosEstimated,
  recosEstimated,
  pixelsDone: recosDone,
  pixelsSent: recosEstimated,
  pixelsEstimated: recosEstimated,
  recosFailed: 0,
  stages: [],
  duplicates: 0,
  foreign: 0,
});
const start = 1.7e9;

describe("statistics of a scan", () => {
  test("times of fits: per nside and all", () => {
    const statistics = createStatistics(start);
    for (const [i, seconds] of [3, 1, 2, 10].entries())
      statistics.add(i < 3 ? 8 : 64, seconds, 2 * seconds, 100, start + i);
    expect(statistics.worker(8)).toEqual({ mean: 2, median: 2, fastest: 1, slowest: 3 });
    expect(statistics.worker(64)).toEqual({ mean: 10, median: 10, fastest: 10, slowest: 10 });
    expect(statistics.worker()).toEqual({ mean: 4, median: 2.5, fastest: 1, slowest: 10 });
    expect(statistics.roundTrip()).toEqual({ mean: 8, median: 5, fastest: 2, slowest: 20 });
    expect(statistics.worker(512)).toEqual({
      mean: null,
      median: null,
      fastest: null,
      slowest: null,
    });
    expect(statistics.evaluations).toBe(400);
    expect(statistics.workerSeconds).toBe(16);
  });

  test("thousands of fits: the arrays grow", () => {
    const statistics = createStatistics(start);
    for (let i = 0; i < 5001; i++) statistics.add(8, (i * 7919) % 5001, i, 1, start + i / 10);
    expect(statistics.worker()).toEqual({ mean: 2500, median: 2500, fastest: 0, slowest: 5000 });
  });

  test("no fit, no rate", () => {
    expect(createStatistics(start).rates(progress(0, 100), start + 5)).toEqual({
      recosPerSecond: null,
      recosPerSecondLately: null,
      timeLeft: null,
    });
  });

  test("a clock that is set back and forth, over pauses too, makes no rate negative or endless", () => {
    const hours = fc.double({ min: -1e4, max: 1e4, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(hours, fc.boolean()), { minLength: 1 }), (steps) => {
        const statistics = createStatistics(start);
        let done = 0;
        let at = start;
        for (const [step, isPause] of steps) {
          at += step;
          if (isPause) statistics.resume(at);
          else {
            statistics.add(8, 1, 1, 1, at);
            done++;
          }
          const { recosPerSecond, recosPerSecondLately, timeLeft } = statistics.rates(
            progress(done, steps.length),
            at,
          );
          if (done === 0) continue;
          for (const rate of [recosPerSecond, recosPerSecondLately])
            expect(Number.isFinite(rate!) && rate! > 0).toBe(true);
          expect(timeLeft!).toBeWithin(0, Number.MAX_VALUE);
        }
      }),
    );
  });

  test("time left follows the last quarter of the fits, or the last 400", () => {
    // 1000 fits at 1 per second, then 1000 at 10 per second: the last quarter, 500, are all quick.
    const statistics = createStatistics(start);
    let now = start;
    for (let i = 0; i < 2000; i++) {
      now += i < 1000 ? 1 : 0.1;
      statistics.add(8, 1, 1, 1, now);
    }
    const { recosPerSecond, recosPerSecondLately, timeLeft } = statistics.rates(
      progress(2000, 3000),
      now,
    );
    expect(recosPerSecond).toBeCloseTo(2000 / 1100, 6);
    expect(recosPerSecondLately).toBeCloseTo(10, 4);
    expect(timeLeft).toBeCloseTo(100, 3);
    // A stall shows.
    expect(statistics.rates(progress(2000, 3000), now + 50).recosPerSecondLately).toBeCloseTo(5, 4);
  });

  test("fewer than 400: all of them", () => {
    const statistics = createStatistics(start);
    for (let i = 1; i <= 100; i++) statistics.add(8, 1, 1, 1, start + 2 * i);
    const rates = statistics.rates(progress(100, 200), start + 200);
    expect(rates.recosPerSecondLately).toBeCloseTo(0.5, 9);
    expect(rates.timeLeft).toBeCloseTo(200, 6);
  });

  test("the time between a stop and the next start counts for nothing", () => {
    const statistics = createStatistics(start);
    for (let i = 1; i <= 100; i++) statistics.add(8, 1, 1, 1, start + i);
    statistics.resume(start + 100_100);
    for (let i = 1; i <= 100; i++) statistics.add(8, 1, 1, 1, start + 100_100 + i);
    expect(statistics.rates(progress(200, 400), start + 100_200).recosPerSecond).toBeCloseTo(1, 6);
  });

  test("when shares were reached; all of it only once it is over", () => {
    const statistics = createStatistics(start);
    for (let done = 1; done <= 1000; done++)
      statistics.mark(progress(done, 1000), false, start + done);
    expect(statistics.timeline["10%"]).toBe(start + 100);
    expect(statistics.timeline["99.9%"]).toBe(start + 999);
    expect(statistics.timeline["99.999%"]).toBe(start + 1000);
    expect(statistics.timeline["100%"]).toBeUndefined();
    statistics.mark(progress(1000, 1000), true, start + 2000);
    expect(statistics.timeline["100%"]).toBe(start + 2000);
    // What was reached stays reached when the estimate grows.
    expect(Object.keys(statistics.timeline)).toHaveLength(15);
  });
});
