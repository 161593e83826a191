// What light a model expects at one place, as a physicist asks for it: how much, and when.

import { groupIndex, speedOfLight } from "../geometry/constants.ts";
import type { Hypothesis } from "../geometry/track.ts";
import { cascadeLight, type LightModel, muonLight } from "../native/light.ts";

/** PE at a DOM of efficiency 1, and when they arrive: ns after the geometric time, null where never. */
export interface Expectation {
  readonly amplitude: number;
  readonly times: readonly (number | null)[];
}

/** Light is looked for within these times, ns; halving them so often leaves 1e-9 ns. */
const EARLIEST = -1000;
const LATEST = 100_000;
const HALVINGS = 47;

/**
 * Of a cascade of this energy (GeV); times after r·n_g/c.
 * @param dom x, y, z (m)
 * @param quantiles shares of the light
 */
export function cascadeExpectation(
  light: LightModel,
  cascade: Hypothesis,
  energy: number,
  dom: readonly [number, number, number],
  quantiles: readonly number[],
): Expectation {
  const site = [...dom, 1];
  const [dx, dy, dz] = [dom[0] - cascade.x, dom[1] - cascade.y, dom[2] - cascade.z];
  const arrival = cascade.time + (Math.hypot(dx, dy, dz) * groupIndex) / speedOfLight;
  const sharesBefore = (times: readonly number[]) =>
    cascadeLight(
      light,
      cascade,
      site,
      times.map((time) => arrival + time),
    )?.cumulative.map(({ value }) => value);
  const seen = cascadeLight(light, cascade, site, []);
  return {
    amplitude: energy * (seen?.amplitude.value ?? 0),
    times: quantileTimes(quantiles, sharesBefore),
  };
}

/** Of a bare, infinite muon; times after direct Cherenkov light. */
export function muonExpectationAt(
  light: LightModel,
  muon: Hypothesis,
  dom: readonly [number, number, number],
  quantiles: readonly number[],
): Expectation {
  const site = [...dom, 1];
  const sharesBefore = (times: readonly number[]) =>
    muonLight(light, muon, site, times)?.timing.map(({ cumulative }) => cumulative.value);
  const seen = muonLight(light, muon, site, []);
  return { amplitude: seen?.bare.value ?? 0, times: quantileTimes(quantiles, sharesBefore) };
}

/** The times before which so much of the light comes, all of them by halving at once. */
function quantileTimes(
  quantiles: readonly number[],
  sharesBefore: (times: readonly number[]) => readonly number[] | undefined,
): (number | null)[] {
  // Ascending, as light models ask for them.
  const order = quantiles.map((_, i) => i).sort((a, b) => quantiles[a]! - quantiles[b]!);
  const wanted = order.map((i) => quantiles[i]!);
  const low = wanted.map(() => EARLIEST);
  const high = wanted.map(() => LATEST);
  const ends = sharesBefore([EARLIEST, LATEST]);
  for (let step = 0; step < HALVINGS; step++) {
    const middle = low.map((time, i) => (time + high[i]!) / 2);
    const shares = sharesBefore(middle) ?? [];
    for (const [i, time] of middle.entries()) (shares[i]! < wanted[i]! ? low : high)[i] = time;
  }
  const times: (number | null)[] = quantiles.map(() => null);
  for (const [k, i] of order.entries())
    if (ends && ends[0]! < wanted[k]! && ends[1]! >= wanted[k]!) times[i] = high[k]!;
  return times;
}
