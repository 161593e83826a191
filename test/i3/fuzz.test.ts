import { expect, test } from "bun:test";
import { fuzz } from "./mutants.ts";

test("a thousand damaged inputs are refused with one line, or read as they were", async () => {
  const report = await fuzz(1000, 1);
  expect(report.failures).toEqual([]);
  expect(report.mutants).toBe(1000);
  expect(report.refused).toBeGreaterThan(500);
}, 120_000);
