import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { cascadeExpectation, muonExpectationAt } from "../../src/light/expectation.ts";
import { openEmbeddedLight } from "../../src/light/light.ts";

// Cells of a photon Monte Carlo with the Cherenkov spectrum (scripts/light/photon_mc.cpp, which agrees with another
// one's cells within their errors): what the light of 2026b is to be.

const QUANTILES = [0.1, 0.5, 0.9];
/** Near nothing the logarithm of a time says nothing: this is added, ns. */
const OFFSET = 10;
/** Next to no jitter: the cells have none. */
const JITTER = 1;
/** Points over a cell. */
const SHARES = [1 / 6, 1 / 2, 5 / 6];

type Cell = Readonly<Record<string, number>>;

function cellsOf(kind: string, every: number): Cell[] {
  const text = readFileSync(resolve(import.meta.dir, `../data/light/${kind}_cells.tsv`), "utf8");
  const [header = "", ...lines] = text.trimEnd().split("\n");
  const names = header.split("\t");
  const cells = lines.map((line) => {
    const numbers = line.split("\t").map(Number);
    return Object.fromEntries(names.map((name, i) => [name, numbers[i]!])) as Cell;
  });
  return cells.filter(({ distance }, i) => i % every === 0 && distance! <= 200);
}

/** Logarithms of model over cell: of the amplitude, and of the quantiles. */
interface Difference {
  readonly cell: Cell;
  readonly amplitude: number;
  readonly times: readonly number[];
}

const radian = Math.PI / 180;
const between = (low: number, high: number) => SHARES.map((share) => low + share * (high - low));

function difference(cell: Cell, seen: { amplitude: number; times: readonly (number | null)[] }[]) {
  const light = seen.reduce((sum, { amplitude }) => sum + amplitude, 0);
  const times = QUANTILES.map((_, k) => {
    const late = (time: number | null) => Math.log(Math.max(time!, 1 - OFFSET) + OFFSET);
    const mean = seen.reduce((sum, at) => sum + (at.amplitude / light) * late(at.times[k]!), 0);
    return mean - late(cell[`t${100 * QUANTILES[k]!}`]!);
  });
  return { cell, amplitude: Math.log(light / seen.length / cell.amplitude_h250!), times };
}

const source = ({ height, zenith }: Cell) => ({
  ...{ x: 0, y: 0, z: height!, time: 0, zenith: zenith! * radian, azimuth: Math.PI },
});

function ofMuons(): Difference[] {
  const light = openEmbeddedLight("muon", { jitter: JITTER });
  afterAll(() => light.close());
  return cellsOf("muon", 1).map((cell) => {
    const { distance, phi_lo, phi_hi, height, zenith } = cell as Record<string, number>;
    const [nx, nz] = [Math.sin(zenith! * radian), -Math.cos(zenith! * radian)];
    const seen = between(0.88 * distance!, 1.12 * distance!).flatMap((rho) =>
      between(phi_lo! * radian, phi_hi! * radian).map((phi) => {
        const [up, side] = [rho * Math.cos(phi), rho * Math.sin(phi)];
        const dom = [-nz * up, side, height! + nx * up] as const;
        return muonExpectationAt(light, source(cell), [...dom], QUANTILES);
      }),
    );
    return difference(cell, seen);
  });
}

function ofCascades(): Difference[] {
  const light = openEmbeddedLight("cascade", { jitter: JITTER });
  afterAll(() => light.close());
  return cellsOf("cascade", 7).map((cell) => {
    const { distance, height } = cell as Record<string, number>;
    const seen = between(0.88 * distance!, 1.12 * distance!).flatMap((r) =>
      between(cell.cos_lo!, cell.cos_hi!).flatMap((cosine) =>
        between(cell.phi_lo! * radian, cell.phi_hi! * radian).map((phi) => {
          const across = r * Math.sqrt(1 - cosine * cosine);
          const dom = [
            across * Math.cos(phi),
            across * Math.sin(phi),
            height! + r * cosine,
          ] as const;
          return cascadeExpectation(light, source(cell), 1, [...dom], QUANTILES);
        }),
      ),
    );
    return difference(cell, seen);
  });
}

test("near a track light falls off about inversely to the distance, and smoothly, everywhere", () => {
  const light = openEmbeddedLight("muon", { jitter: JITTER });
  for (const height of [-480, -350, -200, -100, 50, 150, 400])
    for (const zenith of [10, 60, 90, 130])
      for (const phi of [0, 1, 2, 3]) {
        const track = source({ height, zenith });
        const [nx, nz] = [Math.sin(zenith * radian), -Math.cos(zenith * radian)];
        const logarithms = [1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 7].map((rho) => {
          const [up, side] = [rho * Math.cos(phi), rho * Math.sin(phi)];
          const dom = [-nz * up, side, height + nx * up] as const;
          return Math.log(rho * muonExpectationAt(light, track, [...dom], []).amplitude);
        });
        const steps = logarithms.slice(1).map((value, i) => value - logarithms[i]!);
        for (const [i, step] of steps.entries()) {
          expect(Math.abs(step)).toBeLessThan(0.25);
          if (i > 0) expect(Math.abs(step - steps[i - 1]!)).toBeLessThan(0.12);
        }
      }
  light.close();
});

const rms = (numbers: readonly number[]): number =>
  Math.sqrt(numbers.reduce((sum, x) => sum + x * x, 0) / numbers.length);
const ofTimes = (differences: readonly Difference[]) =>
  rms(differences.flatMap(({ times }) => times));
const isLevel = ({ cell }: Difference) => cell.zenith === 90;

/** Spread of the amplitude's logarithm about its mean at each height and distance: contrast between directions. */
function contrast(differences: readonly Difference[]): number {
  const groups = Map.groupBy(
    differences,
    ({ cell }) => `${cell.height} ${cell.zenith} ${cell.distance}`,
  );
  return rms(
    [...groups.values()].flatMap((group) => {
      const mean = group.reduce((sum, { amplitude }) => sum + amplitude, 0) / group.length;
      return group.map(({ amplitude }) => amplitude - mean);
    }),
  );
}

describe.each([
  ["muons", ofMuons(), 0.25],
  ["cascades", ofCascades(), 0.3],
] as const)("light of %s as by Monte Carlo", (_, differences, late) => {
  test(`comes when it should: rms of the quantiles' logarithms below ${late}`, () => {
    expect(ofTimes(differences)).toBeLessThan(late);
  });

  test.each([...new Set(differences.map(({ cell }) => cell.height!))])(
    "at no height twice as badly: %d m",
    (height) => {
      expect(ofTimes(differences.filter(({ cell }) => cell.height === height))).toBeLessThan(
        2 * late,
      );
    },
  );

  test("in no direction twice as badly", () => {
    const byDirection = Map.groupBy(differences, ({ cell }) => `${cell.cos_lo} ${cell.phi_lo}`);
    for (const group of byDirection.values()) expect(ofTimes(group)).toBeLessThan(2 * late);
  });

  const far = differences.filter(({ cell }) => cell.distance! >= 50);
  const ofAmplitudes = (of: readonly Difference[]) => rms(of.map(({ amplitude }) => amplitude));

  test("is as much as it should be at 50 to 200 m: rms of the logarithm below 0.15", () => {
    expect(ofAmplitudes(far.filter(isLevel))).toBeLessThan(0.15);
    expect(ofAmplitudes(far)).toBeLessThan(0.16);
    expect(contrast(far)).toBeLessThan(0.15);
  });

  test.each([...new Set(far.map(({ cell }) => `${cell.height} m, zenith ${cell.zenith}`))])(
    "at no height and zenith twice as far off, in the dust neither: %s",
    (place) => {
      const here = far.filter(({ cell }) => `${cell.height} m, zenith ${cell.zenith}` === place);
      expect(ofAmplitudes(here)).toBeLessThan(0.3);
    },
  );

  test("in no direction twice as far off", () => {
    const byDirection = Map.groupBy(far, ({ cell }) => `${cell.cos_lo} ${cell.phi_lo}`);
    for (const group of byDirection.values()) expect(ofAmplitudes(group)).toBeLessThan(0.3);
  });
});
