// What only tests ask of the core: abi/testing.h, in a library of its own (`make testing`).
//
// It is made of the shipped library's objects and one more, for the same instruction set, so that a handle means
// the same to both.

import { dlopen, type FFIFunction, type Pointer } from "bun:ffi";
import { resolve } from "node:path";
import type { Hypothesis } from "../../src/geometry/track.ts";
import {
  check,
  closing,
  type Data,
  fallible,
  Handle,
  level,
  textBytes,
} from "../../src/native/core.ts";
import type { LightModel } from "../../src/native/light.ts";
import { type Millipede, numbers } from "../../src/native/millipede.ts";
import type { SplineTable } from "../../src/native/spline_table.ts";
import { structs } from "../../src/native/structs.ts";

/** abi/testing.h, name by name. */
export const diagnosticSymbols = {
  skyscan_cascade_string: fallible("ptr", "ptr", "i64", "ptr", "ptr", "i64", "ptr", "ptr"),
  skyscan_convoluted_pandel: fallible("f64", "f64", "i64", "ptr", "ptr", "ptr"),
  skyscan_millipede_llh: fallible("ptr", "ptr", "f64", "f64", "ptr", "i64", "ptr"),
  skyscan_millipede_unfolding: fallible("ptr", "ptr", "f64", "ptr", "i64", "ptr", "ptr"),
  skyscan_millipede_column_sums: fallible("ptr", "ptr", "f64", "i32", "ptr", "i64", "ptr"),
  skyscan_table_derivative: fallible("ptr", "i64", "ptr", "ptr", "ptr", "ptr"),
  skyscan_table_pair_open: fallible("ptr", "ptr", "i32", "f64", "ptr"),
  skyscan_table_pair_close: closing,
  skyscan_table_pair_look: fallible(
    ...(["ptr", "i32", "f64", "ptr", "ptr", "i64"] as const),
    ...(["ptr", "ptr", "ptr", "ptr", "ptr", "ptr"] as const),
  ),
} as const satisfies Record<string, FFIFunction>;

export const testingLibrary = resolve(
  import.meta.dir,
  `../../build/libskyscan-testing-${level}.so`,
);
const functions = dlopen(testingLibrary, diagnosticSymbols).symbols;

const call = (name: keyof typeof functions, ...values: (number | Data)[]): void =>
  check(functions[name] as (...values: unknown[]) => number, values);

/** llh of energies given (GeV), one per cascade; relativeUncertainty of every expectation, 0: plain Poisson. */
export function llhOf(
  millipede: Millipede,
  hypothesis: Hypothesis,
  spacing: number,
  energies: readonly number[],
  relativeUncertainty = 0,
): number {
  const out = new Float64Array(1);
  call(
    "skyscan_millipede_llh",
    millipede.handle,
    structs.hypothesis.pack(hypothesis),
    spacing,
    relativeUncertainty,
    Float64Array.from(energies),
    energies.length,
    out,
  );
  return out[0]!;
}

/** One partial derivative of a table, orders[axis] times along each axis; NaN outside the knots. */
export function derivative(
  table: SplineTable,
  points: Float64Array,
  orders: readonly number[],
): Float64Array {
  const count = points.length / table.info.axes.length;
  const values = new Float64Array(count);
  const inside = new Uint8Array(count);
  const times = Int32Array.from(orders);
  call("skyscan_table_derivative", table.handle, count, points, times, values, inside);
  return values.map((value, i) => (inside[i] === 0 ? Number.NaN : value));
}

/** What one computation of a track's light tells. */
export interface Unfolding {
  /** llh of the energies given. */
  readonly given: number;
  /** llh of the best ones, and how far from optimal they may be. */
  readonly solved: { readonly llh: number; readonly certificate: number };
  /** What all bins together see of each cascade, PE/GeV. */
  readonly columnSums: Float64Array;
}

/** @param energies GeV, one per cascade */
export function unfolding(
  millipede: Millipede,
  hypothesis: Hypothesis,
  spacing: number,
  energies: readonly number[],
): Unfolding {
  const told = new Float64Array(3);
  const columnSums = new Float64Array(energies.length);
  call(
    "skyscan_millipede_unfolding",
    millipede.handle,
    structs.hypothesis.pack(hypothesis),
    spacing,
    Float64Array.from(energies),
    energies.length,
    told,
    columnSums,
  );
  const [given, llh, certificate] = told as unknown as [number, number, number];
  return { given, solved: { llh, certificate }, columnSums };
}

/** What all bins together see of each cascade, PE/GeV; "scan": with the light neglected while fitting. */
export const columnSums = (
  millipede: Millipede,
  hypothesis: Hypothesis,
  spacing: number,
  precision: "full" | "scan" = "full",
): Float64Array =>
  numbers((...room) =>
    call(
      "skyscan_millipede_column_sums",
      millipede.handle,
      structs.hypothesis.pack(hypothesis),
      spacing,
      precision === "scan" ? 1 : 0,
      ...room,
    ),
  );

/**
 * Cascades along a track seen by one DOM (x, y, z, efficiency), as searches see them.
 * @param lengths where they are, m from the track's vertex
 * @returns per cascade PE, 0 outside the model's reach, and its share before each edge (ns, ascending)
 */
export function cascadeString(
  light: LightModel,
  track: Hypothesis,
  lengths: readonly number[],
  site: readonly number[],
  edges: readonly number[],
): { amplitude: number; cumulative: number[] }[] {
  const [hypothesis, at] = [structs.hypothesis.pack(track), Float64Array.from(site)];
  const places = Float64Array.from(lengths);
  const times = Float64Array.from(edges);
  const out = new Float64Array(lengths.length * (1 + times.length));
  call(
    "skyscan_cascade_string",
    light.handle,
    hypothesis,
    lengths.length,
    places,
    at,
    edges.length,
    times,
    out,
  );
  return lengths.map((_, i) => {
    const start = lengths.length + i * edges.length;
    return { amplitude: out[i]!, cumulative: [...out.subarray(start, start + edges.length)] };
  });
}

/** One point of the convoluted distribution; derivatives by the delay (slope) and by the shape. */
export interface PandelPoint {
  /** 1/ns. */
  readonly density: number;
  readonly slope: number;
  readonly densityByShape: number;
  readonly cumulative: number;
  readonly cumulativeByShape: number;
}

/**
 * The gamma distribution of photon delays convoluted with a Gaussian, as the embedded light model
 * interpolates it.
 * @param rate of the gamma distribution, 1/ns
 * @param sigma of the Gaussian, ns
 * @param points [shape, delay in ns]
 */
export function convolutedPandel(
  rate: number,
  sigma: number,
  points: readonly (readonly [number, number])[],
): PandelPoint[] {
  const shapes = Float64Array.from(points, ([shape]) => shape);
  const delays = Float64Array.from(points, ([, delay]) => delay);
  const out = new Float64Array(5 * points.length);
  call("skyscan_convoluted_pandel", rate, sigma, points.length, shapes, delays, out);
  return points.map((_, i) => ({
    density: out[5 * i]!,
    slope: out[5 * i + 1]!,
    densityByShape: out[5 * i + 2]!,
    cumulative: out[5 * i + 3]!,
    cumulativeByShape: out[5 * i + 4]!,
  }));
}

/** A source of light as photon tables know it: rad; zenith and azimuth say where it comes from. */
export interface TableSource {
  readonly kind: "muon" | "electromagnetic" | "hadronic";
  /** GeV. */
  readonly energy: number;
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly zenith: number;
  readonly azimuth: number;
  /** Depth shift of the ice layers at the DOM, m. */
  readonly tilt?: number;
}

/** What a pair of tables says of one source and one DOM. Gradients: by x, y, z (1/m), zenith, azimuth (1/rad). */
export interface TableSight {
  /** False where the tables know nothing. */
  readonly inside: boolean;
  /** Expected PE. */
  readonly mean: number;
  readonly meanGradient: readonly number[];
  /** ns after the source's time. */
  readonly geometricTime: number;
  /** In the tables' own axes and units, without time. */
  readonly coordinates: readonly number[];
  /** Per delay: share of the light before it, its density (1/ns), the share's gradient at a fixed moment. */
  readonly timing: readonly {
    readonly cumulative: number;
    readonly density: number;
    readonly gradient: readonly number[];
  }[];
}

/** An amplitude and a timing table that belong together. */
export interface TablePair {
  /** @param delays ns after the geometric time */
  look(
    source: TableSource,
    dom: { x: number; y: number; z: number },
    delays: Float64Array,
  ): TableSight;
  close(): void;
}

/**
 * Opens the tables of one kind of source. Throws InputError when they are of another kind or do not
 * belong together.
 * @param sigma time smearing, ns
 */
export function openTablePair(
  amplitude: string,
  timing: string,
  source: "muon" | "cascade",
  sigma = 0,
): TablePair {
  const out = new BigUint64Array(1);
  call(
    "skyscan_table_pair_open",
    textBytes(amplitude),
    textBytes(timing),
    source === "muon" ? 1 : 0,
    sigma,
    out,
  );
  const pair = new Handle(
    "pair of tables",
    Number(out[0]) as Pointer,
    functions.skyscan_table_pair_close,
  );
  const kinds = ["muon", "electromagnetic", "hadronic"] as const;
  return {
    look(from, dom, delays) {
      const where = Float64Array.of(
        ...[from.x, from.y, from.z, from.zenith, from.azimuth, from.tilt ?? 0],
      );
      const site = Float64Array.of(dom.x, dom.y, dom.z);
      const mean = new Float64Array(6);
      const geometric = new Float64Array(1);
      const coordinates = new Float64Array(5);
      const timing = new Float64Array(7 * delays.length);
      const inside = new Uint8Array(1);
      call(
        "skyscan_table_pair_look",
        pair,
        kinds.indexOf(from.kind),
        from.energy,
        where,
        site,
        delays.length,
        delays,
        mean,
        geometric,
        coordinates,
        timing,
        inside,
      );
      return {
        inside: inside[0] !== 0,
        mean: mean[0]!,
        meanGradient: Array.from(mean.subarray(1)),
        geometricTime: geometric[0]!,
        coordinates: Array.from(coordinates),
        timing: Array.from(delays, (_, i) => ({
          cumulative: timing[7 * i]!,
          density: timing[7 * i + 1]!,
          gradient: Array.from(timing.subarray(7 * i + 2, 7 * i + 7)),
        })),
      };
    },
    close: () => pair.close(),
  };
}
