import type { TimeWindow } from "../geometry/time_window.ts";
import type { EnergyLoss, Hypothesis, Seed, Vertex } from "../geometry/track.ts";
import { call, type Handle, opened } from "./core.ts";
import type { LightModel } from "./light.ts";

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
  /** How far across the track all of the direction's minima are looked for, m; 0: only downhill from the seed. */
  readonly reach: number;
  /** Whether the result's vertex is the track's point at the seed's time, within half a spacing; else next to the seed. */
  readonly keepsTime: boolean;
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

export interface MillipedeFit extends Vertex {
  readonly llh: number;
  readonly losses: readonly EnergyLoss[];
  readonly evaluations: number;
  readonly reason?: string;
}

export interface Millipede {
  /** The data vector, in the order of the DOMs given. */
  readonly bins: readonly DomBins[];
  /**
   * llh with the energies at their optimum.
   * @param relativeUncertainty of every expectation; 0: plain Poisson
   */
  evaluate(hypothesis: Hypothesis, spacing: number, relativeUncertainty?: number): MillipedeValue;
  /** @param seed its fallback, where a neighbouring direction has its minimum, spares most of the search */
  fit(seed: Seed, search: MillipedeSearch): MillipedeFit;
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
] as const;

/**
 * Loads one event's data into the core. Throws InputError on bad numbers.
 * @param light must stay open as long, as must sketchLight
 * @param sketchLight for the first part of fits' search, where its speed counts for more than its accuracy
 */
export function openMillipede(
  light: LightModel,
  doms: readonly MillipedeDom[],
  settings: MillipedeSettings,
  sketchLight?: LightModel,
): Millipede {
  const { window } = settings;
  const handle = opened(
    "millipede likelihood",
    "skyscan_millipede_open",
    "skyscan_millipede_close",
    light.handle,
    sketchLight?.handle ?? null,
    doms.length,
    numbers(doms.flatMap(({ x, y, z, efficiency, noiseRate }) => [x, y, z, efficiency, noiseRate])),
    offsets(doms.map((dom) => dom.pulses.length)),
    numbers(doms.flatMap((dom) => dom.pulses.flatMap((p) => [p.time, p.charge, p.width]))),
    offsets(doms.map((dom) => dom.exclusions.length)),
    numbers(doms.flatMap((dom) => dom.exclusions.flatMap((w) => [w.start, w.stop]))),
    numbers([
      window.start,
      window.stop,
      settings.binSigma,
      settings.minTimeWidth,
      settings.boundary,
      settings.regularisation,
    ]),
  );

  const losses = (): EnergyLoss[] => {
    const flat = list((...room) => call("skyscan_millipede_losses", handle, ...room));
    return Array.from({ length: flat.length / 5 }, (_, i) => ({
      x: flat[5 * i]!,
      y: flat[5 * i + 1]!,
      z: flat[5 * i + 2]!,
      time: flat[5 * i + 3]!,
      energy: flat[5 * i + 4]!,
    }));
  };

  return {
    get bins() {
      return unpackBins(list((...room) => call("skyscan_millipede_bins", handle, ...room)));
    },
    evaluate(hypothesis, spacing, relativeUncertainty = 0) {
      const out = new Float64Array(7);
      call(
        "skyscan_millipede_evaluate",
        handle,
        pack(hypothesis),
        spacing,
        relativeUncertainty,
        out,
      );
      return {
        llh: out[0]!,
        gradient: [...out.slice(1, 5)],
        certificate: out[5]!,
        iterations: out[6]!,
        losses: losses(),
      };
    },
    fit(seed, { spacing, reach, keepsTime, maxEvaluations }) {
      const out = new Float64Array(7);
      const { fallback } = seed;
      call(
        "skyscan_millipede_fit",
        handle,
        pack(seed),
        fallback ? numbers([fallback.x, fallback.y, fallback.z, fallback.time]) : null,
        numbers([spacing, reach, keepsTime ? 1 : 0, maxEvaluations]),
        out,
      );
      const [llh, x, y, z, time, evaluations, outcome] = out as unknown as number[];
      const reason = REASONS[outcome!];
      return {
        llh: llh!,
        x: x!,
        y: y!,
        z: z!,
        time: time!,
        evaluations: evaluations!,
        losses: losses(),
        ...(reason ? { reason } : {}),
      };
    },
    handle,
    close: () => handle.close(),
  };
}

const numbers = (values: readonly number[]): Float64Array => Float64Array.from(values);

/** Where each group begins when groups of these lengths are laid end to end, and where the last ends. */
function offsets(lengths: readonly number[]): BigInt64Array {
  const begin = new BigInt64Array(lengths.length + 1);
  lengths.forEach((length, i) => {
    begin[i + 1] = begin[i]! + BigInt(length);
  });
  return begin;
}

const pack = ({ x, y, z, time, zenith, azimuth }: Hypothesis): Float64Array =>
  numbers([x, y, z, time, zenith, azimuth]);

/** A list whose length only the core knows: asked for twice when it is longer than expected. */
export function list(
  ask: (out: Float64Array, capacity: number, count: BigInt64Array) => void,
): Float64Array {
  const count = new BigInt64Array(1);
  for (let capacity = 8192; ; capacity = Number(count[0])) {
    const out = new Float64Array(capacity);
    ask(out, capacity, count);
    if (Number(count[0]) <= capacity) return out.slice(0, Number(count[0]));
  }
}

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
