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

/** Where a track is, m, at a time of the likelihood's own. llh NaN: a guess. */
export interface TrackPlace {
  readonly llh: number;
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

/** The minima of one direction that matter, for the fits of all its seeds. */
export interface DirectionMinima extends Direction {
  readonly minima: readonly TrackPlace[];
  /** Likelihood calls the search took. */
  readonly evaluations: number;
}

export interface SplineMpeFit extends Vertex {
  readonly llh: number;
  /** Likelihood calls, beside those of the search. */
  readonly evaluations: number;
}

/** A track to start from, at a time of the likelihood's own (m, rad). */
export interface TrackGuess extends Direction {
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

/** The lowest track of all directions. */
export interface FreeDirection extends Hypothesis {
  readonly llh: number;
  /**
   * Covariance of the direction in the tangent plane, rad²: u towards growing azimuth, v towards smaller zenith. NaN where
   * the likelihood does not curve upwards.
   */
  readonly uu: number;
  readonly uv: number;
  readonly vv: number;
  /** Likelihood calls. */
  readonly evaluations: number;
}

/** An event's first pulses loaded into the core. One thread at a time; close it when done. */
export interface SplineMpe {
  /** Negative log-likelihood. `exact`: smeared as the reference does, slowly. */
  evaluate(hypothesis: Hypothesis, options?: { readonly exact?: boolean }): number;
  /** Negative log-likelihood and its gradient by x, y, z (1/m). */
  evaluateWithGradient(hypothesis: Hypothesis): {
    readonly llh: number;
    readonly gradient: readonly number[];
  };
  /** Finds a direction's minima. `thorough`: also those right beside the lowest, which takes longer. */
  search(direction: Direction, options?: { readonly thorough?: boolean }): DirectionMinima;
  /** The same from places where directions nearby have minima, and from minima that are known; at least one, at most 128. */
  searchBeside(direction: Direction, starts: readonly TrackPlace[]): DirectionMinima;
  /** Minimises over direction and place together, from each of these tracks. Throws InputError where there is none. */
  freeDirection(starts: readonly TrackGuess[]): FreeDirection;
  /**
   * The lowest minimum whose vertex at the seed's time is within the detector's surroundings, with the llh that it came
   * with; where there is none the seed, evaluated.
   */
  vertexAt(seed: Seed, minima: DirectionMinima): SplineMpeFit;
  /**
   * Minimises over x, y, z from every seed and its fallback; the direction stays theirs, which is one, the time the first
   * seed's with which a vertex can be where the minimum is.
   * @param seeds at least one
   * @param minima of the seeds' direction, from a search of this likelihood
   */
  fit(seeds: readonly Seed[], minima: DirectionMinima): SplineMpeFit;
  close(): void;
}

/** SKYSCAN_SPLINEMPE_MINIMA: the most that a search finds. */
const MOST_MINIMA = 128;

/**
 * The splinempe likelihood of one event. Throws InputError without DOMs, and on numbers that are not finite.
 * @param light of muons; may be closed before this
 */
export function openSplineMpe(light: LightModel, input: SplineMpeInput): SplineMpe {
  // The reference asks the tables for a standard DOM's light.
  const doms =
    light.kind === "tables" ? input.doms.map((dom) => ({ ...dom, efficiency: 1 })) : input.doms;
  const handle = opened(
    "splinempe likelihood",
    "skyscan_splinempe_open",
    "skyscan_splinempe_close",
    light.handle,
    doms.length,
    structs.splinempeDom.packAll(doms),
    structs.splinempeSettings.pack({ ...input.window, energy: input.energy }),
  );
  // Of one thread, and read before the next call: made once.
  const found = structs.splinempeMinimum.room(MOST_MINIMA);
  const count = new BigInt64Array(1);
  const evaluations = new BigInt64Array(1);
  /** Asks for a direction's minima. */
  const minimaOf = (
    { zenith, azimuth }: Direction,
    ask: (...room: [Uint8Array, BigInt64Array, BigInt64Array]) => void,
  ): DirectionMinima => {
    ask(found, count, evaluations);
    const minima = structs.splinempeMinimum.readAll(
      found.subarray(0, Number(count[0]) * structs.splinempeMinimum.size),
    );
    return { zenith, azimuth, minima, evaluations: Number(evaluations[0]) };
  };
  return {
    evaluate(hypothesis, { exact = false } = {}) {
      const llh = new Float64Array(1);
      const at = structs.hypothesis.pack(hypothesis);
      if (exact) call("skyscan_splinempe_evaluate_exactly", handle, at, llh);
      else call("skyscan_splinempe_evaluate", handle, at, llh, null);
      return llh[0]!;
    },
    evaluateWithGradient(hypothesis) {
      const llh = new Float64Array(1);
      const gradient = new Float64Array(3);
      const at = structs.hypothesis.pack(hypothesis);
      call("skyscan_splinempe_evaluate", handle, at, llh, gradient);
      return { llh: llh[0]!, gradient: [...gradient] };
    },
    search(direction, { thorough = false } = {}) {
      const { zenith, azimuth } = direction;
      return minimaOf(direction, (...room) =>
        call("skyscan_splinempe_search", handle, zenith, azimuth, thorough ? 1 : 0, ...room),
      );
    },
    searchBeside(direction, starts) {
      const { zenith, azimuth } = direction;
      const places = structs.splinempeMinimum.packAll(starts);
      return minimaOf(direction, (...room) =>
        call(
          "skyscan_splinempe_search_beside",
          ...([handle, zenith, azimuth, places, starts.length] as const),
          ...room,
        ),
      );
    },
    freeDirection(starts) {
      const found = structs.splinempeDirection.room();
      const tracks = structs.splinempeTrack.packAll(starts);
      call("skyscan_splinempe_free_direction", handle, tracks, starts.length, found);
      return structs.splinempeDirection.read(found);
    },
    vertexAt(seed, found) {
      requireDirection(seed, found);
      const result = structs.splinempeResult.room();
      const minima = structs.splinempeMinimum.packAll(found.minima);
      const at = structs.hypothesis.pack(seed);
      call("skyscan_splinempe_vertex", handle, minima, found.minima.length, at, result);
      return structs.splinempeResult.read(result);
    },
    fit(seeds, found) {
      for (const seed of seeds) requireDirection(seed, found);
      const guesses = seeds.flatMap(({ fallback, ...seed }) =>
        fallback ? [seed, { ...seed, ...fallback }] : [seed],
      );
      const { minima } = found;
      const result = structs.splinempeResult.room();
      call(
        "skyscan_splinempe_fit",
        ...([handle, structs.splinempeMinimum.packAll(minima), minima.length] as const),
        ...([structs.hypothesis.packAll(guesses), guesses.length] as const),
        result,
      );
      return structs.splinempeResult.read(result);
    },
    close: () => handle.close(),
  };
}

function requireDirection(seed: Seed, { zenith, azimuth }: Direction): void {
  if (seed.zenith !== zenith || seed.azimuth !== azimuth)
    throw new Error("splinempe: these minima are another direction's");
}
