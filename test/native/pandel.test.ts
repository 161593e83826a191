import { describe, expect, test } from "bun:test";
import { shared } from "../shared.ts";
import { convolutedPandel } from "./diagnostics.ts";
import sets from "./pandel_scipy.json";

/** 1/τ + c/(n_group · 98 m), 1/ns. */
const rateOf = (tau: number) => 1 / tau + 0.299792458 / (1.35634 * 98);

describe("the convoluted Pandel distribution", () => {
  test.each(sets)("equals closed form and quadrature: $name", ({ tau, sigma, rows }) => {
    const points = convolutedPandel(
      rateOf(tau),
      sigma,
      rows.map(([shape, delay]) => [shape!, delay!] as const),
    );
    rows.forEach(([, , density, cumulative], i) => {
      expect(Math.abs(points[i]!.density / density! - 1)).toBeLessThan(1e-3);
      expect(Math.abs(points[i]!.cumulative / cumulative! - 1)).toBeLessThan(1e-3);
    });
  });

  test("has a density that is the slope of its CDF, and the derivatives it says", () => {
    const step = 1e-4;
    for (const shape of [0.03, 0.4, 1, 2.7, 9])
      for (const delay of [-30, -4, 0, 13, 60, 400]) {
        const [at, later, earlier, more, less] = convolutedPandel(rateOf(556.7), 15, [
          [shape, delay],
          [shape, delay + step],
          [shape, delay - step],
          [shape + step, delay],
          [shape - step, delay],
        ]) as [Point, Point, Point, Point, Point];
        const slope = (later.density - earlier.density) / (2 * step);
        expect(Math.abs(at.slope - slope)).toBeLessThan(1e-6 * at.density + 1e-12);
        const density = (later.cumulative - earlier.cumulative) / (2 * step);
        expect(Math.abs(at.density - density)).toBeLessThan(1e-4 * at.density + 1e-9);
        const byShape = (more.density - less.density) / (2 * step);
        expect(Math.abs(at.densityByShape - byShape)).toBeLessThan(1e-5 * at.density + 1e-10);
        const cumulativeByShape = (more.cumulative - less.cumulative) / (2 * step);
        expect(Math.abs(at.cumulativeByShape - cumulativeByShape)).toBeLessThan(1e-7);
      }
  });

  test("adds up to 1, also for shapes beyond its table", () => {
    for (const { cumulative } of convolutedPandel(rateOf(556.7), 15, [
      [0, 200],
      [1, 10000],
      [60, 29000],
      [1000, 1e6],
    ]))
      expect(cumulative).toBeCloseTo(1, 5);
  });
});

type Point = ReturnType<typeof convolutedPandel>[number];

describe("the reference's Pandel function (H2, 15 ns)", () => {
  test("is ours, but for its approximation", async () => {
    const { rows } = (await Bun.file(shared("oracle/pandel/pandel_pdf_table.json")).json()) as {
      rows: { ice: string; jitter: number; effDist: number; tres: number; pdf: number }[];
    };
    const h2 = rows.filter((row) => row.ice === "H2" && row.jitter === 15 && row.pdf > 1e-6);
    const points = convolutedPandel(
      rateOf(556.7),
      15,
      h2.map(({ effDist, tres }) => [effDist / 33.29, tres] as const),
    );
    const ratios = h2
      .map(({ pdf }, i) => Math.abs(points[i]!.density / pdf - 1))
      .sort((a, b) => a - b);
    expect(ratios.length).toBeGreaterThan(1000);
    // It patches five approximations together, each good to 2e-3 at its worst.
    expect(ratios[ratios.length >> 1]!).toBeLessThan(1e-4);
    expect(ratios[Math.floor(0.95 * ratios.length)]!).toBeLessThan(1e-3);
    expect(ratios.at(-1)!).toBeLessThan(2.5e-3);
  });
});
