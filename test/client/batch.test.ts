import { describe, expect, test } from "bun:test";
import { type BatchNeeds, takeBatch } from "../../src/client/batch.ts";
import type { FitTask } from "../../src/client/protocol.ts";

const tasks = (count: number): FitTask[] =>
  Array.from({ length: count }, (_, id) => ({
    ...{ id, nside: 8, pixel: id, posvar: 0, count: 7, round: 0 },
    ...{ parent: null, starts: null, free: null },
  }));
const needs = (more: Partial<BatchNeeds>): BatchNeeds => ({
  ...{ waiting: tasks(700), suspects: [], unfinished: 0, usualSeconds: 0.002, workers: 2, ...more },
});

describe("a batch for a fit process", () => {
  test.each([
    ["before the first result one task", { usualSeconds: Number.NaN }, 1],
    ["long fits one by one", { usualSeconds: 10 }, 1],
    ["short ones for a fifth of a second", {}, 100],
    ["the shortest up to the longest batch", { usualSeconds: 1e-9 }, 128],
    ["no more than a share of the rest", { waiting: tasks(28), workers: 4 }, 4],
    ["nothing for who has enough", { unfinished: 51 }, 0],
    ["suspects one at a time", { suspects: tasks(5) }, 1],
    ["and only when nothing else is at risk", { suspects: tasks(5), unfinished: 1 }, 0],
    ["nothing where nothing is", { waiting: [] }, 0],
  ] as const)("%s", (_name, more, count) => {
    const given = needs(more as Partial<BatchNeeds>);
    const before = given.waiting.length + given.suspects.length;
    expect(takeBatch(given)).toHaveLength(count);
    expect(given.waiting.length + given.suspects.length).toBe(before - count);
  });
});
