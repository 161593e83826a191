import { describe, expect, test } from "bun:test";
import { compareResults } from "../../src/result/compare.ts";
import { resultFromScan } from "../../src/result/result.ts";
import type { PixelResult } from "../../src/scan/task.ts";
import { event, example, pixel } from "./examples.ts";

const single = (values: Partial<PixelResult>) =>
  resultFromScan(new Map([[8, [pixel(8, 5, { E_in: 100, E_tot: 200, ...values })]]]), event, true);

describe("compareResults", () => {
  // skyreader's tolerances: llh 1e-4, energies 1e-2, X Y Z T 1e-3.
  test.each([
    [{ llh: 1000 }, { llh: 1000.0999 }, true],
    [{ llh: 1000 }, { llh: 1000.1002 }, false],
    [{ llh: Number.NaN }, { llh: Number.NaN }, true],
    [{ llh: Number.NaN }, { llh: 1000 }, false],
    [{ llh: 1000 }, { llh: Number.NaN }, false],
    [{ llh: 1000 }, { llh: Number.POSITIVE_INFINITY }, false],
    [{ llh: Number.POSITIVE_INFINITY }, { llh: Number.POSITIVE_INFINITY }, true],
    [{ E_in: 101 }, { E_in: 100 }, true],
    [{ E_in: 100 }, { E_in: 101 }, true],
    [{ E_in: 101.1 }, { E_in: 100 }, false],
    [{ E_in: 0 }, { E_in: 1e6 }, true],
    [{ E_tot: 1e6 }, { E_tot: 0 }, true],
    [{ E_tot: Number.NaN }, { E_tot: 0 }, true],
    [{ x: 1e-9 }, { x: 0 }, true],
    [{ x: 1e-7 }, { x: 0 }, false],
    [{ time: 10009 }, { time: 10000 }, true],
    [{ time: 10011 }, { time: 10000 }, false],
    [{ pixel: 5 }, { pixel: 6 }, false],
    [{ energy: 1 }, { energy: 2 }, true],
  ])("%j and %j: %p", (a, b, close) => {
    expect(compareResults(single(a), single(b)).close).toBe(close);
  });

  test("says what differs, and where most", () => {
    const other = {
      ...example,
      nsides: new Map([
        [8, example.nsides.get(8)!.map((p) => (p.pixel === 9 ? { ...p, z: 0 } : p))],
        [64, example.nsides.get(64)!.slice(1)],
        [512, [pixel(512, 0)]],
      ]),
    };
    expect(compareResults(example, other)).toEqual({
      close: false,
      nsides: [
        {
          nside: 8,
          common: 768,
          onlyInA: [],
          onlyInB: [],
          columns: [{ column: "Z", count: 1, worst: { pixel: 9, a: 1e16, b: 0 } }],
        },
        { nside: 64, common: 2, onlyInA: [3], onlyInB: [], columns: [] },
      ],
      nsidesOnlyInA: [],
      nsidesOnlyInB: [512],
    });
  });

  test("an nside of one result only is no difference, nothing in common is", () => {
    const coarse = { ...example, nsides: new Map([[8, example.nsides.get(8)!]]) };
    const fine = { ...example, nsides: new Map([[64, example.nsides.get(64)!]]) };
    expect(compareResults(example, coarse).close).toBe(true);
    expect(compareResults(coarse, fine).close).toBe(false);
  });
});
