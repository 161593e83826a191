import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  compare,
  drawSample,
  judge,
  recordsFolder,
  recordsOf,
  recordsPath,
  recordsText,
  verdict,
} from "../../scripts/bench/minima.ts";
import { resultFromScan } from "../../src/result/result.ts";
import { npix } from "../../src/sky/healpix.ts";
import { testFolder } from "../folder.ts";
import { event, pixel } from "../result/examples.ts";

const mapOf = (llhOf: (index: number) => number) =>
  resultFromScan(
    new Map([
      [8, Array.from({ length: npix(8) }, (_, n) => pixel(8, n, { llh: llhOf(n) }))],
      [64, Array.from({ length: 90 }, (_, n) => pixel(64, n, { llh: llhOf(n) }))],
    ]),
    event,
    true,
    { reco_algo: "splinempe", light: "embedded light model embedded-2026b (ice SPICE-Mie)" },
  );

test("a sample is 200 pixels of the first stage and 60 of each finer one, the same every time", () => {
  const records = drawSample(mapOf((n) => 1000 + n));
  expect(records.filter(({ nside }) => nside === 8)).toHaveLength(200);
  expect(records.filter(({ nside }) => nside === 64)).toHaveLength(60);
  expect(drawSample(mapOf((n) => 1000 + n))).toEqual(records);
  expect(recordsOf(recordsText(records))).toEqual(records);
  // All over the sky: a third of it in each of three rings, give or take.
  const polar = records.filter(({ nside, pixel: n }) => nside === 8 && n < npix(8) / 3);
  expect(polar.length).toBeGreaterThan(40);
  expect(polar.length).toBeLessThan(95);
});

test("what is missed is counted by how much, what is beaten lowers its record", () => {
  const records = drawSample(mapOf(() => 1000));
  const [first, second, third, fourth] = records.map(({ pixel: n }) => n);
  const by = new Map([
    [first, 1000.5],
    [second, 1005],
    [third, Number.NaN],
    [fourth, 999],
  ]);
  const nside8 = records.filter(({ nside }) => nside === 8);
  const found = compare(
    mapOf((n) => by.get(n) ?? 1000),
    nside8,
  );
  expect(found).toMatchObject({ compared: 200, missed: [3, 2, 1], better: 1 });
  expect(found.records.filter(({ llh }) => llh === 999)).toHaveLength(1);
  expect(found.records.filter(({ llh }) => llh === 1000)).toHaveLength(199);
  expect(verdict(found)).toBe(
    "200 pixels: missed 3 by > 0.1, 2 by > 1, 1 by > 10; 1 better by > 0.1",
  );
});

test("records are kept by algorithm, light and run, and written only where that is asked for", () => {
  const folder = testFolder();
  const map = mapOf(() => 1000);
  expect(recordsPath(map, folder)).toBe(
    join(folder, `splinempe.embedded-2026b.${event.runId}.tsv`),
  );
  expect(judge(map, false, folder)).toBeUndefined();
  expect(readdirSync(folder)).toEqual([]);
  expect(judge(map, true, folder)).toBeUndefined();
  expect(
    judge(
      mapOf(() => 999),
      true,
      folder,
    ),
  ).toMatchObject({ missed: [0, 0, 0] });
  expect(judge(map, false, folder)).toMatchObject({ compared: 260, missed: [260, 0, 0] });
});

test("every file of records holds samples of the whole sky", () => {
  for (const file of readdirSync(recordsFolder)) {
    const records = recordsOf(readFileSync(join(recordsFolder, file), "utf8"));
    const nside8 = records.filter(({ nside }) => nside === 8);
    expect(nside8.length).toBeGreaterThanOrEqual(file.startsWith("splinempe") ? 200 : 20);
    for (const { llh } of records) expect(Number.isFinite(llh)).toBe(true);
  }
});
