import type { Pointer } from "bun:ffi";
import { ptr } from "bun:ffi";
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { consola } from "consola";
import { InputError, MachineError } from "../config/errors.ts";
import { check, core } from "./binding.ts";
import type { LightModel, LightPurpose } from "./light.ts";

/** One axis of a spline table. */
export interface TableAxis {
  readonly order: number;
  readonly coefficients: number;
  /** Where the table is meant to be used; evaluation goes by the knots. */
  readonly extent: readonly [number, number];
  readonly period: number;
  readonly knots: readonly number[];
}

/** What a table's headers say. */
export interface TableInfo {
  readonly path: string;
  /** Where the converted coefficients are: "memory", or the file that the machine's processes share. */
  readonly coefficients: string;
  readonly axes: readonly TableAxis[];
  /** Header cards beside the layout's own, as text. */
  readonly keys: Readonly<Record<string, string>>;
}

/** Values of a table at points: NaN outside the knots. */
export interface TableValues {
  readonly values: Float64Array;
  /** [point][axis], flat. */
  readonly gradients: Float64Array;
}

/** An open spline table. */
export interface SplineTable {
  readonly info: TableInfo;
  /** @param points [point][axis], flat */
  evaluate(points: Float64Array): TableValues;
  /** Values alone: NaN outside the knots. */
  values(points: Float64Array): Float64Array;
  /** One partial derivative, orders[axis] times along each axis; NaN outside the knots. */
  derivative(points: Float64Array, orders: readonly number[]): Float64Array;
  close(): void;
}

/** Convolution of one axis with the unit-area B-spline on these ascending knots. */
export interface Convolution {
  readonly axis: number;
  readonly kernel: readonly number[];
}

/** Time smearing as photon tables use it: the triangle on (-2 sigma, 0, 2 sigma). */
export const smearing = (axis: number, sigma: number): Convolution => ({
  axis,
  kernel: [-2 * sigma, 0, 2 * sigma],
});

const text = (value: string): Uint8Array => new TextEncoder().encode(`${value}\0`);

/**
 * Opens a photospline FITS table; its coefficients stay in the mapped file until they are needed.
 * Throws InputError naming file, HDU and key when the file is not one.
 */
export function openTable(path: string, convolution?: Convolution): SplineTable {
  const handle = new BigUint64Array(1);
  const name = text(path);
  check((message, size) => core.skyscan_table_open(ptr(name), ptr(handle), message, size));
  const table = Number(handle[0]) as Pointer;
  try {
    if (convolution) {
      const { axis, kernel } = convolution;
      const knots = Float64Array.from(kernel);
      check((message, size) =>
        core.skyscan_table_convolve(table, axis, kernel.length, ptr(knots), message, size),
      );
    }
    const info = describe(table);
    const axes = info.axes.length;
    const countOf = (points: Float64Array): number => {
      if (points.length === 0 || points.length % axes !== 0)
        throw new InputError(`${path}: a point has ${axes} coordinates, received ${points.length}`);
      return points.length / axes;
    };
    const valuesAt = (points: Float64Array, gradients?: Float64Array): Float64Array => {
      const count = countOf(points);
      const values = new Float64Array(count);
      const inside = new Uint8Array(count);
      check((message, size) =>
        core.skyscan_table_evaluate(
          table,
          count,
          ptr(points),
          ptr(values),
          gradients ? ptr(gradients) : null,
          ptr(inside),
          message,
          size,
        ),
      );
      return values.map((value, i) => (inside[i] === 0 ? Number.NaN : value));
    };
    return {
      info,
      evaluate(points) {
        const gradients = new Float64Array(countOf(points) * axes);
        const values = valuesAt(points, gradients);
        for (let i = 0; i < values.length; i++)
          if (Number.isNaN(values[i])) gradients.fill(Number.NaN, i * axes, (i + 1) * axes);
        return { values, gradients };
      },
      values: (points) => valuesAt(points),
      derivative(points, orders) {
        const count = countOf(points);
        if (orders.length !== axes)
          throw new InputError(`${path}: a derivative needs ${axes} orders`);
        const values = new Float64Array(count);
        const inside = new Uint8Array(count);
        const order = Int32Array.from(orders);
        check((message, size) =>
          core.skyscan_table_derivative(
            table,
            count,
            ptr(points),
            ptr(order),
            ptr(values),
            ptr(inside),
            message,
            size,
          ),
        );
        return values.map((value, i) => (inside[i] === 0 ? Number.NaN : value));
      },
      close: () => core.skyscan_table_close(table),
    };
  } catch (error) {
    core.skyscan_table_close(table);
    throw error;
  }
}

function describe(table: Pointer): TableInfo {
  const needed = new BigInt64Array(1);
  let buffer = new Uint8Array(1 << 16);
  const ask = (): void =>
    check((message, size) =>
      core.skyscan_table_describe(table, ptr(buffer), buffer.length, ptr(needed), message, size),
    );
  ask();
  if (Number(needed[0]) > buffer.length) {
    buffer = new Uint8Array(Number(needed[0]));
    ask();
  }
  return JSON.parse(new TextDecoder().decode(buffer.subarray(0, Number(needed[0]) - 1)));
}

/** A table to be written. */
export interface NewTable {
  readonly orders: readonly number[];
  readonly knots: readonly (readonly number[])[];
  readonly extents: readonly (readonly [number, number])[];
  /** Numbers of header cards. */
  readonly keys?: Readonly<Record<string, number>>;
  /** C order: coefficients, or values at every axis's fitSites, which the spline interpolates. */
  readonly samples: Float32Array;
  readonly samplesAre: "coefficients" | "values";
}

/** Writes a photospline FITS table (under a temporary name, then renamed). */
export function writeTable(path: string, table: NewTable): void {
  const name = text(path);
  const orders = Int32Array.from(table.orders);
  const counts = Int32Array.from(table.knots, (knots) => knots.length);
  const expected = counts.reduce((product, n, axis) => product * (n - orders[axis]! - 1), 1);
  if (table.samples.length !== expected)
    throw new InputError(`${path}: ${table.samples.length} samples, expected ${expected}`);
  const knots = Float64Array.from(table.knots.flat());
  const extents = Float64Array.from(table.extents.flat());
  const keys = text(
    Object.entries(table.keys ?? {})
      .map(([key, value]) => `${key}=${value}\n`)
      .join(""),
  );
  check((message, size) =>
    core.skyscan_table_fit(
      ptr(name),
      orders.length,
      ptr(orders),
      ptr(counts),
      ptr(knots),
      ptr(extents),
      ptr(table.samples),
      table.samplesAre === "coefficients" ? 1 : 0,
      ptr(keys),
      message,
      size,
    ),
  );
}

/**
 * Abscissae where an axis's spline is fitted: means of `order` neighbouring inner knots, kept between the
 * outer ones so that the basis is complete there.
 */
export function fitSites(knots: readonly number[], order: number): number[] {
  const count = knots.length - order - 1;
  const [low, high] = [knots[order]!, knots[count]!];
  return Array.from({ length: count }, (_, i) => {
    const inner = order > 0 ? knots.slice(i + 1, i + 1 + order) : knots.slice(i, i + 2);
    const kept = inner.map((knot) => Math.min(Math.max(knot, low), high));
    return kept.reduce((sum, knot) => sum + knot, 0) / kept.length;
  });
}

/** Where IceCube's photon tables are looked for after --photon-tables. */
const places = [
  "/opt/i3-data/photon-tables/splines",
  "/cvmfs/icecube.opensciencegrid.org/data/photon-tables/splines",
];

/** The tables one kind of source needs, by their official names. */
const officialNames = {
  muon: {
    amplitude: "InfBareMu_mie_abs_z20a10_V2.fits",
    timing: "InfBareMu_mie_prob_z20a10_V2.fits",
    stochastic: "InfHighEStoch_mie_abs_z20a10.fits",
  },
  cascade: { amplitude: "ems_mie_z20_a10.abs.fits", timing: "ems_mie_z20_a10.prob.fits" },
  "cascade-ftp": {
    amplitude: "cascade_single_spice_ftp-v1_flat_z20_a5.abs.fits",
    timing: "cascade_single_spice_ftp-v1_flat_z20_a5.prob.v2.fits",
  },
} as const satisfies Record<LightPurpose, Record<string, string>>;

/** Paths of the files of one source's light. */
export interface PhotonTables {
  readonly directory: string;
  readonly amplitude: string;
  readonly timing: string;
  /** Muons only: amplitude of their stochastic losses. */
  readonly stochastic?: string;
  /** Tables beside them that are known but not used. */
  readonly unused: readonly string[];
}

const effectiveDistance = ["eff", "prob", "tmod"].map(
  (kind) => `cascade_effectivedistance_spice_ftp-v1_z20.${kind}.fits`,
);

/**
 * Looks for the photon tables of one source: in `directory` if given (then they must be there, all of
 * them; otherwise MachineError: other machines may have them), else in the standard places; undefined
 * when they are in none.
 */
export function findTables(source: LightPurpose, directory?: string): PhotonTables | undefined {
  const names = officialNames[source];
  for (const place of directory === undefined ? places : [directory]) {
    const missing = Object.values(names).filter((name) => !existsSync(join(place, name)));
    if (missing.length > 0) {
      if (directory === undefined) continue;
      throw new MachineError(`no photon table ${missing.join(", ")} in ${directory}`);
    }
    const paths = Object.fromEntries(
      Object.entries(names).map(([role, name]) => [role, join(place, name)]),
    ) as { amplitude: string; timing: string; stochastic?: string };
    const unused =
      source === "cascade-ftp"
        ? effectiveDistance.map((name) => join(place, name)).filter((path) => existsSync(path))
        : [];
    return { directory: place, ...paths, unused };
  }
  return undefined;
}

/** skyscan_light_kinds. */
const MUON_LIGHT = 1;
const CASCADE_LIGHT = 2;

/**
 * The light model of the photon tables found by findTables, undefined when there are none. Logs a line
 * per file. Throws MachineError when they are not in `directory`, InputError when they are of the wrong
 * kind or do not belong together.
 * @param singlePrecision round the light of cascades as photospline does, number by number: slow
 */
export function openTableLight(
  source: LightPurpose,
  directory?: string,
  singlePrecision = false,
): LightModel | undefined {
  const tables = findTables(source, directory);
  if (!tables) return undefined;
  const { amplitude, timing, stochastic, unused } = tables;
  const handle = new BigUint64Array(1);
  const paths = [amplitude, timing, stochastic].map((path) =>
    path === undefined ? undefined : text(path),
  );
  check((message, size) =>
    core.skyscan_light_tables_open(
      ptr(paths[0]!),
      ptr(paths[1]!),
      paths[2] ? ptr(paths[2]) : null,
      source === "muon" ? MUON_LIGHT : CASCADE_LIGHT,
      singlePrecision ? 1 : 0,
      ptr(handle),
      message,
      size,
    ),
  );
  const used = [amplitude, timing, stochastic].filter((path) => path !== undefined);
  for (const path of used) consola.info(`photon table ${path}`);
  if (unused.length > 0)
    consola.warn(
      `effective-distance tables are not used (how they enter is not public): ${unused.join(", ")}`,
    );
  const light = Number(handle[0]) as Pointer;
  return {
    kind: "tables",
    description: `photon tables ${used.map((path) => basename(path)).join(", ")} from ${tables.directory}`,
    handle: light,
    close: () => core.skyscan_light_close(light),
  };
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
  const handle = new BigUint64Array(1);
  const [amplitudeName, timingName] = [text(amplitude), text(timing)];
  check((message, size) =>
    core.skyscan_table_pair_open(
      ptr(amplitudeName),
      ptr(timingName),
      source === "muon" ? 1 : 0,
      sigma,
      ptr(handle),
      message,
      size,
    ),
  );
  const pair = Number(handle[0]) as Pointer;
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
      const timing = new Float64Array(7 * Math.max(delays.length, 1));
      const inside = new Uint8Array(1);
      check((message, size) =>
        core.skyscan_table_pair_look(
          pair,
          kinds.indexOf(from.kind),
          from.energy,
          ptr(where),
          ptr(site),
          delays.length,
          ptr(delays),
          ptr(mean),
          ptr(geometric),
          ptr(coordinates),
          ptr(timing),
          ptr(inside),
          message,
          size,
        ),
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
    close: () => core.skyscan_table_pair_close(pair),
  };
}
