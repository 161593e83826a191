import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { Vertex } from "../../src/geometry/track.ts";
import { hlcPulses } from "../../src/pulses/local_coincidence.ts";
import { vertexSeed } from "../../src/pulses/vertex_seed.ts";
import type { PreparedEvent, SeedSettings } from "../../src/reco/reco.ts";
import { pixelSeed, withMiniTest } from "../../src/reco/seed.ts";
import { cylinder, octahedron, point } from "../../src/reco/variations.ts";
import { cleaningOracle, nominalDetector } from "../pulses/oracle.ts";
import { shared } from "../shared.ts";

const settings: Record<string, SeedSettings & { threshold: number }> = {
  splinempe: {
    variations: cylinder(),
    rotateVertex: true,
    refineTime: true,
    addFallbackPosition: true,
    threshold: 250,
  },
  millipede_original: {
    variations: octahedron(20),
    rotateVertex: false,
    refineTime: false,
    addFallbackPosition: false,
    threshold: 2,
  },
  millipede_wilks: {
    variations: point(),
    rotateVertex: true,
    refineTime: true,
    addFallbackPosition: true,
    threshold: 250,
  },
};

type Numbers = readonly number[];
interface PixelSeeds {
  readonly seed_pos: Numbers;
  readonly seed_time: number;
  /** [x, y, z, time, zenith, azimuth] per variation. */
  readonly pixels: readonly { nside: number; pixel: number; seeds: readonly Numbers[] }[];
}

// pixel_seeds.json: the original's own seed maker, a fresh one for each pixel.
describe("seeds of pixels equal the reference's", () => {
  const all: Record<string, PixelSeeds> = JSON.parse(
    readFileSync(shared("oracle", "seeds", "pixel_seeds.json"), "utf8"),
  );
  const detector = nominalDetector();

  for (const [name, expected] of Object.entries(all))
    test(name, () => {
      const [algorithm, file] = name.split("|") as [string, string];
      const oracle = cleaningOracle(file.replace(/\.(pkl|json)$/, ""));
      const hlc = hlcPulses(oracle.map(oracle.base));
      const seedSettings = settings[algorithm]!;
      // The second alert carries a HESE vertex, which millipede takes: it equals the one above 250 PE.
      const threshold = file.startsWith("138632") ? 250 : seedSettings.threshold;
      const vertex = vertexSeed(hlc, detector, threshold)!;
      expectClose(
        [vertex.x, vertex.y, vertex.z, vertex.time],
        [...expected.seed_pos, expected.seed_time],
      );

      const prepared = { detector, hlc, vertex } as PreparedEvent;
      for (const { seeds } of expected.pixels) {
        expect(seeds.length).toBe(seedSettings.variations.length);
        seeds.forEach((numbers, posvar) => {
          const direction = { zenith: numbers[4]!, azimuth: numbers[5]! };
          const seed = pixelSeed(prepared, seedSettings, direction, posvar);
          expectClose([seed.x, seed.y, seed.z, seed.time], numbers.slice(0, 4));
          expect(seed.fallback).toBeUndefined();
        });
      }
    });

  test("a coarser fit moves the seed; the event's seed becomes the second first guess", () => {
    const oracle = cleaningOracle("138632_31747601");
    const hlc = hlcPulses(oracle.map(oracle.base));
    const vertex: Vertex = { x: -238, y: -440, z: -184, time: 10931 };
    const prepared = { detector, hlc, vertex } as PreparedEvent;
    const direction = { zenith: 1.2, azimuth: 4.1 };
    const parent = { x: -200, y: -400, z: -150, time: 10900, energy: 5e4, llh: 900 };
    for (let posvar = 0; posvar < 7; posvar++) {
      const first = pixelSeed(prepared, settings.splinempe!, direction, posvar);
      const seed = pixelSeed(prepared, settings.splinempe!, direction, posvar, parent);
      expect(seed.x - first.x).toBeCloseTo(38, 9);
      expect(seed.z - first.z).toBeCloseTo(34, 9);
      expect(seed.energy).toBe(5e4);
      expect(seed.fallback).toEqual({ x: first.x, y: first.y, z: first.z, time: first.time });
      const failed = { ...parent, llh: Number.NaN };
      expect(pixelSeed(prepared, settings.splinempe!, direction, posvar, failed)).toEqual(first);
    }
    const original = pixelSeed(prepared, settings.millipede_original!, direction, 1, parent);
    expect(original).toEqual({ ...direction, x: -220, y: -400, z: -150, time: 10900, energy: 5e4 });
  });

  test("no HLC pulses: the seed's time stays", () => {
    const vertex: Vertex = { x: 1, y: 2, z: 3, time: 4 };
    const prepared = { detector, hlc: new Map(), vertex } as unknown as PreparedEvent;
    const seed = pixelSeed(prepared, settings.splinempe!, { zenith: 1, azimuth: 2 }, 0);
    expect(seed.time).toBe(4);
  });
});

test("a mini test has two seeds", () => {
  expect(withMiniTest(settings.millipede_original!).variations).toEqual([
    [0, 0, 0],
    [-20, 0, 0],
  ]);
});

/** Relative 1e-9. */
function expectClose(actual: Numbers, expected: Numbers): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((value, i) => {
    expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(1e-9 * Math.abs(expected[i]!));
  });
}
