import { describe, expect, test } from "bun:test";
import { builtinDetector } from "../../src/detector/builtin.ts";
import { loadEvent } from "../../src/event/load.ts";
import { directionOfTravel, type Hypothesis } from "../../src/geometry/track.ts";
import { openEmbeddedLight, openLight } from "../../src/light/light.ts";
import { type LightModel, muonLight } from "../../src/native/light.ts";
import { openSplineMpe, type SplineMpeInput } from "../../src/native/splinempe.ts";
import { splinempe } from "../../src/reco/splinempe.ts";
import { present, shared } from "../shared.ts";

const alerts = [
  { name: "run00136662-evt000035405932-BRONZE", file: "run00136662-evt000035405932-BRONZE.pkl" },
  { name: "run00136766-evt000007637140-GOLD", file: "run00136766-evt000007637140-GOLD.pkl" },
  { name: "138632_31747601", file: "138632_31747601.json" },
];
const events = present(alerts, ({ name, file }) => [
  `events/${file}`,
  `oracle/llh/splinempe_llh_${name}.json`,
  `oracle/fits/fits_splinempe_${name}.json`,
]);

/** What the likelihood sees of an alert, prepared as the scan does. */
async function inputOf(file: string, light: LightModel, energy: number): Promise<SplineMpeInput> {
  const event = await loadEvent(shared("events", file));
  const detector = builtinDetector();
  const { cleaned, readoutWindow } = splinempe.prepare(event, detector, light);
  const doms = [...cleaned].map(([key, pulses]) => {
    const { x, y, z } = detector.doms.get(key)!;
    const charge = pulses.reduce((sum, pulse) => sum + pulse.charge, 0);
    return { x, y, z, efficiency: 1, firstTime: pulses[0]!.time, charge };
  });
  return { doms, window: readoutWindow, energy };
}

interface Hypotheses {
  energy: number;
  hypotheses: {
    label: string;
    pos: [number, number, number];
    zenith: number;
    azimuth: number;
    time: number;
    lnL: { max: number };
  }[];
}

const sourceOf = (from: {
  pos: readonly number[];
  time: number;
  zenith: number;
  azimuth: number;
}): Hypothesis => ({
  x: from.pos[0]!,
  y: from.pos[1]!,
  z: from.pos[2]!,
  time: from.time,
  zenith: from.zenith,
  azimuth: from.azimuth,
});

describe("splinempe on photon tables", () => {
  const light = openLight({ reco: "muon", photonTables: shared("oracle/tables") });

  test.each(events)("is the reference's likelihood: $name", async ({ name, file }) => {
    const { energy, hypotheses } = (await Bun.file(
      shared(`oracle/llh/splinempe_llh_${name}.json`),
    ).json()) as Hypotheses;
    const likelihood = openSplineMpe(light, await inputOf(file, light, energy));
    for (const hypothesis of hypotheses) {
      const reference = -hypothesis.lnL.max;
      const exact = likelihood.evaluate(sourceOf(hypothesis), { exact: true });
      // The reference's CDF is in single precision, which late pulses raise what is left of to a power
      // of; seen: 2e-7 where that is 1e-7 at one DOM, 4e-8 elsewhere.
      expect(Math.abs(exact / reference - 1)).toBeLessThan(5e-7);
      // Smeared in double precision: the reference's single precision, and its straight-line noise.
      expect(Math.abs(likelihood.evaluate(sourceOf(hypothesis)) - reference)).toBeLessThan(1e-3);
    }
    likelihood.close();
  });

  // The vertex is where DOM 11,60 is, the brightest one, but for the last bit: rounding alone says from
  // which side of the track the DOM sees the light, and up to 0.2 in llh follow from that.
  const onTrack = events.filter(({ name }) => name === "run00136766-evt000007637140-GOLD");
  test.each(onTrack)(
    "sees a DOM on the track as the reference does: $name",
    async ({ name, file }) => {
      const { energy } = (await Bun.file(
        shared(`oracle/llh/splinempe_llh_${name}.json`),
      ).json()) as Hypotheses;
      const likelihood = openSplineMpe(light, await inputOf(file, light, energy));
      const vertex = { x: 158.94000000000003, y: -345.23, z: -504.38999999999993, time: 735541 };
      for (const { zenith, azimuth, reference } of [
        { zenith: 2.409290829503501, azimuth: 0.5892193594094595, reference: 2112.7898187133073 },
        { zenith: 1.4049875308898874, azimuth: 3.6036059687125217, reference: 2406.196639654351 },
        { zenith: 1.4888502311863263, azimuth: 3.505328412694663, reference: 2342.4299888001347 },
      ]) {
        const at = { ...vertex, zenith, azimuth };
        const exact = likelihood.evaluate(at, { exact: true });
        expect(Math.abs(exact / reference - 1)).toBeLessThan(1e-7);
        const { llh, gradient } = likelihood.evaluateWithGradient(at);
        expect(Math.abs(llh - reference)).toBeLessThan(1e-3);
        // Of the light, some 10 a metre; rounding's own would be 1e11.
        expect(Math.hypot(...gradient)).toBeLessThan(100);
      }
      likelihood.close();
    },
  );

  test.each(events)("finds minima as low as the reference: $name", async ({ name, file }) => {
    interface Fits {
      MuEx_energy: number;
      fits: {
        pixel: number;
        seed: { pos: number[]; time: number; zenith: number; azimuth: number };
        "splinempe-recoFitParams": { logl: number | "nan" };
      }[];
    }
    const { MuEx_energy, fits } = (await Bun.file(
      shared(`oracle/fits/fits_splinempe_${name}.json`),
    ).json()) as Fits;
    const likelihood = openSplineMpe(light, await inputOf(file, light, MuEx_energy));
    // The best of a pixel's seven fits counts, wherever on the sky it is.
    const [ours, theirs] = [new Map<number, number>(), new Map<number, number>()];
    const keep = (best: Map<number, number>, pixel: number, llh: number) =>
      best.set(pixel, Math.min(best.get(pixel) ?? Number.POSITIVE_INFINITY, llh));
    let worse = 0;
    for (const { pixel, seed, "splinempe-recoFitParams": fit } of fits) {
      const from = sourceOf(seed);
      const found = likelihood.fit([from], likelihood.search(from));
      const { llh } = found;
      // Fits compute values without slopes where these are not needed.
      expect(llh).toBeCloseTo(likelihood.evaluate({ ...sourceOf(seed), ...found }), 8);
      keep(ours, pixel, llh);
      if (fit.logl === "nan") continue;
      keep(theirs, pixel, fit.logl);
      if (llh > fit.logl + 0.1) worse++;
    }
    expect(theirs.size).toBeGreaterThan(3);
    // 0.1 in llh hardly moves a contour: the one of 50 % is 0.69 above the best.
    for (const [pixel, llh] of theirs) expect(ours.get(pixel)! - llh).toBeLessThan(0.1);
    expect(worse).toBe(0);
    likelihood.close();
  });
});

describe("splinempe on the embedded light", () => {
  const light = openEmbeddedLight("muon");
  /** A muon through the middle of a small grid of DOMs, which see its light at once or a little later. */
  const truth: Hypothesis = { x: 20, y: -10, z: 30, time: 1000, zenith: 1.1, azimuth: 0.7 };
  const input = gridEvent(truth);
  const likelihood = openSplineMpe(light, input);
  const axes = ["x", "y", "z"] as const;
  const nearby = [
    truth,
    { ...truth, x: 45, z: 12 },
    { ...truth, y: 31, zenith: 1.3 },
    { ...truth, x: -160, y: 90, z: 140, azimuth: 2 },
  ];

  test("has the gradient of its differences", () => {
    const step = 1e-4;
    for (const at of nearby) {
      const { llh, gradient } = likelihood.evaluateWithGradient(at);
      // Where products and sums are fused is the compiler's choice, with slopes another one: the last bits.
      expect(Math.abs(llh - likelihood.evaluate(at))).toBeLessThan(1e-12 * Math.abs(llh));
      axes.forEach((axis, i) => {
        const difference =
          likelihood.evaluate({ ...at, [axis]: at[axis] + step }) -
          likelihood.evaluate({ ...at, [axis]: at[axis] - step });
        expect(Math.abs(gradient[i]! - difference / (2 * step))).toBeLessThan(
          1e-3 * Math.hypot(...gradient) + 1e-5,
        );
      });
    }
  });

  test("smears as the reference does, within 1e-3", () => {
    for (const energy of [0, 50, 1e3, 5e4, 2e7]) {
      const other = openSplineMpe(light, { ...input, energy });
      for (const at of nearby)
        expect(Math.abs(other.evaluate(at) - other.evaluate(at, { exact: true }))).toBeLessThan(
          1e-3,
        );
      other.close();
    }
  });

  test("is the density of one photon plus noise where there is one pulse and no energy", () => {
    // Energy 0: no noise model, no power of the charge; 9 ns of smearing, too late here to matter.
    const dom = { ...input.doms[0]!, charge: 1 };
    const one = openSplineMpe(light, { ...input, doms: [dom], energy: 0 });
    const late = { ...truth, time: truth.time - 300 };
    const { delay, density } = directDensity(light, late, dom);
    expect(delay).toBeGreaterThan(40);
    expect(one.evaluate(late)).toBeCloseTo(-Math.log(density + 1e-8), 9);
    one.close();
  });

  test("finds the track from afar, the same one each time", () => {
    const seed = { ...truth, x: truth.x + 70, y: truth.y - 60, z: truth.z + 50 };
    const minima = likelihood.search(seed);
    const fit = likelihood.fit([seed], minima);
    expect(fit.llh).toBeLessThan(likelihood.evaluate(truth) + 0.1);
    expect(fit.llh).toBeCloseTo(likelihood.evaluate({ ...seed, ...fit }), 9);
    expect(fit.time).toBe(seed.time);
    // Whatever was searched and fitted in between.
    const elsewhere = { ...seed, azimuth: 2 };
    likelihood.fit([elsewhere], likelihood.search(elsewhere));
    expect(likelihood.search(seed)).toEqual(minima);
    expect(likelihood.fit([seed], minima)).toEqual(fit);
    const thorough = likelihood.search(seed, { thorough: true });
    expect(thorough.evaluations).toBeGreaterThan(minima.evaluations);
    const withFallback = likelihood.fit(
      [{ ...seed, fallback: { ...truth, time: truth.time + 50 } }],
      thorough,
    );
    expect(withFallback.llh).toBeLessThan(fit.llh + 0.1);
  });

  test("a direction nearby leads to its lowest minimum, and what is known stays known", () => {
    const whole = likelihood.search(truth, { thorough: true });
    const lowest = Math.min(...whole.minima.map(({ llh }) => llh));
    const near = { ...truth, zenith: truth.zenith + 0.01, azimuth: truth.azimuth - 0.01 };
    const guesses = likelihood
      .search(near)
      .minima.map((minimum) => ({ ...minimum, llh: Number.NaN }));
    const found = likelihood.searchBeside(truth, guesses);
    const [best] = found.minima;
    expect(best!.llh).toBeLessThan(lowest + 0.1);
    expect(found.evaluations).toBeLessThan(whole.evaluations);
    const fit = likelihood.vertexAt(truth, found);
    expect(fit.llh).toBeCloseTo(best!.llh, 9);
    expect(fit.time).toBe(truth.time);
    const again = likelihood.searchBeside(truth, [...found.minima, guesses.at(-1)!]);
    expect(again.minima[0]!.llh).toBeLessThanOrEqual(best!.llh);
    expect(() => likelihood.searchBeside(truth, [])).toThrow(/1 to 128/);
    expect(() => likelihood.vertexAt({ ...truth, azimuth: 2 }, found)).toThrow(/direction/);
  });

  test("refuses minima of another direction, and none", () => {
    const minima = likelihood.search(truth);
    expect(() => likelihood.fit([truth, { ...truth, azimuth: 2 }], minima)).toThrow(/direction/);
    const none = { ...minima, minima: [] };
    expect(() => likelihood.fit([truth], none)).toThrow(/at least one minimum/);
    expect(() => likelihood.fit([], minima)).toThrow(/at least one seed/);
  });

  test("stays within 2000 m", () => {
    const found = likelihood.search(truth);
    const outside = { ...truth, x: 2500, y: -2500, z: 0 };
    const fit = likelihood.fit([outside], found);
    for (const axis of axes) expect(Math.abs(fit[axis])).toBeLessThanOrEqual(2000);
    // So late that no vertex on the lowest track is near: the next seed's time is taken.
    const late = { ...truth, time: truth.time + 20_000 };
    const alone = likelihood.fit([truth], found);
    const both = likelihood.fit([late, truth], found);
    expect(both.time).toBe(truth.time);
    expect(both.llh).toBeLessThanOrEqual(alone.llh + 1e-6);
  });

  test("refuses what is no number, in one line", () => {
    expect(() => likelihood.evaluate({ ...truth, zenith: Number.NaN })).toThrow(/finite/);
    expect(() => openSplineMpe(light, { ...input, doms: [] })).toThrow(/no DOM/);
    expect(() => openSplineMpe(light, { ...input, energy: Number.NaN })).toThrow(/energy/);
  });
});

function directDensity(light: LightModel, track: Hypothesis, dom: SplineMpeInput["doms"][number]) {
  const site = [dom.x, dom.y, dom.z, dom.efficiency];
  const { geometricTime } = muonLight(light, track, site, [])!;
  const delay = dom.firstTime - track.time - geometricTime.value;
  return { delay, density: muonLight(light, track, site, [delay])!.timing[0]!.density.value };
}

/** DOMs on a grid, each hit a time after direct light that grows with its distance from the track. */
function gridEvent(track: Hypothesis): SplineMpeInput {
  const direction = directionOfTravel(track);
  const cosine = 1 / 1.3195;
  const sine = Math.sqrt(1 - cosine * cosine);
  const doms: SplineMpeInput["doms"][number][] = [];
  for (let x = -125; x <= 125; x += 125)
    for (let y = -125; y <= 125; y += 125)
      for (let z = -68; z <= 68; z += 17) {
        const reach = [x - track.x, y - track.y, z - track.z] as const;
        const along = reach[0] * direction[0] + reach[1] * direction[1] + reach[2] * direction[2];
        const rho = Math.sqrt(
          Math.max(0, reach[0] ** 2 + reach[1] ** 2 + reach[2] ** 2 - along ** 2),
        );
        if (rho > 110) continue;
        const direct =
          track.time + (along - (rho * cosine) / sine + (rho / sine) * 1.35634) / 0.299792458;
        const charge = Math.max(0.8, 60 * Math.exp(-rho / 25));
        doms.push({ x, y, z, efficiency: 1, firstTime: direct + 4 + 0.5 * rho, charge });
      }
  const times = doms.map(({ firstTime }) => firstTime);
  return {
    doms,
    window: { start: Math.min(...times), stop: Math.max(...times) + 800 },
    energy: 8000,
  };
}
