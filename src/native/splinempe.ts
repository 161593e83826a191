import type { Direction, Hypothesis, Seed, Vertex } from "../geometry/track.ts";
import { call, opened } from "./core.ts";
import type { LightModel } from "./light.ts";
import { structs } from "./structs.ts";

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

/** The minima of one direction that matter, for the fits of all its seeds. */
export interface DirectionMinima extends Direction {
  /** llh, x, y, z each. */
  readonly minima: Float64Array;
  /** Likelihood calls the search took. */
  readonly evaluations: number;
}

export interface SplineMpeFit extends Vertex {
  readonly llh: number;
  /** Likelihood calls, beside those of the search. */
  readonly evaluations: number;
}

/** An event's first pulses loaded into the core. One thread at a time; close it when done. */
export interface SplineMpe {
  /** Negative log-likelihood. `exact`: smeared as the reference does, slowly. */
  evaluate(hypothesis: Hypothesis, options?: { readonly exact?: boolean }): number;
  /** Negative log-likelihood and its gradient by x, y, z (1/m). */
  evaluateWithGradient(hypothesis: Hypothesis): { llh: number; gradient: [number, number, number] };
  /** Finds a direction's minima. `thorough`: also those right beside the lowest, which takes longer. */
  search(direction: Direction, options?: { readonly thorough?: boolean }): DirectionMinima;
  /**
   * Minimises over x, y, z; direction and time stay the seed's. Starts from the fallback as well where it is the
   * better guess. @param minima of the seed's direction, from a search of this likelihood
   */
  fit(seed: Seed, minima: DirectionMinima): SplineMpeFit;
  close(): void;
}

/** Numbers a search writes at most: SKYSCAN_SPLINEMPE_SEARCH. */
const SEARCH_SIZE = 257;

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
  const evaluate = (hypothesis: Hypothesis, exact: boolean): void =>
    call("skyscan_splinempe_evaluate", handle, structs.hypothesis.pack(hypothesis), exact ? 1 : 0, out);
  return {
    evaluate(hypothesis, { exact = false } = {}) {
      evaluate(hypothesis, exact);
      return out[0]!;
    },
    evaluateWithGradient(hypothesis) {
      evaluate(hypothesis, false);
      return { llh: out[0]!, gradient: [out[1]!, out[2]!, out[3]!] };
    },
    search({ zenith, azimuth }, { thorough = false } = {}) {
      const found = new Float64Array(SEARCH_SIZE);
      const count = new BigInt64Array(1);
      call(
        "skyscan_splinempe_search",
        handle,
        zenith,
        azimuth,
        thorough ? 1 : 0,
        found,
        found.length,
        count,
      );
      const minima = found.slice(1, Number(count[0]));
      return { zenith, azimuth, minima, evaluations: found[0]! };
    },
    fit(seed, { zenith, azimuth, minima }) {
      if (seed.zenith !== zenith || seed.azimuth !== azimuth)
        throw new Error("splinempe: these minima are another direction's");
      const { fallback } = seed;
      const other = fallback && Float64Array.of(fallback.x, fallback.y, fallback.z, fallback.time);
      call(
        "skyscan_splinempe_fit",
        handle,
        minima,
        minima.length,
        structs.hypothesis.pack(seed),
        other ?? null,
        out,
      );
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
