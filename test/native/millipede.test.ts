import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { speedOfLight } from "../../src/geometry/constants.ts";
import { directionOfTravel } from "../../src/geometry/track.ts";
import { openEmbeddedLight } from "../../src/light/light.ts";
import { type MillipedeDom, openMillipede } from "../../src/native/millipede.ts";
import { llhOf } from "./diagnostics.ts";

const light = openEmbeddedLight("cascade");
const settings = {
  window: { start: 9000, stop: 15000 },
  binSigma: 2,
  minTimeWidth: 25,
  boundary: 600,
  regularisation: 0,
};
const search = { spacing: 5, reach: 0, keepsTime: false, settles: false, maxEvaluations: 9 };
const dom = (over: Partial<MillipedeDom> = {}): MillipedeDom => ({
  x: 0,
  y: 0,
  z: 0,
  efficiency: 0.86,
  noiseRate: 5e-7,
  pulses: [],
  exclusions: [],
  ...over,
});
const binsOf = (over: Partial<MillipedeDom>, change: Partial<typeof settings> = {}) => {
  const core = openMillipede(light, [dom(over)], { ...settings, ...change });
  const [bins] = core.bins;
  core.close();
  return bins!;
};
const pulse = (time: number, charge = 1, width = 8) => ({ time, charge, width });

describe("bins of one DOM", () => {
  const { start, stop } = settings.window;
  const infinite = Number.POSITIVE_INFINITY;
  test.each([
    ["no pulses: one bin", [], [], [start, stop], [true]],
    ["wholly excluded: none", [], [{ start: -infinite, stop: infinite }], [], []],
    ["excluded outside the window: nothing", [], [{ start: 0, stop: 9000 }], [start, stop], [true]],
    ["excluded to the end", [], [{ start: 10000, stop: infinite }], [start, 10000], [true]],
    [
      "a gap is an invalid bin",
      [],
      [{ start: 10000, stop: 11000 }],
      [start, 10000, 11000, stop],
      [true, false, true],
    ],
    [
      "overlapping exclusions join",
      [],
      [
        { start: 10500, stop: 12000 },
        { start: 10000, stop: 11000 },
      ],
      [start, 10000, 12000, stop],
      [true, false, true],
    ],
    [
      "pulses in a gap do not count, at its end they do",
      [pulse(10000, 50, 30), pulse(11000, 50, 30)],
      [{ start: 10000, stop: 11000 }],
      [start, 10000, 11000, 11030, stop],
      [true, false, true, true],
    ],
  ] as const)("%s", (_name, pulses, exclusions, edges, valid) => {
    const bins = binsOf({ pulses, exclusions });
    expect(bins.edges).toEqual([...edges]);
    expect(bins.valid).toEqual([...valid]);
  });

  test("a pulse without width hands its charge to the next", () => {
    const bins = binsOf({ pulses: [pulse(10000, 20, 0), pulse(10040, 20, 30)] });
    expect(bins.edges).toEqual([start, 10040, 10070, stop]);
    expect(bins.charges).toEqual([0, 40, 0]);
  });

  test("charge is kept, bins ascend, none is narrower than allowed", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            time: fc.integer({ min: 9000, max: 14999 }),
            charge: fc.double({ min: 0.05, max: 100, noNaN: true }),
            width: fc.constantFrom(1, 8, 25, 60),
          }),
          { minLength: 1, maxLength: 60 },
        ),
        fc.integer({ min: 0, max: 4 }),
        fc.constantFrom(1, 8, 25),
        (pulses, binSigma, minTimeWidth) => {
          const sorted = [...new Map(pulses.map((p) => [p.time, p])).values()].sort(
            (a, b) => a.time - b.time,
          );
          const { edges, charges } = binsOf({ pulses: sorted }, { binSigma, minTimeWidth });
          expect(edges[0]).toBe(start);
          expect(edges.at(-1)).toBe(stop);
          charges.forEach((_, i) => {
            expect(edges[i + 1]! - edges[i]!).toBeGreaterThanOrEqual(minTimeWidth);
          });
          const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
          expect(sum(charges)).toBeCloseTo(sum(sorted.map((p) => p.charge)), 8);
        },
      ),
      { numRuns: 100 },
    );
  });

  test("Bayesian blocks are the best of all partitions", () => {
    const fitness = (n: number, width: number) => (n > 0 ? n * Math.log(n / width) : 0);
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 9001, max: 14990 }), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 4 }),
        (times, binSigma) => {
          const pulses = [...new Set(times)].sort((a, b) => a - b).map((t, i) => pulse(t, i + 1));
          const minTimeWidth = 25;
          const value = (edges: readonly number[], charges: readonly number[]) =>
            charges.reduce(
              (sum, n, i) => sum + fitness(n, edges[i + 1]! - edges[i]!) - binSigma ** 2 / 2,
              0,
            );
          const found = binsOf({ pulses }, { binSigma, minTimeWidth });
          // Raw edges: starts and ends of pulses; every subset of them is a partition.
          const inner = new Set<number>();
          pulses.forEach((p, i) => {
            inner.add(p.time);
            inner.add(Math.min(p.time + p.width, pulses[i + 1]?.time ?? stop));
          });
          const cuts = [...inner].filter((t) => t > start && t < stop).sort((a, b) => a - b);
          let best = Number.NEGATIVE_INFINITY;
          for (let mask = 0; mask < 2 ** cuts.length; mask++) {
            const edges = [start, ...cuts.filter((_, i) => mask & (1 << i)), stop];
            if (edges.some((edge, i) => i > 0 && edge - edges[i - 1]! < minTimeWidth)) continue;
            const charges = edges
              .slice(1)
              .map((edge, i) =>
                pulses
                  .filter((p) => p.time >= edges[i]! && p.time < edge)
                  .reduce((sum, p) => sum + p.charge, 0),
              );
            best = Math.max(best, value(edges, charges));
          }
          expect(value(found.edges, found.charges)).toBeCloseTo(best, 6);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("fits of a track with three losses, its direction known", () => {
  const GROUP_INDEX = 1.35634;
  /** Shares of the light and their delays (ns) at 33 m, roughly as in ice. */
  const SCATTERED = [
    [0.4, 15],
    [0.3, 60],
    [0.2, 150],
    [0.1, 350],
  ] as const;
  const truth = { x: 12, y: -21, z: 30, time: 10000, zenith: 1.3, azimuth: 0.5 };
  const direction = directionOfTravel(truth);
  const losses = [
    { length: -140, light: 900 },
    { length: 15, light: 4000 },
    { length: 160, light: 1500 },
  ];
  const doms: MillipedeDom[] = [];
  for (let x = -250; x <= 250; x += 125)
    for (let y = -250; y <= 250; y += 125)
      for (let z = -240; z <= 240; z += 40) {
        const pulses = losses
          .flatMap(({ length, light }) => {
            const r = Math.hypot(
              truth.x + length * direction[0] - x,
              truth.y + length * direction[1] - y,
              truth.z + length * direction[2] - z,
            );
            const time = truth.time + (length + r * GROUP_INDEX) / speedOfLight;
            const charge = (light * Math.exp(-r / 35)) / r;
            return SCATTERED.map(([share, delay]) =>
              pulse(time + (delay * r) / 33, share * charge),
            );
          })
          .filter(({ charge }) => charge > 0.3)
          .sort((a, b) => a.time - b.time);
        doms.push(dom({ x, y, z, pulses }));
      }
  const everywhere = { ...search, spacing: 2.5, reach: 300, maxEvaluations: 30 };
  const sketchLight = openEmbeddedLight("cascade", { jitter: 20 });

  test("a guess nearby leads to the minimum of the whole direction, and beside that to nothing lower", () => {
    const core = openMillipede(light, doms, settings);
    const searched = core.searchDirection(truth, everywhere);
    const whole = core.fit(truth, everywhere, searched);
    searched.close();
    const guess = { ...truth, x: truth.x + 15, y: truth.y + 10, llh: Number.NaN };
    const evaluations = [false, true].map((settles) => {
      const search = { ...everywhere, settles };
      const beside = core.fitFrom(truth, [guess], search);
      expect(beside.llh).toBeLessThan(whole.llh + 0.1);
      expect(beside.minima[0]!.llh).toBe(beside.llh);
      // Light that the way there leaves out is all in the result.
      expect(core.evaluate({ ...truth, ...beside }, everywhere.spacing).llh).toBeCloseTo(
        beside.llh,
        1,
      );
      const again = core.fitFrom(truth, [...beside.minima, guess], search);
      expect(again.reason).toMatch(/nothing is lower/);
      expect(again.minima[0]!.llh).toBe(beside.llh);
      return beside.evaluations;
    });
    expect(evaluations[0]).toBeLessThan(searched.evaluations);
    // Slopes take fewer than simplices do.
    expect(evaluations[1]).toBeLessThan(evaluations[0]! / 2);
    core.close();
  });

  test("end in one minimum from wherever they start, whatever light the search begins with", () => {
    const seeds = [truth, { ...truth, x: 110, y: -100, time: 10300 }, { ...truth, z: -150 }];
    const fits = [undefined, sketchLight].flatMap((sketch) =>
      seeds.map((seed) => {
        const core = openMillipede(light, doms, settings, sketch);
        const searched = core.searchDirection(truth, everywhere);
        const fit = core.fit(seed, everywhere, searched);
        searched.close();
        expect(core.evaluate({ ...truth, ...fit }, 2.5).llh).toBeCloseTo(fit.llh, 1);
        core.close();
        return fit;
      }),
    );
    const lowest = Math.min(...fits.map((fit) => fit.llh));
    for (const fit of fits) expect(fit.llh - lowest).toBeLessThan(0.1);
    const [d, late] = across(fits[0]!);
    // The pulses are of a cruder light than the model's; strings are 125 m apart.
    expect(d).toBeLessThan(15);
    expect(Math.abs(late)).toBeLessThan(50);
  }, 60_000);

  /** How far the fit's track is from the true one, across (m) and in time (ns). */
  function across(fit: { x: number; y: number; z: number; time: number }): [number, number] {
    const d = [fit.x - truth.x, fit.y - truth.y, fit.z - truth.z] as const;
    const along = d[0] * direction[0] + d[1] * direction[1] + d[2] * direction[2];
    const square = d[0] ** 2 + d[1] ** 2 + d[2] ** 2 - along ** 2;
    return [Math.sqrt(Math.max(0, square)), fit.time - truth.time - along / speedOfLight];
  }
});

describe("faults", () => {
  const track = { x: 0, y: 0, z: 0, time: 10000, zenith: 1, azimuth: 2 };
  const lit = [dom({ pulses: [pulse(10000)] })];

  test("an empty readout window is bad input", () => {
    expect(() => openMillipede(light, lit, { ...settings, window: { start: 1, stop: 1 } })).toThrow(
      "readout window",
    );
  });

  test("a track that misses the volume has llh NaN and says so", () => {
    const core = openMillipede(light, lit, settings);
    const outside = { ...track, x: 5000, zenith: 0 };
    expect(core.evaluate(outside, 5).llh).toBeNaN();
    const fit = core.fit(outside, search);
    expect(fit.llh).toBeNaN();
    expect(fit.reason).toContain("misses the volume");
    core.close();
  });

  test("no charge at all: nothing to fit", () => {
    const core = openMillipede(light, [dom()], settings);
    const fit = core.fit(track, search);
    expect(fit.llh).toBeNaN();
    expect(fit.reason).toContain("no charge");
    core.close();
  });

  test("energies in the wrong number are bad input; a closed handle is not used", () => {
    const core = openMillipede(light, lit, settings);
    expect(() => llhOf(core, track, 5, [1, 2, 3])).toThrow("3 energies given");
    core.close();
    core.close();
    expect(() => core.evaluate(track, 5)).toThrow("closed");
  });

  test("hypotheses must be finite", () => {
    const core = openMillipede(light, lit, settings);
    expect(() => core.evaluate({ ...track, x: Number.NaN }, 5)).toThrow("finite");
    core.close();
  });

  test("fits and handles leave memory flat", () => {
    const doms = Array.from({ length: 60 }, (_, i) =>
      dom({ x: 20, z: 500 - 17 * i, pulses: i % 7 === 3 ? [pulse(10000 + 50 * i, 5)] : [] }),
    );
    const coarsely = { ...search, spacing: 20 };
    const run = (fits: number) => {
      for (let i = 0; i < fits; i++) {
        const core = openMillipede(light, doms, settings);
        core.fit(track, coarsely);
        core.close();
      }
      Bun.gc(true);
      return process.memoryUsage.rss() / 2 ** 20;
    };
    const before = run(20);
    expect(run(40) - before).toBeLessThan(16);
  }, 60_000);
});
