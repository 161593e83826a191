import { expect, test } from "bun:test";
import { fuzz } from "../i3/mutants.ts";

const GIGABYTE = 2 ** 30;

test("120 000 damaged inputs: none crashes, hangs, fills the memory or is read wrong", async () => {
  const before = process.memoryUsage.rss();
  const report = await fuzz(120_000, 1_000_000);
  console.log(
    `${report.mutants} mutants: ${report.refused} refused, ${report.accepted} read; slowest ${report.slowest.toFixed(0)} ms, memory ${(report.memory / 1e6).toFixed(0)} MB, ${report.failures.length} failures`,
  );
  expect(report.failures).toEqual([]);
  expect(report.mutants).toBe(120_000);
  // Damage that changes nothing or hits a value is read; most of it breaks a length or a checksum.
  expect(report.refused).toBeGreaterThan(60_000);
  expect(report.memory - before).toBeLessThan(GIGABYTE);
}, 3_600_000);
