import type { Hypothesis, Seed, Vertex } from "../geometry/track.ts";
import { call, opened } from "./core.ts";
import { hypothesisArray, type LightModel } from "./light.ts";

/** What one DOM saw, and where it is (m). */
export interface FirstPulse {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  /** Relative DOM efficiency. */
  readonly efficiency: number;
  /** Time of the first pulse, ns. */
  readonly firstTime: number;
  /** Charge of all its pulses, PE. */
  readonly charge: number;
}

export interface SplineMpeInput {
  /** Those with pulses. */
  readonly doms: readonly FirstPulse[];
  /** First and last pulse time over all DOMs, ns. */
  readonly window: { readonly start: number; readonly stop: number };
  /** GeV; 0 or less switches the noise model off. */
  readonly energy: number;
}

export interface SplineMpeFit extends Vertex {
  readonly llh: number;
  /** Likelihood calls; those that all fits of one direction share count with the first of them. */
  readonly evaluations: number;
}

/** An event's first pulses loaded into the core. One thread at a time; close it when done. */
export interface SplineMpe {
  /** Negative log-likelihood. */
  evaluate(
    hypothesis: Hypothesis,
    options?: { readonly energy?: number; readonly exact?: boolean },
  ): number;
  /** Negative log-likelihood and its gradient by x, y, z (1/m). */
  evaluateWithGradient(hypothesis: Hypothesis): { llh: number; gradient: [number, number, number] };
  /** Minimises over x, y, z; direction and time stay the seed's. Starts from the fallback as well where it is the better guess. */
  fit(seed: Seed): SplineMpeFit;
  close(): void;
}

/** The splinempe likelihood on a light model, which must stay open as long as this. */
export function openSplineMpe(light: LightModel, input: SplineMpeInput): SplineMpe {
  const doms = new Float64Array(6 * input.doms.length);
  input.doms.forEach(({ x, y, z, efficiency, firstTime, charge }, i) => {
    // The reference asks the tables for a standard DOM's light.
    const relative = light.kind === "tables" ? 1 : efficiency;
    doms.set([x, y, z, relative, firstTime, charge], 6 * i);
  });
  const { start, stop } = input.window;
  const handle = opened(
    "splinempe likelihood",
    "skyscan_splinempe_open",
    "skyscan_splinempe_close",
    light.handle,
    input.doms.length,
    doms,
    start,
    stop,
    input.energy,
  );
  const out = new Float64Array(6);
  const evaluate = (hypothesis: Hypothesis, energy: number, exact: boolean): void =>
    call(
      "skyscan_splinempe_evaluate",
      handle,
      hypothesisArray(hypothesis),
      energy,
      exact ? 1 : 0,
      out,
    );
  return {
    evaluate(hypothesis, { energy = Number.NaN, exact = false } = {}) {
      evaluate(hypothesis, energy, exact);
      return out[0]!;
    },
    evaluateWithGradient(hypothesis) {
      evaluate(hypothesis, Number.NaN, false);
      return { llh: out[0]!, gradient: [out[1]!, out[2]!, out[3]!] };
    },
    fit(seed) {
      const from = hypothesisArray(seed);
      const { fallback } = seed;
      const other = fallback && Float64Array.of(fallback.x, fallback.y, fallback.z, fallback.time);
      call("skyscan_splinempe_fit", handle, from, other ?? null, Number.NaN, out);
      const [llh, x, y, z, time, evaluations] = out as unknown as [
        number,
        number,
        number,
        number,
        number,
        number,
      ];
      return { llh, x, y, z, time, evaluations };
    },
    close: () => handle.close(),
  };
}
