import { expect, test } from "bun:test";
import { meanSpeCharge } from "../../src/detector/spe_charge.ts";
import { NO_SPE, type SpeDistribution } from "../../src/i3/classes/spe.ts";

/** Mean charges of distributions in alerts, integrated with scipy's quad piece by piece (relative error 1e-13). */
const cases: [string, SpeDistribution, number, number][] = [
  [
    "version 1, DOM 1,1 of hese_event_00",
    {
      version: 1,
      exp1_amp: 11626.3,
      exp1_width: 0.380864,
      gaus_amp: 14842.7,
      gaus_mean: 1.05826,
      gaus_width: 0.275343,
    },
    1.05771,
    0.8072745445504225,
  ],
  [
    "version 2, DOM 1,1 of 138632_31747601",
    {
      version: 2,
      exp2_amp: 0.6017638467497851,
      exp2_width: 0.4244552110008532,
      exp1_amp: 6.9,
      exp1_width: 0.027,
      compensation_factor: 1.270153440822702,
      slc_gaus_mean: 1.1578154080837846,
      gaus_amp: 0.7963979010669011,
      gaus_mean: 1.0291933381295852,
      gaus_width: 0.2796928288478535,
    },
    1,
    0.8725138580279013,
  ],
  [
    "version 2, DOM 43,39 of 138632_31747601",
    {
      version: 2,
      exp2_amp: 0.6238530432834876,
      exp2_width: 0.30370742746190155,
      exp1_amp: 6.9,
      exp1_width: 0.027,
      compensation_factor: 1.270153440822702,
      slc_gaus_mean: 1.0779536354077974,
      gaus_amp: 0.7399325258914623,
      gaus_mean: 1.0108205024582346,
      gaus_width: 0.33701666764773697,
    },
    Number.NaN,
    0.8803874807045695,
  ],
];

test.each(cases)("mean charge of a photoelectron: %s", (_, spe, atwd, expected) => {
  expect(Math.abs(meanSpeCharge(spe, atwd) / expected - 1)).toBeLessThan(1e-10);
});

test("a distribution that is not known gives the nominal charge", () => {
  expect(meanSpeCharge(NO_SPE, Number.NaN)).toBe(0.86);
  expect(meanSpeCharge(NO_SPE, 1.075)).toBe(0.86 / 1.075);
  const broken = { ...cases[1]![1], exp2_width: Number.NaN } as SpeDistribution;
  expect(meanSpeCharge(broken, Number.NaN)).toBe(0.86);
});

test("one exponential up to far beyond its width has its width as mean", () => {
  const spe: SpeDistribution = {
    version: 4,
    components: [{ kind: "exponential", amplitude: 3, width: 0.25 }],
    compensation_factor: 1,
    fadc_charge_scale: 1,
    residuals: { x: Float64Array.of(0.5), y: Float64Array.of(2) },
    integral_limit: 10,
  };
  expect(Math.abs(meanSpeCharge(spe, 1) - 0.25)).toBeLessThan(1e-12);
});
