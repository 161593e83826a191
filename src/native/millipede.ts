import type { TimeWindow } from "../geometry/time_window.ts";
import type { Direction, EnergyLoss, Hypothesis, Seed, Vertex } from "../geometry/track.ts";
import { call, type Handle, opened } from "./core.ts";
import type { LightModel } from "./light.ts";
import { structs } from "./structs.ts";

/** One DOM that takes part in the unfolding. */
export interface MillipedeDom {
  /** m. */
  readonly x: number;
  readonly y: number;
  readonly z: number;
  /** PE recorded per PE expected from a standard DOM: relative efficiency × mean SPE charge × η. */
  readonly efficiency: number;
  /** 1/ns. */
  readonly noiseRate: number;
  /** In time order: ns, PE, ns. */
  readonly pulses: readonly {
    readonly time: number;
    readonly charge: number;
    readonly width: number;
  }[];
  /** ns; what the data vector leaves out. */
  readonly exclusions: readonly TimeWindow[];
}

export interface MillipedeSettings {
  /** Readout, ns. */
  readonly window: TimeWindow;
  /** Bayesian blocks: a block must be worth BinSigma²/2 in ln L. */
  readonly binSigma: number;
  /** ns. */
  readonly minTimeWidth: number;
  /** Cascades lie within |x|, |y|, |z| ≤ boundary, m. */
  readonly boundary: number;
  /** 1/GeV²: ln L is less by this times ΣE². */
  readonly regularisation: number;
}

/** One DOM's part of the data vector: edges.length = charges.length + 1 = valid.length + 1, or all empty. */
export interface DomBins {
  /** ns. */
  readonly edges: readonly number[];
  /** PE. */
  readonly charges: readonly number[];
  /** false: a gap between readout pieces. */
  readonly valid: readonly boolean[];
}

/** How fits look for the minimum. */
export interface MillipedeSearch {
  /** Distance of neighbouring cascades, m. */
  readonly spacing: number;
  /** How far across the track all of the direction's minima are searched, m. */
  readonly reach: number;
  /** Whether the result's vertex is the track's point at the seed's time, within half a spacing; else next to the seed. */
  readonly keepsTime: boolean;
  /** Whether slopes alone lead on from where directions nearby have minima, or simplices as well: for rough surfaces. */
  readonly settles: boolean;
  /** Of each way down. */
  readonly maxEvaluations: number;
}

export interface MillipedeValue {
  /** Negative log-likelihood; NaN when no cascade is inside the boundary. */
  readonly llh: number;
  /** Of the plain Poisson llh, by x, y, z (1/m) and time (1/ns). */
  readonly gradient: readonly number[];
  /** Proven upper bound on what better energies could still gain in ln L. */
  readonly certificate: number;
  readonly iterations: number;
  readonly losses: readonly EnergyLoss[];
}

/** A track of a direction, anywhere along it. */
export interface MillipedeMinimum extends Vertex {
  readonly llh: number;
}

export interface MillipedeFit extends Vertex {
  readonly llh: number;
  /** All it came upon, lowest first. */
  readonly minima: readonly MillipedeMinimum[];
  readonly losses: readonly EnergyLoss[];
  readonly evaluations: number;
  readonly reason?: string;
}

/** What the core knows of a direction, whatever the seed. It may outlive the likelihood. */
export interface SearchedDirection {
  /** Of the likelihood, that the search took. */
  readonly evaluations: number;
  readonly handle: Handle;
  close(): void;
}

export interface Millipede {
  /** The data vector, in the order of the DOMs given. */
  readonly bins: readonly DomBins[];
  /**
   * llh with the energies at their optimum.
   * @param relativeUncertainty of every expectation; 0: plain Poisson
   */
  evaluate(hypothesis: Hypothesis, spacing: number, relativeUncertainty?: number): MillipedeValue;
  /** Searches a direction's minima once, for all its seeds. The caller closes what it is given. */
  searchDirection(direction: Direction, search: MillipedeSearch): SearchedDirection;
  /**
   * @param seed its fallback, where a neighbouring direction has its minimum, stands for a searched direction
   * @param searched the seed's direction, with the same search; without it and a fallback the way goes only
   * downhill from the seed
   */
  fit(seed: Seed, search: MillipedeSearch, searched?: SearchedDirection): MillipedeFit;
  /**
   * The same from where directions nearby have minima (llh NaN), beside minima of this direction that are known: without
   * a search of the whole direction. A reason, and llh NaN, where nothing is lower than what is known.
   */
  fitFrom(seed: Seed, starts: readonly MillipedeMinimum[], search: MillipedeSearch): MillipedeFit;
  /**
   * Minimises the likelihood in which every expectation is uncertain, from a minimum of the plain one; the energies
   * are the plain one's, as in the reference.
   */
  widenedFit(start: Hypothesis, spacing: number, relativeUncertainty: number): MillipedeFit;
  /** The core's. */
  readonly handle: Handle;
  close(): void;
}

/** In the order of the core's FitOutcome. */
const REASONS = [
  undefined,
  "the track misses the volume in which cascades are sought",
  "there is no charge to fit",
  "the likelihood is not a number",
  "nothing is lower than what is known",
] as const;

/**
 * Loads one event's data into the core. Throws InputError on bad numbers.
 * @param light of cascades; may be closed before this, as may sketchLight
 * @param sketchLight for the first part of fits' search, where its speed counts for more than its accuracy
 */
export function openMillipede(
  light: LightModel,
  doms: readonly MillipedeDom[],
  settings: MillipedeSettings,
  sketchLight?: LightModel,
): Millipede {
  const handle = opened(
    "millipede likelihood",
    "skyscan_millipede_open",
    "skyscan_millipede_close",
    light.handle,
    sketchLight?.handle ?? null,
    doms.length,
    structs.millipedeDom.packAll(doms),
    offsets(doms.map((dom) => dom.pulses.length)),
    structs.pulse.packAll(doms.flatMap((dom) => dom.pulses)),
    offsets(doms.map((dom) => dom.exclusions.length)),
    structs.interval.packAll(doms.flatMap((dom) => dom.exclusions)),
    structs.millipedeSettings.pack({ ...settings, ...settings.window }),
  );

  const losses = (): EnergyLoss[] =>
    structs.loss.readAll(
      list(structs.loss.size, (...room) => call("skyscan_millipede_losses", handle, ...room)),
    );
  const minima = (): MillipedeMinimum[] => minimaOf(handle);
  /** The latest fit. */
  const found = (minimum: Uint8Array, lowest = minima()): MillipedeFit => {
    const { outcome, ...fit } = structs.millipedeMinimum.read(minimum);
    const reason = REASONS[outcome];
    return { ...fit, losses: losses(), minima: lowest, ...(reason ? { reason } : {}) };
  };

  return {
    get bins() {
      return unpackBins(numbers((...room) => call("skyscan_millipede_bins", handle, ...room)));
    },
    evaluate(hypothesis, spacing, relativeUncertainty = 0) {
      const value = structs.millipedeValue.room();
      const at = structs.hypothesis.pack(hypothesis);
      call("skyscan_millipede_evaluate", handle, at, spacing, relativeUncertainty, value);
      return { ...structs.millipedeValue.read(value), losses: losses() };
    },
    searchDirection({ zenith, azimuth }, search) {
      const evaluations = new Int32Array(1);
      const searched = opened(
        "searched direction",
        "skyscan_millipede_direction_open",
        "skyscan_millipede_direction_close",
        handle,
        zenith,
        azimuth,
        packSearch(search),
        evaluations,
      );
      return { evaluations: evaluations[0]!, handle: searched, close: () => searched.close() };
    },
    fit(seed, search, searched) {
      const minimum = structs.millipedeMinimum.room();
      call(
        "skyscan_millipede_fit",
        handle,
        searched?.handle ?? null,
        structs.hypothesis.pack(seed),
        seed.fallback ? structs.vertex.pack(seed.fallback) : null,
        packSearch(search),
        minimum,
      );
      return found(minimum);
    },
    fitFrom(seed, starts, search) {
      const minimum = structs.millipedeMinimum.room();
      const list = starts.map((start) => ({ ...start, evaluations: 0, outcome: 0 }));
      call(
        "skyscan_millipede_fit_from",
        handle,
        structs.millipedeMinimum.packAll(list),
        starts.length,
        structs.hypothesis.pack(seed),
        packSearch(search),
        minimum,
      );
      return found(minimum);
    },
    widenedFit(start, spacing, relativeUncertainty) {
      const minimum = structs.millipedeMinimum.room();
      const at = structs.hypothesis.pack(start);
      call("skyscan_millipede_widened_fit", handle, at, spacing, relativeUncertainty, minimum);
      return found(minimum, []);
    },
    handle,
    close: () => handle.close(),
  };
}

/** Those that the latest fit came upon. */
const minimaOf = (handle: Handle): MillipedeMinimum[] =>
  structs.millipedeMinimum
    .readAll(
      list(structs.millipedeMinimum.size, (...room) =>
        call("skyscan_millipede_minima", handle, ...room),
      ),
    )
    .map(({ llh, x, y, z, time }) => ({ llh, x, y, z, time }));

const packSearch = (search: MillipedeSearch) =>
  structs.millipedeSearch.pack({
    ...search,
    keepsTime: search.keepsTime ? 1 : 0,
    settles: search.settles ? 1 : 0,
  });

/** Where each group begins when groups of these lengths are laid end to end, and where the last ends. */
function offsets(lengths: readonly number[]): BigInt64Array {
  const begin = new BigInt64Array(lengths.length + 1);
  lengths.forEach((length, i) => {
    begin[i + 1] = begin[i]! + BigInt(length);
  });
  return begin;
}

/** Asks for a list of which only the core knows the length: again when it is longer than expected. */
function list(
  size: number,
  ask: (out: Uint8Array, capacity: number, count: BigInt64Array) => void,
): Uint8Array {
  const count = new BigInt64Array(1);
  for (let capacity = 8192; ; capacity = Number(count[0])) {
    const out = new Uint8Array(capacity * size);
    ask(out, capacity, count);
    if (Number(count[0]) <= capacity) return out.slice(0, Number(count[0]) * size);
  }
}

/** A list of float64; see {@link list}. */
export const numbers = (
  ask: (out: Uint8Array, capacity: number, count: BigInt64Array) => void,
): Float64Array => new Float64Array(list(8, ask).buffer);

function unpackBins(flat: Float64Array): DomBins[] {
  const doms: DomBins[] = [];
  for (let at = 0; at < flat.length; ) {
    const n = flat[at++]!;
    const take = (count: number) => {
      at += count;
      return [...flat.subarray(at - count, at)];
    };
    const edges = take(n > 0 ? n + 1 : 0);
    doms.push({ edges, charges: take(n), valid: take(n).map((value) => value === 1) });
  }
  return doms;
}
