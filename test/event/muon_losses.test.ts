import { describe, expect, test } from "bun:test";
import { uniformNumbers } from "../../src/config/random.ts";
import {
  closestApproach,
  drawnPassage,
  energyBefore,
  evenPassage,
  LEAST_SHARE,
  lossProcesses,
  lossRate,
  totalLoss,
} from "../../src/event/muon_losses.ts";
import { directionOfTravel, type MuonTrack } from "../../src/geometry/track.ts";

const muon: MuonTrack = { x: 30, y: -40, z: -100, time: 1e4, zenith: 1.2, azimuth: 2, energy: 1e5 };
const STRETCH = 1500;

/** The spectra as the particle data review writes them, but for a factor. */
const spectra: Record<string, (v: number) => number> = {
  bremsstrahlung: (v) => (4 / 3 - (4 / 3) * v + v * v) / v,
  "pair production": (v) => (1 + v / 1e-3) ** -1.5 / v,
  photonuclear: (v) => 1 / v,
};

/** ∫ f dv from `from` to 1, in ln v, by the midpoint rule. */
function integral(f: (v: number) => number, from: number): number {
  const steps = 20_000;
  const width = -Math.log(from) / steps;
  let sum = 0;
  for (let i = 0; i < steps; i++) {
    const v = Math.exp(-(i + 0.5) * width);
    sum += f(v) * v * width;
  }
  return sum;
}

describe.each(lossProcesses.map((process) => [process.name, process] as const))(
  "losses by %s",
  (name, process) => {
    const spectrum = spectra[name]!;
    const energy = integral((v) => v * spectrum(v), 1e-9);

    test("have the number and the energy of their spectrum", () => {
      expect(process.number).toBeCloseTo(integral(spectrum, LEAST_SHARE) / energy, 4);
      expect(process.large).toBeCloseTo(integral((v) => v * spectrum(v), LEAST_SHARE) / energy, 5);
    });

    test("are drawn from it", () => {
      const random = uniformNumbers(3, name.length);
      const n = 20_000;
      const shares = Array.from({ length: n }, () => process.draw(random)).sort((a, b) => a - b);
      const all = integral(spectrum, LEAST_SHARE);
      // At nine places, within 4.4 errors of a binomial share.
      for (const tenth of [1, 2, 3, 4, 5, 6, 7, 8, 9]) {
        const v = shares[(tenth * n) / 10]!;
        const above = integral(spectrum, v) / all;
        expect(Math.abs(above - (1 - tenth / 10))).toBeLessThan(4.4 * Math.sqrt(0.25 / n));
      }
      expect(shares[0]!).toBeGreaterThanOrEqual(LEAST_SHARE);
      expect(shares.at(-1)!).toBeLessThanOrEqual(1);
    });
  },
);

describe("a muon's passage", () => {
  const passages = Array.from({ length: 2000 }, (_, k) => drawnPassage(muon, uniformNumbers(9, k)));
  const begin = closestApproach(muon) - STRETCH / 2;
  const mean = (of: (p: (typeof passages)[number]) => number) =>
    passages.reduce((sum, p) => sum + of(p) / passages.length, 0);

  test("has some 14 large losses per kilometre", () => {
    expect(lossRate * 1000).toBeCloseTo(14.5, 0);
    const expected = lossRate * STRETCH;
    const error = Math.sqrt(expected / passages.length);
    expect(Math.abs(mean((p) => p.losses.length) - expected)).toBeLessThan(4 * error);
  });

  test("leaves on average exp(−b x) of the energy", () => {
    for (const x of [300, 750, 1500]) {
      const left = mean((p) => p.energyAt(begin + x) / muon.energy);
      const square = mean((p) => (p.energyAt(begin + x) / muon.energy) ** 2);
      const error = Math.sqrt((square - left ** 2) / passages.length);
      expect(Math.abs(left - Math.exp(-totalLoss * x))).toBeLessThan(4 * error);
    }
  });

  test("keeps account: what is lost is missing afterwards, and never more than there was", () => {
    for (const { losses, energyAt } of passages.slice(0, 50)) {
      const [nx, ny, nz] = directionOfTravel(muon);
      for (const loss of losses) {
        const length = (loss.x - muon.x) * nx + (loss.y - muon.y) * ny + (loss.z - muon.z) * nz;
        expect(energyAt(length - 1e-6) - energyAt(length + 1e-6)).toBeCloseTo(loss.energy, 1);
        expect(loss.energy).toBeGreaterThanOrEqual(LEAST_SHARE * energyAt(length + 1e-6));
        expect((loss.time - muon.time) * 0.299792458).toBeCloseTo(length, 6);
        expect(energyAt(length + 1e-6)).toBeGreaterThan(0);
      }
    }
  });

  test("begins with the energy that leaves in the middle what was asked for", () => {
    expect(energyBefore(1e5) * Math.exp(-totalLoss * (STRETCH / 2))).toBeCloseTo(1e5, 6);
    expect(evenPassage(muon).energyAt(123)).toBe(muon.energy);
  });
});
