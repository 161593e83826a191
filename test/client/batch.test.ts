import { describe, expect, test } from "bun:test";
import { type BatchNeeds, takeBatch } from "../../src/client/batch.ts";
import type { FitTask } from "../../src/client/protocol.ts";

/** Tasks, seven to a pixel. */
const tasks = (count: number): FitTask[] =>
  Array.from({ length: count }, (_, id) => ({
    ...{ id, nside: 8, pixel: Math.floor(id / 7), posvar: id % 7, parent: null },
  }));
const needs = (more: Partial<BatchNeeds>): BatchNeeds => ({
  ...{ waiting: tasks(700), suspects: [], unfinished: 0, usualSeconds: 0.001, workers: 2, ...more },
});

describe("a batch for a fit process", () => {
  test.each([
    ["before the first result one task", { usualSeconds: Number.NaN }, 1],
    ["long fits one by one", { usualSeconds: 10 }, 1],
    ["short ones for 20 ms, to the end of their pixel", {}, 21],
    ["the shortest up to the longest batch", { usualSeconds: 1e-9 }, 70],
    ["no more than a share of the rest", { waiting: tasks(28), workers: 4 }, 7],
    ["nothing for who has enough", { unfinished: 11 }, 0],
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
