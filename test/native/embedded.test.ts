import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { angularAcceptance } from "../../src/detector/acceptance.ts";
import type { Ice } from "../../src/detector/ice.ts";
import type { Hypothesis } from "../../src/geometry/track.ts";
import { openEmbeddedLight } from "../../src/light/light.ts";
import {
  cascadeLight,
  muonExpectation,
  muonLight,
  muonLowEnergyFactor,
} from "../../src/native/light.ts";

const C = 0.299792458;
const COS = 1 / 1.3195;
const SIN = Math.sqrt(1 - COS * COS);
const GROUP = 1.35634;

/** Ice that is everywhere the same: all formulae in closed form. */
const [SCATTERING, ABSORPTION] = [1 / 30, 1 / 120];
const uniform: Ice = {
  source: "uniform",
  layers: Array.from({ length: 150 }, (_, i) => ({
    depth: 1100 + 10 * i,
    scattering: SCATTERING,
    absorption: ABSORPTION,
  })),
};

const acceptance = (cosine: number) =>
  angularAcceptance().coefficients.reduce((sum, c, i) => sum + c * cosine ** i, 0);

const source = (changes: Partial<Hypothesis> = {}): Hypothesis => ({
  x: 0,
  y: 0,
  z: 0,
  time: 0,
  zenith: Math.PI,
  azimuth: 0,
  ...changes,
});

describe("muons in uniform ice", () => {
  const light = openEmbeddedLight("muon", { model: "embedded-2026a", ice: uniform });

  test.each([5, 20, 80, 250])("leave the light of the diffusive formula at %d m", (d) => {
    // A muon going straight up past a DOM 40 m higher: its light rises with cos θ_c.
    const at = muonLight(light, source(), [d, 0, 40, 1], [])!;
    const [le, la] = [1 / SCATTERING, 1 / ABSORPTION];
    const lc = le / (3 * Math.exp(-le / la));
    const lp = Math.sqrt((la * le) / 3);
    const rootMu = (lc / SIN) * Math.sqrt(2 / (Math.PI * lp));
    const ratio = Math.sqrt(d) / rootMu;
    const isotropic =
      ((32240 * 20.2e-4) / (2 * Math.PI * SIN)) *
      (Math.exp(-d / lp) / (rootMu * Math.sqrt(d) * Math.tanh(ratio)));
    const expected = isotropic * (1 + (acceptance(COS) - 1) * Math.exp(-d / SIN / le));
    // The DOM's radius rounds off the singularity at d = 0.
    expect(at.bare.value / expected).toBeCloseTo(1, d < 10 ? 2 : 4);
    expect(at.geometricTime.value).toBeCloseTo((40 - (d * COS) / SIN + (d / SIN) * GROUP) / C, 6);
  });

  test("are brighter with energy as 1.22 + 1.36e-3 E", () => {
    const { bare, stochastic } = muonExpectation(light, source(), Float64Array.of(30, 0, 0, 1));
    for (const energy of [10, 1e3, 1e5])
      expect(
        1 + muonLowEnergyFactor(light, energy) + (energy * stochastic[0]!) / bare[0]!,
      ).toBeCloseTo(1.22 + 1.36e-3 * energy, 9);
  });

  test("are seen in proportion to the DOM's efficiency", () => {
    const { bare } = muonExpectation(light, source(), Float64Array.of(30, 0, 0, 1, 30, 0, 0, 1.35));
    expect(bare[1]! / bare[0]!).toBeCloseTo(1.35, 12);
  });
});

describe("cascades in uniform ice", () => {
  const light = openEmbeddedLight("cascade", { model: "embedded-2026a", ice: uniform });

  test("lose their direction with distance: far away the mean formula holds", () => {
    const r = 300;
    const [le, la] = [1 / SCATTERING, 1 / ABSORPTION];
    const lc = le / (3 * Math.exp(-le / la));
    const lp = Math.sqrt((la * le) / 3);
    const expected =
      ((32582 * 5.21 * 20.2e-4) / (4 * Math.PI * r)) *
      (Math.exp(-r / lp) / (lc * Math.tanh(r / lc)));
    const { amplitude } = cascadeLight(light, source(), [r, 0, 0, 1], [])!;
    expect(amplitude.value / expected).toBeCloseTo(1, 3);
  });

  test("emit as much over the sphere as the formula without angles", () => {
    // Against a DOM that sees all directions alike: divide its acceptance out, 10 m away.
    const r = 10;
    const fade = Math.exp(-r * SCATTERING);
    let [sum, weight] = [0, 0];
    for (let i = 0; i < 4000; i++) {
      const cosine = -1 + (i + 0.5) / 2000;
      const sine = Math.sqrt(1 - cosine * cosine);
      // The cascade goes along x; DOMs on a circle in the horizontal plane have cos η = 0.
      const at = cascadeLight(
        light,
        source({ zenith: Math.PI / 2, azimuth: Math.PI }),
        [r * cosine, r * sine, 0, 1],
        [],
      )!;
      sum += at.amplitude.value / (1 + (acceptance(0) - 1) * fade);
      weight++;
    }
    const [le, la] = [1 / SCATTERING, 1 / ABSORPTION];
    const lc = le / (3 * Math.exp(-le / la));
    const expected =
      ((32582 * 5.21 * 20.2e-4) / (4 * Math.PI * r)) *
      (Math.exp(-r / Math.sqrt((la * le) / 3)) / (lc * Math.tanh(r / lc)));
    expect(sum / weight / expected).toBeCloseTo(1, 3);
  });

  test("shine on after the geometric time, all of it in the end", () => {
    const { cumulative } = cascadeLight(
      light,
      source({ time: 100 }),
      [50, 0, 0, 1],
      [
        Number.NEGATIVE_INFINITY,
        100 + (50 * GROUP) / C - 120,
        100 + (50 * GROUP) / C + 100,
        1e5,
        Number.POSITIVE_INFINITY,
      ],
    )!;
    const values = cumulative.map(({ value }) => value);
    expect(values[0]).toBeLessThan(1e-12);
    expect(values[1]).toBeLessThan(1e-9);
    expect(values[2]).toBeGreaterThan(0.2);
    expect(values[3]).toBeCloseTo(1, 6);
    expect(values[4]).toBeCloseTo(1, 6);
  });
});

describe.each(["embedded-2026a", "embedded-2026b"] as const)(
  "gradients in the layered ice, %s",
  (model) => {
    const place = fc.record({
      x: fc.double({ min: -400, max: 400, noNaN: true }),
      y: fc.double({ min: -400, max: 400, noNaN: true }),
      z: fc.double({ min: -450, max: 450, noNaN: true }),
      zenith: fc.double({ min: 0.05, max: 3.09, noNaN: true }),
      azimuth: fc.double({ min: 0, max: 6.28, noNaN: true }),
      delay: fc.double({ min: -20, max: 300, noNaN: true }),
    });
    const dom = [31.25, -72.37, 12.5, 1];
    const step = 1e-4;
    const close = (found: number, expected: number, scale: number) =>
      expect(Math.abs(found - expected)).toBeLessThanOrEqual(
        1e-4 * Math.abs(expected) + 1e-5 * scale + 1e-13,
      );
    const shifted = (at: Hypothesis, axis: "x" | "y" | "z" | "time", by: number): Hypothesis => ({
      ...at,
      [axis]: at[axis] + by,
    });

    test("of a muon's light are those of differences", () => {
      const light = openEmbeddedLight("muon", { model });
      fc.assert(
        fc.property(place, ({ delay, ...where }) => {
          const track = { ...where, time: 0 };
          const look = (at: Hypothesis) => muonLight(light, at, dom, [delay])!;
          const here = look(track);
          (["x", "y", "z"] as const).forEach((axis, i) => {
            const [plus, minus] = [step, -step].map((by) => look(shifted(track, axis, by)));
            const slope = (of: (at: typeof here) => number) =>
              (of(plus!) - of(minus!)) / (2 * step);
            close(
              here.geometricTime.gradient[i]!,
              slope((at) => at.geometricTime.value),
              1,
            );
            close(
              here.bare.gradient[i]!,
              slope((at) => at.bare.value),
              here.bare.value,
            );
            const [timing, of] = [here.timing[0]!, (at: typeof here) => at.timing[0]!];
            close(
              timing.density.gradient[i]!,
              slope((at) => of(at).density.value),
              1e-2,
            );
            close(
              timing.cumulative.gradient[i]!,
              slope((at) => of(at).cumulative.value),
              1,
            );
          });
        }),
        { numRuns: 200, seed: 1 },
      );
      light.close();
    });

    test("of a cascade's light are those of differences", () => {
      const light = openEmbeddedLight("cascade", { model });
      fc.assert(
        fc.property(place, ({ delay, ...where }) => {
          const cascade = { ...where, time: 0 };
          const edge =
            (Math.hypot(dom[0]! - where.x, dom[1]! - where.y, dom[2]! - where.z) * GROUP) / C +
            delay;
          const look = (at: Hypothesis) => cascadeLight(light, at, dom, [edge])!;
          const here = look(cascade);
          (["x", "y", "z", "time"] as const).forEach((axis, i) => {
            const [plus, minus] = [step, -step].map((by) => look(shifted(cascade, axis, by)));
            const slope = (of: (at: typeof here) => number) =>
              (of(plus!) - of(minus!)) / (2 * step);
            close(
              here.amplitude.gradient[i]!,
              slope((at) => at.amplitude.value),
              here.amplitude.value,
            );
            close(
              here.cumulative[0]!.gradient[i]!,
              slope((at) => at.cumulative[0]!.value),
              1,
            );
          });
        }),
        { numRuns: 200, seed: 1 },
      );
      light.close();
    });
  },
);
