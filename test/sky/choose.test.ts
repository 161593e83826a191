import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { randomIntegers } from "../../src/config/random.ts";
import { readResult } from "../../src/result/files.ts";
import { bestPixel, choosePixels, firstPixels, pixelsToSplit } from "../../src/sky/choose.ts";
import {
  angleBetween,
  childrenOf,
  discStrict,
  neighbours,
  npix,
  pixelVector,
  vectorOf,
} from "../../src/sky/healpix.ts";
import { parseProgression } from "../../src/sky/progression.ts";
import { shared } from "../shared.ts";

type Numbers = Record<string, number[]>;
interface Stage {
  nsides_present: number[];
  global_min: [number, number] | null;
  chosen: Numbers;
  refine_parents: Record<string, { parents_sorted: number[]; pixel_extension_number: number }>;
}

const mapOf = (llhs: Record<number, number[]>) =>
  new Map(
    Object.entries(llhs).map(([nside, values]) => [
      Number(nside),
      new Map(values.map((llh, pixel) => [pixel, { llh }])),
    ]),
  );

describe("the pixels the reference chooses", () => {
  const oracle = JSON.parse(readFileSync(shared("oracle", "pixels.json"), "utf8"));
  const progressionOf = (pairs: [number, number][]) =>
    pairs.map(([nside, extension]) => ({ nside, extension }));

  for (const [name, { stages }] of Object.entries(
    oracle.events as Record<string, { stages: Stage[] }>,
  ))
    for (const stage of stages)
      test(`${name} with nsides ${stage.nsides_present.join(", ") || "none"}`, async () => {
        const result = await readResult(shared("events", `${name}.npz`));
        const map = new Map(
          [...result.nsides]
            .filter(([nside]) => stage.nsides_present.includes(nside))
            .map(([nside, pixels]) => [nside, new Map(pixels.map((fit) => [fit.pixel, fit]))]),
        );
        const progression = progressionOf(oracle.nside_progression);
        const best = bestPixel(map);
        expect(best ? [best.nside, best.pixel] : null).toEqual(stage.global_min);
        const chosen = choosePixels(map, progression);
        expect(Object.fromEntries(chosen)).toEqual(stage.chosen);
        for (const [pair, expected] of Object.entries(stage.refine_parents)) {
          const nside = Number(pair.split("->")[0]);
          const split = pixelsToSplit(
            nside,
            expected.pixel_extension_number,
            map.get(nside)!,
            best,
          );
          expect([...split].sort((a, b) => a - b)).toEqual(expected.parents_sorted);
        }
      });

  test("around a direction", () => {
    const { nside_progression, ang_dist_deg, coord_ra_dec_rad, chosen } = oracle.pointed;
    const [ra, dec] = coord_ra_dec_rad;
    expect(
      choosePixels(new Map(), progressionOf(nside_progression), {
        centre: { ra, dec },
        radius: (ang_dist_deg * Math.PI) / 180,
      }),
    ).toEqual(new Map([[nside_progression[0][0], chosen]]));
  });

  test("the first of equal minima", () => {
    const [nside, pixel] = oracle.global_min_edge_cases.tie_keeps_first;
    const llhs = Array.from({ length: 12 }, (_, p) => (p === pixel || p === pixel + 3 ? 1 : 5));
    expect(bestPixel(mapOf({ [nside]: llhs }))).toMatchObject({ nside, pixel });
  });
});

/** Maps as a scan has them at any time: the first stage whole, later ones in part, cliffs and failures. */
function someMaps(): { maps: [number, [number, number | null][]][]; progression: Stages }[] {
  const next = randomIntegers(1604);
  const uniform = () => next() / 2 ** 32;
  const progressions = ["1:0 2:1 4:5", "2:0 8:12 16:3", "4:0 8:6 64:2", "8:0 64:12 512:24"];
  return Array.from({ length: 40 }, (_, i) => {
    const progression = parseProgression(progressions[i % progressions.length]!);
    const source = vectorOf({ ra: 6.28 * uniform(), dec: 3.14 * (uniform() - 0.5) });
    const steepness = 10 ** (3 + 4 * uniform());
    const depth = i % (progression.length + 1);
    const maps = progression
      .slice(0, depth)
      .map(({ nside }, stage): [number, [number, number | null][]] => {
        const radius = stage === 0 ? 4 : 3 / progression[stage - 1]!.nside;
        return [
          nside,
          discStrict(nside, source, radius).map((pixel) => [
            pixel,
            uniform() < 0.03
              ? null
              : steepness * (angleBetween(pixelVector(nside, pixel), source) + 0.3 * uniform()),
          ]),
        ];
      });
    return { maps, progression: progression.map(({ nside, extension }) => [nside, extension]) };
  }).filter(({ maps }) => maps.length > 0);
}

type Stages = number[][];

test("the pixels healpy and brute force choose", () => {
  const cases = someMaps();
  const run = Bun.spawnSync(["/usr/bin/python3", `${import.meta.dir}/choose_truth.py`], {
    stdin: Buffer.from(JSON.stringify(cases)),
  });
  if (run.exitCode !== 0) {
    console.warn("skipped, needs /usr/bin/python3 with healpy: the choice of pixels");
    return;
  }
  const ours = cases.map(({ maps, progression }) =>
    Object.fromEntries(
      choosePixels(
        new Map(
          maps.map(([nside, pixels]) => [
            nside,
            new Map(pixels.map(([pixel, llh]) => [pixel, { llh: llh ?? Number.NaN }])),
          ]),
        ),
        progression.map(([nside, extension]) => ({ nside: nside!, extension: extension! })),
      ),
    ),
  );
  expect(ours).toEqual(JSON.parse(run.stdout.toString()));
}, 30_000);

describe("choosing pixels", () => {
  const progression = parseProgression("1:0 2:1 4:3");
  const { NaN: nan } = Number;

  test("NaN is never the best, not even as the first (the reference stops there)", () => {
    expect(bestPixel(mapOf({ 1: [nan, 3, 2] }))).toEqual({ nside: 1, pixel: 2, llh: 2 });
    expect(bestPixel(mapOf({ 1: [nan, nan] }))).toBeUndefined();
    expect(bestPixel(new Map())).toBeUndefined();
  });

  test("of equal ones over several nsides the coarser, then the lower index, in any order", () => {
    const map = new Map([
      [4, new Map([[7, { llh: 1 }]])],
      [
        2,
        new Map([
          [9, { llh: 1 }],
          [3, { llh: 1 }],
        ]),
      ],
    ]);
    expect(bestPixel(map)).toEqual({ nside: 2, pixel: 3, llh: 1 });
  });

  test("nothing but NaN: nothing chosen", () => {
    expect(choosePixels(mapOf({ 1: Array(12).fill(nan) }), progression)).toEqual(new Map());
  });

  test("the first stage when there is nothing: the whole sky", () => {
    const whole = Array.from({ length: 768 }, (_, pixel) => pixel);
    expect(choosePixels(new Map(), parseProgression("8:0 64:12"))).toEqual(new Map([[8, whole]]));
  });

  test("extension 1 splits the best pixel alone", () => {
    const llhs = Array.from({ length: 12 }, (_, pixel) => (pixel === 5 ? 1 : 9));
    expect(choosePixels(mapOf({ 1: llhs }), progression)).toEqual(
      new Map([[2, childrenOf(1, 5, 2)]]),
    );
  });

  test("a finer nside is refined even where the coarser ones are missing, a missing one never", () => {
    const map = new Map([[2, new Map([[20, { llh: 1 }]])]]);
    expect([...choosePixels(map, progression).keys()]).toEqual([4]);
    expect(choosePixels(new Map([[4, new Map([[20, { llh: 1 }]])]]), progression)).toEqual(
      new Map(),
    );
  });

  test("a cliff between neighbours refines both, wherever it is", () => {
    const nside = 8;
    const [cliff, best] = [700, 10];
    const llhs = Array.from({ length: npix(nside) }, () => 1000);
    llhs[cliff] = 1000 + 100_001;
    llhs[best] = 999;
    const pixels = mapOf({ [nside]: llhs }).get(nside)!;
    const split = pixelsToSplit(nside, 1, pixels, bestPixel(new Map([[nside, pixels]])));
    expect(split).toEqual(new Set([best, cliff, ...neighbours(nside, cliff)]));
    llhs[cliff] = 1000 + 100_000;
    const level = mapOf({ [nside]: llhs }).get(nside)!;
    expect(pixelsToSplit(nside, 1, level, undefined)).toEqual(new Set());
  });

  test("pixels around a direction: the containing pixel's centre is the disc's", () => {
    expect(firstPixels(1, { centre: { ra: 0.1, dec: 0.1 }, radius: 0.1 })).toEqual([4]);
  });
});
