import { InputError } from "../config/errors.ts";
import { call, type Handle, opened, textBytes } from "./core.ts";

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
  /** The core's. */
  readonly handle: Handle;
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

/**
 * Opens a photospline FITS table; its coefficients stay in the mapped file until they are needed.
 * Throws InputError naming file, HDU and key when the file is not one.
 */
export function openTable(path: string, convolution?: Convolution): SplineTable {
  const table = opened(
    "spline table",
    "skyscan_table_open",
    "skyscan_table_close",
    textBytes(path),
  );
  try {
    if (convolution) {
      const { axis, kernel } = convolution;
      call("skyscan_table_convolve", table, axis, kernel.length, Float64Array.from(kernel));
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
      call("skyscan_table_evaluate", table, count, points, values, gradients ?? null, inside);
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
      handle: table,
      close: () => table.close(),
    };
  } catch (error) {
    table.close();
    throw error;
  }
}

function describe(table: Handle): TableInfo {
  const needed = new BigInt64Array(1);
  let buffer = new Uint8Array(1 << 16);
  const ask = (): void => call("skyscan_table_describe", table, buffer, buffer.length, needed);
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
  const orders = Int32Array.from(table.orders);
  const counts = Int32Array.from(table.knots, (knots) => knots.length);
  const expected = counts.reduce((product, n, axis) => product * (n - orders[axis]! - 1), 1);
  if (table.samples.length !== expected)
    throw new InputError(`${path}: ${table.samples.length} samples, expected ${expected}`);
  const knots = Float64Array.from(table.knots.flat());
  const extents = Float64Array.from(table.extents.flat());
  const keys = textBytes(
    Object.entries(table.keys ?? {})
      .map(([key, value]) => `${key}=${value}\n`)
      .join(""),
  );
  call(
    "skyscan_table_fit",
    textBytes(path),
    orders.length,
    orders,
    counts,
    knots,
    extents,
    table.samples,
    table.samplesAre === "coefficients" ? 1 : 0,
    keys,
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
