import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import {
  cellArea,
  cellsOf,
  cellVector,
  densitiesOf,
  hpdRegions,
  isResolved,
  placeOf,
  uniqOf,
} from "../../src/result/cells.ts";
import { readResult } from "../../src/result/files.ts";
import { bestFit, resultFromScan } from "../../src/result/result.ts";
import { angleBetween, childrenOf, nestedOf, pixelAt, pixelVector } from "../../src/sky/healpix.ts";
import { describeShared, shared } from "../shared.ts";
import { event, example, pixel } from "./examples.ts";

const squareDegrees = (180 / Math.PI) ** 2;

describe("UNIQ", () => {
  test("names each cell once, and gives it back", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 15 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (order, part) => {
          const place = {
            order,
            pixel: Math.min(12 * 4 ** order - 1, Math.floor(part * 12 * 4 ** order)),
          };
          expect(placeOf(uniqOf(place))).toEqual(place);
        },
      ),
    );
  });
});

describe("the cover of a map", () => {
  const total = (cells: readonly { order: number; pixel: number }[]) =>
    cells.reduce((sum, cell) => sum + cellArea(cell), 0);

  test("is complete and disjoint for whatever was scanned, and holds every finest fit", () => {
    const anyScan = fc.record({
      coarse: fc.uniqueArray(fc.integer({ min: 0, max: 47 }), { minLength: 1 }),
      middle: fc.uniqueArray(fc.integer({ min: 0, max: 191 })),
      fine: fc.uniqueArray(fc.integer({ min: 0, max: 12287 })),
    });
    fc.assert(
      fc.property(anyScan, ({ coarse, middle, fine }) => {
        const scanned = (nside: number, numbers: number[]) =>
          [nside, numbers.map((n) => pixel(nside, n, { llh: 100 + n }))] as const;
        const result = resultFromScan(
          new Map([scanned(2, coarse), scanned(4, middle), scanned(32, fine)]),
          event,
          true,
        );
        const cells = cellsOf(result);
        expect(total(cells)).toBeCloseTo(4 * Math.PI, 10);
        // Each cell's stretch of the finest order, one after the other without gap or overlap.
        const stretches = cells
          .map(
            ({ order, pixel: p }) => [p * 4 ** (10 - order), (p + 1) * 4 ** (10 - order)] as const,
          )
          .sort(([a], [b]) => a - b);
        for (const [i, [start]] of stretches.entries())
          expect(start).toBe(stretches[i - 1]?.[1] ?? 0);
        const byUniq = new Map(cells.map((cell) => [uniqOf(cell), cell]));
        for (const n of fine)
          expect(byUniq.get(uniqOf({ order: 5, pixel: nestedOf(32, n) }))).toMatchObject({
            llh: 100 + n,
            origin: "fit",
          });
        expect(cells.map(uniqOf)).toEqual(cells.map(uniqOf).sort((a, b) => a - b));
      }),
      { numRuns: 50 },
    );
  });

  test("gives a failed pixel the mean of its neighbours, not the value of the coarser pixel", () => {
    const parent = pixel(8, 300, { llh: 5 });
    const children = childrenOf(8, 300, 16).map((n, i) =>
      pixel(16, n, { llh: i === 0 ? Number.NaN : 10 + i }),
    );
    const cells = cellsOf(
      resultFromScan(
        new Map([
          [8, [parent]],
          [16, children],
        ]),
        event,
        true,
      ),
    );
    const failed = cells.filter(({ origin }) => origin === "failed");
    expect(failed).toHaveLength(1);
    expect(failed[0]!.llh).toBeCloseTo(12, 12);
    expect(cells.filter(({ origin }) => origin === "none")).toHaveLength(767);
  });

  test("gives a failed pixel without neighbours the coarser one's value, and without that none", () => {
    const alone = (coarse: number) =>
      cellsOf(
        resultFromScan(
          new Map([
            [8, [pixel(8, 300, { llh: coarse })]],
            [64, [pixel(64, childrenOf(8, 300, 64)[0]!, { llh: Number.NaN })]],
          ]),
          event,
          true,
        ),
      ).find(({ origin, order }) => origin === "failed" && order === 6);
    expect(alone(5)!.llh).toBe(5);
    expect(alone(Number.NaN)!.llh).toBeNaN();
  });

  test("puts each cell where its direction is", () => {
    for (const cell of cellsOf(example)) {
      const [x, y, z] = cellVector(cell);
      const nside = 2 ** cell.order;
      expect(nestedOf(nside, pixelAt(nside, Math.atan2(y, x), Math.asin(z)))).toBe(cell.pixel);
    }
  });
});

describe("probability", () => {
  test("sums to one, is largest at the best fit, and none where nothing was scanned", () => {
    const cells = densitiesOf(cellsOf(example));
    const sum = cells.reduce((total, cell) => total + cell.density * cellArea(cell), 0);
    expect(Math.abs(sum - 1)).toBeLessThan(1e-12);
    const densest = cells.reduce((a, b) => (b.density > a.density ? b : a));
    const best = bestFit(example)!;
    expect(angleBetween(cellVector(densest), pixelVector(best.nside, best.pixel))).toBe(0);
  });

  test("of a map without a fit does not exist", () => {
    const failed = [pixel(8, 0, { llh: Number.NaN })];
    expect(densitiesOf(cellsOf(resultFromScan(new Map([[8, failed]]), event, true)))).toEqual([]);
  });

  test("is tempered as a power", () => {
    const cells = cellsOf(example);
    const [plain, wide] = [densitiesOf(cells), densitiesOf(cells, 0.25)];
    const ratio = (list: typeof plain) => list[0]!.density / list[1]!.density;
    expect(ratio(wide)).toBeCloseTo(ratio(plain) ** 0.25, 12);
  });

  test("regions grow with their share, and end in the cell that reaches it", () => {
    const cells = densitiesOf(cellsOf(example));
    const shares = [0, 0.1, 0.5, 0.9, 0.99, 1];
    const regions = hpdRegions(cells, shares);
    for (const [i, { share, area, level, cells: inside }] of regions.entries()) {
      expect(area).toBeGreaterThanOrEqual(regions[i - 1]?.area ?? 0);
      const held = inside.reduce((sum, cell) => sum + cell.density * cellArea(cell), 0);
      expect(held).toBeGreaterThanOrEqual(share - 1e-12);
      expect(inside.every(({ density }) => density >= level)).toBe(true);
    }
    expect(hpdRegions([], [0.5])[0]!.area).toBe(0);
  });
});

describeShared("against an independent implementation", () => {
  const truth = JSON.parse(readFileSync(shared("oracle/downstream/contours.json"), "utf8"));
  test.each([
    ["demo", "oracle/downstream/demo_simulated.json"],
    ["IC220624A_run136766", "events/run00136766-evt000007637140-GOLD-8_64_512.npz"],
    ["synthetic_ra0", "oracle/downstream/ra0.json"],
    ["synthetic_pole", "oracle/downstream/pole.json"],
  ])("%s: cells of each order, densities and HPD areas", async (name, file) => {
    const expected = truth[name].probability_map;
    const covered = cellsOf(await readResult(shared(file)));
    const byOrder: Record<string, number> = {};
    for (const { order } of covered) byOrder[order] = (byOrder[order] ?? 0) + 1;
    expect(byOrder).toEqual(expected.by_order);
    const cells = densitiesOf(covered);
    expect(Math.max(...cells.map(({ density }) => density))).toBeCloseTo(
      expected.max_density_per_sr,
      6,
    );
    const areas = Object.entries(expected.hpd_area_sqdeg) as [string, number][];
    const regions = hpdRegions(
      cells,
      areas.map(([share]) => Number(share)),
    );
    for (const [i, [, area]] of areas.entries())
      expect(regions[i]!.area * squareDegrees).toBeCloseTo(area, 9);
  });

  test.each([
    ["oracle/downstream/ra0.json", true],
    ["oracle/downstream/tiny.json", false],
    ["oracle/downstream/nan.json", true],
  ])("%s: whether the pixels resolve the peak", async (file, expected) => {
    expect(isResolved(densitiesOf(cellsOf(await readResult(shared(file)))))).toBe(expected);
  });

  test("5 % failed pixels change the HPD areas by less than 2 %", async () => {
    const area = async (file: string) =>
      hpdRegions(densitiesOf(cellsOf(await readResult(shared(file)))), [0.5, 0.9]).map(
        (r) => r.area,
      );
    const [whole, failed] = [
      await area("oracle/downstream/ra0.json"),
      await area("oracle/downstream/nan.json"),
    ];
    for (const [i, size] of whole.entries())
      expect(Math.abs(failed[i]! / size - 1)).toBeLessThan(0.02);
  });
});
