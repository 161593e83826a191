import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { InputError } from "../../src/config/errors.ts";
import { randomIntegers, shuffle, xoshiro128 } from "../../src/config/random.ts";
import type { Minimum } from "../../src/geometry/minima.ts";
import { readResult } from "../../src/result/files.ts";
import { carried, passedOn } from "../../src/scan/minima.ts";
import { Scan, type ScanSettings } from "../../src/scan/scan.ts";
import {
  freeRound,
  type ReleasedTask,
  singleFits,
  type Task,
  type TaskResult,
} from "../../src/scan/task.ts";
import {
  angleBetween,
  neighbours,
  parentOf,
  pixelCentre,
  pixelVector,
  vectorOf,
} from "../../src/sky/healpix.ts";
import { parseProgression } from "../../src/sky/progression.ts";
import { shared } from "../shared.ts";

const small: ScanSettings = {
  progression: parseProgression("2:0 4:4 16:6"),
  variations: 3,
  seed: 1,
};

const name = ({ nside, pixel, posvar }: Task) => `${nside}/${pixel}/${posvar}`;

/** A fit's outcome that depends on the task alone: a bowl around `source`, roughened, with some failures. */
function fitOf(task: Task, source = vectorOf({ ra: 1.2, dec: 0.4 }), failing = 0.05): TaskResult {
  const next = randomIntegers(task.nside, task.pixel, task.posvar);
  const uniform = () => next() / 2 ** 32;
  const failed = uniform() < failing;
  const angle = angleBetween(pixelVector(task.nside, task.pixel), source);
  const llh = failed ? Number.NaN : 1000 + 300 * angle + Math.floor(20 * uniform());
  const { nside, pixel, posvar } = task;
  const [x, y, z, time] = [uniform(), uniform(), uniform(), uniform()];
  return { nside, pixel, posvar, llh, x, y, z, time, energy: 1e3, E_in: Number.NaN, E_tot: 2e3 };
}

/** Runs a scan to its end, each time answering the waiting task that `pick` names (modulo their number). */
function run(
  settings: ScanSettings,
  pick: () => number,
  fit = fitOf,
): { scan: Scan; sent: ReleasedTask[]; results: TaskResult[] } {
  const scan = new Scan(settings);
  const waiting = scan.start().flatMap(singleFits);
  const sent = [...waiting];
  const results: TaskResult[] = [];
  while (waiting.length > 0) {
    const index = pick() % waiting.length;
    const task = waiting[index]!;
    waiting[index] = waiting.at(-1)!;
    waiting.pop();
    expect(scan.isComplete).toBe(false);
    const result = fit(task);
    results.push(result);
    const released = scan.add(result).flatMap(singleFits);
    sent.push(...released);
    waiting.push(...released);
  }
  return { scan, sent, results };
}

const picks = fc.infiniteStream(fc.nat()).map((stream) => () => stream.next().value as number);

test("the first stage begins where one looks first, and the map does not depend on it", () => {
  const towards = { ra: 4, dec: -0.7 };
  const settings: ScanSettings = { ...small, towards };
  const away = ({ nside, pixel }: Task) =>
    angleBetween(pixelVector(nside, pixel), vectorOf(towards));
  const first = new Scan(settings).start().map(away);
  expect(first).toEqual(first.toSorted((a, b) => a - b));
  expect(run(settings, () => 0).scan.pixels()).toEqual(run(small, () => 0).scan.pixels());
});

describe("the fit that leaves the direction free", () => {
  const minima: TaskResult["minima"] = [[1, 2, 3, 4]];
  const settings: ScanSettings = { ...small, freeStarts: 5 };
  /** Runs a scan; the free fit is answered once `isDue` says so, or nothing else is left to do. */
  const withFree = (isDue: (done: number) => boolean) => {
    const scan = new Scan(settings);
    const waiting = scan.start();
    const free: ReleasedTask[] = [];
    let firstStage = 0;
    for (let done = 0; waiting.length > 0 || (free.length > 0 && !scan.isComplete); done++) {
      const isFree = free.length > 0 && !scan.freeFit && (waiting.length === 0 || isDue(done));
      const task = isFree ? free[0]! : waiting.shift()!;
      expect(scan.isComplete).toBe(false);
      const fits = singleFits(task).map((one) => fitOf(one));
      const best = fits.reduce((a, b) => (b.llh < a.llh || Number.isNaN(a.llh) ? b : a));
      const direction = { ra: 1, dec: 0.5, ee: 1, en: 0, nn: 1 };
      const { nside, pixel, posvar, count = 1, round = 0 } = task;
      const released = scan.add({
        ...{ ...best, nside, pixel, posvar, count, round },
        ...(isFree ? { llh: -1e6, direction } : { minima }),
      });
      for (const next of released) {
        if (next.round === freeRound) free.push(next);
        else waiting.push(next);
      }
      if (free.length === 0) firstStage++;
    }
    return { scan, free, firstStage };
  };

  test("is released once, when the first stage is whole, from its best pixels", () => {
    const { scan, free, firstStage } = withFree(() => true);
    expect(free).toHaveLength(1);
    const [{ nside, sent }] = scan.progress().stages.map(({ nside, pixelsSent }) => ({
      ...{ nside, sent: pixelsSent },
    })) as [{ nside: number; sent: number }];
    expect(firstStage).toBe(sent - 1);
    const best = [...scan.pixels().get(nside)!]
      .filter(({ llh }) => !Number.isNaN(llh))
      .sort((a, b) => a.llh - b.llh || a.pixel - b.pixel)
      .slice(0, 5);
    expect(free[0]!.free).toEqual(best.map(({ pixel }) => ({ nside, pixel, at: minima[0]! })));
  });

  test("holds nothing up and changes no pixel, whenever it comes; the scan waits for it at its end", () => {
    const { scan: without } = run({ ...small }, () => 0);
    for (const isDue of [() => true, () => false, (done: number) => done > 300]) {
      const { scan } = withFree(isDue);
      expect(scan.isComplete).toBe(true);
      expect(scan.freeFit?.llh).toBe(-1e6);
      expect(scan.pixels()).toEqual(without.pixels());
      expect(scan.best).toEqual(without.best!);
      expect(scan.progress().recosDone).toBe(without.progress().recosDone);
    }
  });

  test("counts once, and not before it was sent", () => {
    const scan = new Scan(settings);
    scan.start();
    const { nside } = settings.progression[0]!;
    const early = { ...fitOf({ nside, pixel: 0, posvar: 0 }), round: freeRound };
    expect(scan.stateOf(early)).toBe("unknown");
    expect(scan.add(early)).toEqual([]);
    expect(scan.freeFit).toBeUndefined();
    expect(scan.progress().foreign).toBe(1);
    const { scan: whole, free } = withFree(() => true);
    expect(whole.stateOf(free[0]!)).toBe("done");
  });
});

describe("a scan", () => {
  test("any order of arrival gives the same map and the same tasks, each once, and ends", () => {
    const { scan: plain, sent } = run(small, () => 0);
    expect(plain.isComplete).toBe(true);
    expect(plain.pixels().size).toBe(3);
    const tasks = sent.map(name);
    expect(new Set(tasks).size).toBe(tasks.length);
    fc.assert(
      fc.property(picks, (pick) => {
        const other = run(small, pick);
        expect(other.scan.isComplete).toBe(true);
        expect(other.scan.pixels()).toEqual(plain.pixels());
        expect(other.scan.best).toEqual(plain.best!);
        // Also the seeds: the same parent with every task, in the same order.
        expect(other.sent).toEqual(sent);
      }),
      { numRuns: 40 },
    );
  });

  test("predictive: every task once, none before its stage is wanted, and it ends", () => {
    fc.assert(
      fc.property(picks, fc.double({ min: 0.1, max: 1, noNaN: true }), (pick, threshold) => {
        const { scan, sent } = run({ ...small, threshold }, pick);
        expect(scan.isComplete).toBe(true);
        const names = sent.map(name);
        expect(new Set(names).size).toBe(names.length);
        const { recosDone, recosSent, recosEstimated } = scan.progress();
        expect(recosDone).toBe(names.length);
        expect(recosSent).toBe(names.length);
        expect(recosEstimated).toBe(names.length);
      }),
      { numRuns: 60 },
    );
  });

  test("fed with its own results again, in their order, is in the same state at every point", () => {
    fc.assert(
      fc.property(picks, fc.constantFrom(0.3, 0.75, 1), (pick, threshold) => {
        const settings = { ...small, threshold };
        const { sent, results, scan } = run(settings, pick);
        const again = new Scan(settings);
        const sentAgain = again.start().flatMap(singleFits);
        for (const result of results) sentAgain.push(...again.add(result).flatMap(singleFits));
        expect(sentAgain).toEqual(sent);
        expect(again.pixels()).toEqual(scan.pixels());
        expect(again.progress()).toEqual(scan.progress());
      }),
      { numRuns: 20 },
    );
  });

  test("the seed orders the tasks and nothing else", () => {
    const [one, two] = [run(small, () => 0), run({ ...small, seed: 2 }, () => 0)];
    expect(one.sent.map(name)).not.toEqual(two.sent.map(name));
    expect(one.sent.map(name).sort()).toEqual(two.sent.map(name).sort());
    expect(one.scan.pixels()).toEqual(two.scan.pixels());
  });

  test("tasks carry the fit of the pixel around them, and none where that failed", () => {
    const { sent, scan } = run(
      { ...small, variations: 1 },
      () => 0,
      (task) => fitOf(task, undefined, 0.4),
    );
    const pixels = scan.pixels();
    const around = (task: Task, nside: number) => {
      const pixel = parentOf(task.nside, task.pixel, nside);
      return pixels.get(nside)!.find((fit) => fit.pixel === pixel);
    };
    const finer = sent.filter(({ nside }) => nside > 2);
    for (const { parent, ...task } of finer)
      if (parent) {
        expect(parent).toEqual(around(task, parent.nside)!);
        expect(parent.llh).not.toBeNaN();
      } else expect([2, 4].some((nside) => Number.isNaN(around(task, nside)?.llh))).toBe(true);
    expect(finer.filter(({ parent }) => !parent).length).toBeGreaterThan(0);
    // Nearly all of the last stage start from the stage before.
    expect(
      finer.filter(({ nside, parent }) => nside === 16 && parent?.nside === 4),
    ).not.toBeEmpty();
  });

  test("the lowest llh of the variations wins; NaN only if all are; ties go to the first", () => {
    const only: ScanSettings = { progression: parseProgression("1:0"), variations: 3, seed: 0 };
    const { NaN: nan } = Number;
    const llhs: Record<number, [number, number, number]> = {
      0: [3, 1, 2],
      1: [nan, 5, 4],
      2: [nan, nan, nan],
      3: [7, 7, 7],
      4: [nan, nan, 6],
      5: [8, 9, 8],
    };
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 2, 0],
    ]) {
      const scan = new Scan(only);
      scan.start();
      for (const posvar of order)
        for (let pixel = 0; pixel < 12; pixel++)
          scan.add({
            ...fitOf({ nside: 1, pixel, posvar }),
            llh: llhs[pixel]?.[posvar] ?? 100,
            x: posvar,
          });
      expect(scan.isComplete).toBe(true);
      const kept = scan.pixels().get(1)!.slice(0, 6);
      expect(kept.map(({ llh }) => llh)).toEqual([1, 4, nan, 7, 6, 8]);
      expect(kept.map(({ x }) => x)).toEqual([1, 2, 0, 0, 2, 0]);
    }
  });

  test("duplicates and foreign results are counted and change nothing", () => {
    const scan = new Scan(small);
    const [task] = scan.start().flatMap(singleFits);
    const result = fitOf(task!);
    expect(scan.stateOf(task!)).toBe("waiting");
    scan.add(result);
    expect(scan.stateOf(task!)).toBe("done");
    const before = scan.progress();
    expect(scan.add({ ...result, llh: -1 })).toEqual([]);
    for (const wrong of [
      { nside: 4 },
      { nside: 3 },
      { pixel: 48 },
      { pixel: -1 },
      { posvar: 3 },
      { posvar: -1 },
      { posvar: 0.5 },
    ]) {
      expect(scan.stateOf({ ...result, ...wrong })).toBe("unknown");
      expect(scan.add({ ...result, ...wrong })).toEqual([]);
    }
    expect(scan.progress()).toEqual({ ...before, duplicates: 1, foreign: 7 });
  });

  test("counts, estimates, and the unfinished pixels", () => {
    const scan = new Scan(small);
    const tasks = scan.start().flatMap(singleFits);
    const at = { nside: 2, pixel: 7 };
    scan.add(fitOf({ ...at, posvar: 1 }));
    expect(tasks).toHaveLength(48 * 3);
    expect(scan.pixels()).toEqual(new Map());
    expect(scan.pixels({ unfinished: true }).get(2)).toMatchObject([at]);
    expect(scan.progress()).toMatchObject({
      recosDone: 1,
      recosSent: 144,
      pixelsDone: 0,
      pixelsSent: 48,
      // 48, 4 · 2², 6 · 4².
      pixelsEstimated: 48 + 16 + 96,
      stages: [{ pixelsEstimated: 48 }, { recosEstimated: 48 }, { recosEstimated: 288 }],
    });
    scan.add(fitOf({ ...at, posvar: 0 }));
    scan.add(fitOf({ ...at, posvar: 2 }));
    expect(scan.pixels().get(2)).toHaveLength(1);
    expect(scan.progress().pixelsDone).toBe(1);
  });

  test("a stage is released at the threshold, not before; the last only at the end", () => {
    const settings: ScanSettings = {
      progression: parseProgression("2:0 4:4"),
      variations: 1,
      seed: 3,
      threshold: 0.5,
    };
    const scan = new Scan(settings);
    const flat = (task: Task): TaskResult => ({ ...fitOf(task), llh: task.pixel === 20 ? 1 : 5 });
    const tasks = Array.from({ length: 48 }, (_, pixel) => ({ nside: 2, pixel, posvar: 0 }));
    scan.start();
    const released = tasks.map((task) => scan.add(flat(task)).length);
    expect(released.slice(0, 23)).toEqual(Array(23).fill(0));
    expect(released[23]).toBeGreaterThan(0);
    // The minimum stays where it is: nothing new at the later thresholds.
    expect(released.slice(24)).toEqual(Array(24).fill(0));
    expect(scan.isComplete).toBe(false);
  });

  test("nothing but failures: over after the first stage", () => {
    const { scan, sent } = run(
      small,
      () => 0,
      (task) => fitOf(task, undefined, 2),
    );
    expect(sent).toHaveLength(144);
    expect(scan.isComplete).toBe(true);
    expect(scan.best).toBeUndefined();
    expect(scan.progress()).toMatchObject({ recosFailed: 144, recosEstimated: 144 });
  });

  test("pointed: only around the direction, then refined as always", () => {
    const centre = { ra: 1.2, dec: 0.4 };
    const { scan, sent } = run({ ...small, pointing: { centre, radius: 0.6 } }, () => 0);
    const first = sent.filter(({ nside }) => nside === 2);
    expect(first.length).toBeLessThan(36);
    for (const { nside, pixel } of first)
      expect(angleBetween(pixelVector(nside, pixel), vectorOf(centre))).toBeLessThan(1.2);
    expect([...scan.pixels().keys()]).toEqual([2, 4, 16]);
  });

  test.each([
    [{ threshold: 0.099 }, "from 0.1 to 1"],
    [{ threshold: 1.01 }, "from 0.1 to 1"],
    [{ threshold: Number.NaN }, "from 0.1 to 1"],
    [{ variations: 0 }, "variations"],
    [{ seed: 0.5 }, "seed"],
    [{ pointing: { centre: { ra: 0, dec: 0 }, radius: 0 } }, "radius"],
    [{ progression: [] }, "nsides"],
  ])("%p is refused", (wrong, why) => {
    expect(() => new Scan({ ...small, ...wrong })).toThrow(InputError);
    expect(() => new Scan({ ...small, ...wrong })).toThrow(why);
  });
});

describe("minima passed on", () => {
  const flood = {
    most: 4,
    margin: 15,
    separation: 8,
    known: 15,
    rounds: 3,
    sown: 4,
    sownWithin: 0,
    searched: 0,
  };
  const flooding: ScanSettings = { ...small, flood };
  /** A task's best fit: its llh is of where it starts, as of everything else; a minimum or two to go with it. */
  function found(task: ReleasedTask): TaskResult {
    const { count = 1, round = 0, starts = [] } = task;
    const fit = fitOf({ ...task, posvar: task.posvar + round });
    const gain = starts.reduce((sum, [x, y]) => sum + Math.abs(x * y), 0) % 3;
    const llh = fit.llh - gain;
    const place = 40 * (fit.x + gain);
    const minima: Minimum[] = [
      [place, 30, 40 * fit.z, llh],
      [5, place, -200, llh + 10 * fit.y],
    ];
    const { nside, pixel, posvar } = task;
    return { ...fit, nside, pixel, posvar, count, round, llh, minima };
  }
  /** Whole pixels at a time. */
  function runWhole(pick: () => number, settings = flooding) {
    const scan = new Scan(settings);
    const waiting = scan.start();
    const sent = [...waiting];
    while (waiting.length > 0) {
      const [task] = waiting.splice(pick() % waiting.length, 1);
      const released = scan.add(found(task!));
      sent.push(...released);
      waiting.push(...released);
    }
    return { scan, sent };
  }

  test("any order of arrival gives the same map, the same starts and the same rounds", () => {
    const { scan: plain, sent } = runWhole(() => 0);
    expect(plain.isComplete).toBe(true);
    expect(sent.filter(({ round = 0 }) => round > 1).length).toBeGreaterThan(0);
    fc.assert(
      fc.property(picks, (pick) => {
        const other = runWhole(pick);
        expect(other.scan.pixels()).toEqual(plain.pixels());
        expect(other.sent).toEqual(sent);
      }),
      { numRuns: 20 },
    );
  });

  test.each([1, 2, 3])(
    "of each four pixels of the first map %i are searched first, the others start beside them but for those near the best",
    (sown) => {
      const sownWithin = 0.8;
      const settings = { ...flooding, flood: { ...flood, sown, sownWithin } };
      const scan = new Scan(settings);
      const first = scan.start();
      const four = ({ nside, pixel }: Task) => parentOf(nside, pixel, nside / 2);
      const inFours = Map.groupBy(first, four);
      expect(inFours.size).toBe(12);
      for (const [, some] of inFours) expect(some).toHaveLength(sown);
      expect(first.every(({ starts }) => starts === undefined)).toBe(true);
      // Nobody waits for them, and none of them is begun, before all of the first are in.
      const [last, ...others] = first.map(found);
      for (const result of others) expect(scan.add(result)).toEqual([]);
      const held = scan.add(last!);
      expect(held).toHaveLength((4 - sown) * 12);
      const fitted = [last!, ...others].filter(({ llh }) => !Number.isNaN(llh));
      const best = fitted.reduce((a, b) => (b.llh < a.llh ? b : a));
      const away = (pixel: number) =>
        angleBetween(pixelVector(2, pixel), pixelVector(2, best.pixel));
      for (const { nside, pixel, starts, round } of held) {
        expect(round).toBeUndefined();
        const around = neighbours(nside, pixel);
        const isKnown = fitted.some((fit) => around.includes(fit.pixel));
        expect(starts !== undefined).toBe(isKnown && away(pixel) > sownWithin);
        for (const [, , , llh] of starts ?? []) expect(llh).toBeNull();
      }
      expect(held.some(({ pixel }) => away(pixel) < sownWithin)).toBe(true);
      expect(held.some(({ starts }) => starts !== undefined)).toBe(true);

      const { scan: plain, sent } = runWhole(() => 0, settings);
      expect(plain.isComplete).toBe(true);
      expect(plain.pixels().get(2)).toHaveLength(48);
      fc.assert(
        fc.property(picks, (pick) => {
          const other = runWhole(pick, settings);
          expect(other.scan.pixels()).toEqual(plain.pixels());
          expect(other.sent).toEqual(sent);
        }),
        { numRuns: 10 },
      );
    },
  );

  test("a pointed scan's few pixels are all searched where none of them would be first", () => {
    for (const sown of [1, 2]) {
      for (const pixel of Array.from({ length: 48 }, (_, n) => n)) {
        const pointing = { centre: pixelCentre(2, pixel), radius: 1e-3 };
        const progression = parseProgression("2:0");
        const settings = { ...flooding, progression, pointing, flood: { ...flood, sown } };
        const { scan, sent } = runWhole(() => 0, settings);
        expect(scan.isComplete).toBe(true);
        expect(sent.map(({ pixel, starts }) => [pixel, starts])).toEqual([[pixel, undefined]]);
      }
    }
  });

  test("one pixel in so many of a finer map is searched whole, evenly over the map", () => {
    const { sent } = runWhole(() => 0, { ...flooding, flood: { ...flood, searched: 4 } });
    const whole = sent.filter(({ round = 0, starts }) => round === 0 && !starts);
    const coarse = whole.filter(({ nside }) => nside === 2);
    expect(coarse.length).toBe(
      sent.filter(({ nside, round = 0 }) => nside === 2 && round === 0).length,
    );
    // Of the four children of a pixel, one.
    const fine = whole.filter(({ nside }) => nside === 4);
    const parents = new Set(fine.map(({ pixel }) => parentOf(4, pixel, 2)));
    expect(parents.size).toBe(fine.length);
    expect(4 * fine.length).toBe(
      sent.filter(({ nside, round = 0 }) => nside === 4 && round === 0).length,
    );
  });

  test("a pixel starts from four of the coarser ones around it, and looks again at what it does not know", () => {
    const { sent, scan } = runWhole(() => 0);
    const first = sent.filter(({ nside, round = 0 }) => nside === 4 && round === 0);
    for (const { starts } of first) {
      expect(starts!.length).toBeGreaterThan(1);
      expect(starts!.length).toBeLessThanOrEqual(4 * flood.most);
      for (const [, , , llh] of starts!) expect(llh).toBeNull();
    }
    for (const { starts, round = 0 } of sent)
      if (round > 0) {
        const [known, guesses] = [
          starts!.filter(([, , , llh]) => llh !== null),
          starts!.filter(([, , , llh]) => llh === null),
        ];
        expect(known.length).toBeGreaterThan(0);
        expect(guesses.length).toBeGreaterThan(0);
        for (const [x, y, z] of guesses)
          for (const other of known)
            expect(Math.hypot(x - other[0], y - other[1], z - other[2])).toBeGreaterThan(
              flood.known - 0.1,
            );
      }
    const { recosDone, recosSent, recosEstimated } = scan.progress();
    expect([recosSent, recosEstimated]).toEqual([recosDone, recosDone]);
    expect(recosDone).toBe(3 * [...scan.pixels().values()].flat().length);
  });

  test("a further look that fails or finds nothing lower changes nothing", () => {
    const scan = new Scan({ ...flooding, progression: parseProgression("1:0") });
    let again: ReleasedTask[] = [];
    for (const task of scan.start()) again = scan.add(found(task));
    expect(again.length).toBeGreaterThan(0);
    const before = scan.pixels();
    for (const [n, task] of again.entries()) {
      const { minima: _, ...result } = found(task);
      expect(scan.stateOf(task)).toBe("waiting");
      expect(scan.add({ ...result, llh: n % 2 ? Number.NaN : 1e9 })).toEqual([]);
      expect(scan.stateOf(task)).toBe("done");
    }
    expect(scan.isComplete).toBe(true);
    expect(scan.pixels()).toEqual(before);
  });

  test("a pixel's fits may come one by one, or some at a time, in any order", () => {
    const scan = new Scan({ ...small, progression: parseProgression("1:0") });
    const parts = scan.start().flatMap(({ nside, pixel }) => [
      { nside, pixel, posvar: 1, count: 2 },
      { nside, pixel, posvar: 0 },
    ]);
    for (const part of parts) scan.add({ ...fitOf(part), ...part });
    for (const wrong of [
      { posvar: 0, count: 4 },
      { posvar: 0, count: 0 },
      { posvar: 2, count: 2 },
    ])
      expect(scan.stateOf({ nside: 1, pixel: 0, ...wrong })).toBe("unknown");
    expect(scan.isComplete).toBe(true);
    expect(scan.progress()).toMatchObject({ recosDone: 36, recosSent: 36, duplicates: 0 });
  });

  const angle = fc.double({ min: 0, max: 2 * Math.PI, noNaN: true });
  const direction = fc.tuple(angle, angle).map(([ra, dec]) => vectorOf({ ra, dec: dec / 4 - 0.7 }));
  const place = fc.tuple(...Array(3).fill(fc.double({ min: -500, max: 500, noNaN: true })));

  test("a track taken to another direction keeps its distance along and across, and comes back", () => {
    const along = (p: readonly number[], n: readonly number[]) =>
      p[0]! * n[0]! + p[1]! * n[1]! + p[2]! * n[2]!;
    fc.assert(
      fc.property(direction, direction, place, (from, to, at) => {
        const here = at as [number, number, number];
        fc.pre(along(from, to) > -0.9);
        const there = carried(here, from, to);
        expect(along(there, to)).toBeCloseTo(along(here, from), 6);
        expect(Math.hypot(...there)).toBeCloseTo(Math.hypot(...here), 6);
        const back = carried(there, to, from);
        for (const axis of [0, 1, 2] as const) expect(back[axis]).toBeCloseTo(here[axis], 6);
      }),
    );
  });

  test("minima are passed on each once, lowest first, eight at most; those that are no numbers are not", () => {
    const list: Minimum[] = Array.from({ length: 30 }, (_, n) => [3 * n, 0, 0, 100 - n]);
    const kept = passedOn([...list, [0, 0, 0, Number.NaN]]);
    expect(kept).toHaveLength(8);
    expect(kept.map(([, , , llh]) => llh)).toEqual([71, 73, 75, 77, 79, 81, 83, 85]);
  });
});

describe("a scan of a recorded map", () => {
  test("asks, stage by stage, for the pixels the reference chose", async () => {
    const event = "run00136662-evt000035405932-BRONZE-8_64_512";
    const { stages } = JSON.parse(readFileSync(shared("oracle", "pixels.json"), "utf8")).events[
      event
    ];
    const recorded = await readResult(shared("events", `${event}.npz`));
    const llhs = new Map(
      [...recorded.nsides].map(([nside, pixels]) => [
        nside,
        new Map(pixels.map(({ pixel, llh }) => [pixel, llh])),
      ]),
    );
    const scan = new Scan({
      progression: parseProgression("8:0 64:12 512:24"),
      variations: 1,
      seed: 7,
    });
    const pixelsOf = (tasks: ReleasedTask[], nside: number) =>
      tasks
        .filter((task) => task.nside === nside)
        .map(({ pixel }) => pixel)
        .sort((a, b) => a - b);
    const answer = (tasks: ReleasedTask[]) =>
      tasks.flatMap((task) =>
        scan.add({ ...fitOf(task), llh: llhs.get(task.nside)!.get(task.pixel) ?? Number.NaN }),
      );
    const first = scan.start();
    expect(pixelsOf(first, 8)).toEqual(stages[0].chosen["8"]);
    const second = answer(first);
    expect(pixelsOf(second, 64)).toEqual(stages[1].chosen["64"]);
    const third = answer(second);
    // The file's own scan had 64 pixels of nside 64 more; its minimum is among ours.
    expect(pixelsOf(third, 512)).toEqual(stages[2].chosen["512"]);
  });
});

describe("random order", () => {
  test("xoshiro128** from the state 1, 2, 3, 4 starts as its authors' code does", () => {
    const next = xoshiro128(Uint32Array.of(1, 2, 3, 4));
    expect([next(), next(), next(), next()]).toEqual([11520, 0, 5927040, 70819200]);
  });

  test("every seed, and their order, gives numbers of its own", () => {
    const same = (...seeds: number[]) => Array.from({ length: 5 }, randomIntegers(...seeds));
    expect(same(1, 2)).toEqual(same(1, 2));
    expect(same(1, 2)).not.toEqual(same(2, 1));
    expect(same(1)).not.toEqual(same(1 + 2 ** 32));
    expect(same(0)).not.toEqual(same(1));
    expect(same(-1)).not.toEqual(same(1));
  });

  test("every order of four is as likely", () => {
    const next = randomIntegers(42);
    const counts = new Map<string, number>();
    const draws = 24_000;
    for (let i = 0; i < draws; i++) {
      const order = shuffle([0, 1, 2, 3], next).join("");
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    const chi2 = [...counts.values()].reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
    // 23 degrees of freedom: the 99.9 % point.
    expect(chi2).toBeLessThan(49.7);
  });
});
