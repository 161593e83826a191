import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { consola } from "consola";
import { thirdPartyLog } from "../../src/config/log.ts";
import type { Progression } from "../../src/sky/progression.ts";
import { checkWorlds, interruptedSeeds, planOf } from "./simulation.ts";
import { type Conditions, live, undisturbed } from "./world.ts";

const levels = [consola.level, thirdPartyLog.level] as const;
beforeAll(() => {
  consola.level = -999;
  thirdPartyLog.level = -999;
});
afterAll(() => {
  [consola.level, thirdPartyLog.level] = levels;
});

const small: Progression = [
  { nside: 1, extension: 0 },
  { nside: 2, extension: 6 },
];

describe("the whole system by seed", () => {
  const only = process.env.SEED;
  const seeds = only ? [Number(only)] : Array.from({ length: 1000 }, (_, n) => n + 1);

  test("a thousand worlds full of trouble end with the map of a world without", async () => {
    if (process.env.LOG) consola.level = 5;
    expect(await checkWorlds(seeds, small)).toBeGreaterThan(only ? 0 : 100_000);
  });

  test("and so do those that go on beyond their progression, whose stops and restarts fall there too", async () => {
    const plan = await planOf(small, true, true);
    expect(undisturbed(plan).size).toBeGreaterThan(4);
    await checkWorlds(only ? seeds : interruptedSeeds(seeds, 6), small, true);
  });

  test("a world is the same again", async () => {
    const plan = await planOf(small, true);
    const [a, b] = [await live(plan, 14), await live(plan, 14)];
    expect([a.seconds, a.events]).toEqual([b.seconds, b.events]);
  });
});

describe("one trouble at a time", () => {
  const cases: [string, Progression, Partial<Conditions>, number][] = [
    ["no trouble", [{ nside: 8, extension: 0 }], { fit: 0.05, honest: 4, workers: 1 }, 24],
    [
      "broken machines beside sound ones",
      [{ nside: 8, extension: 0 }],
      { fit: 0.2, honest: 4, workers: 2, broken: 6 },
      70,
    ],
    [
      "quick fits on many cores, a new stage: more than a message holds",
      [
        { nside: 8, extension: 0 },
        { nside: 16, extension: 600 },
      ],
      { fit: 0.004, honest: 1, workers: 16 },
      9,
    ],
    [
      "a server whose machine sleeps for an hour and a half",
      [{ nside: 4, extension: 0 }],
      { fit: 0.2, honest: 2, workers: 2, sleepAt: 3 },
      5430,
    ],
    [
      "a client that takes all and does nothing",
      [{ nside: 8, extension: 0 }],
      { fit: 0.05, honest: 4, workers: 1, hoarders: 1 },
      30,
    ],
  ];
  for (const [name, progression, conditions, seconds] of cases)
    test(`${name}: the scan takes no longer than it must`, async () => {
      const plan = await planOf(progression);
      for (const seed of [1, 2, 3]) {
        const course = await live(plan, seed, conditions);
        expect(course.outcome?.manifest.failed.given_up).toBe(0);
        expect(course.serverStarts).toBe(1);
        expect(course.seconds).toBeLessThan(seconds);
      }
    });
});
