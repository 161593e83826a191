/**
 * photospline's arithmetic, to tell what its single precision does to a number: table values as it computes
 * them (C. de Boor's recurrence; float32 basis values, products and sums), and the same in double precision.
 */
import { readFileSync } from "node:fs";
import type { Convolution, SplineTable } from "../../src/native/spline_table.ts";

type Rounding = (x: number) => number;
const single: Rounding = Math.fround;
const double: Rounding = (x) => x;

/** Coefficients in C order, from the primary HDU of a file of 32-bit ones. */
function storedCoefficients(path: string): Float32Array {
  const bytes = readFileSync(path);
  const end = bytes.indexOf(`${"END".padEnd(80)}`, 0, "latin1");
  const start = Math.ceil((end + 80) / 2880) * 2880;
  const card = (key: string) =>
    Number(bytes.toString("latin1", bytes.indexOf(`${key.padEnd(8)}=`) + 10).slice(0, 20));
  let count = 1;
  for (let axis = 1; axis <= card("NAXIS"); axis++) count *= card(`NAXIS${axis}`);
  return new Float32Array(count).map((_, i) => bytes.readFloatBE(start + 4 * i));
}

interface Axis {
  readonly order: number;
  readonly knots: readonly number[];
  readonly size: number;
}

function dividedDifference(x: readonly number[], y: readonly number[]): number {
  const values = [...y];
  for (let step = 1; step < values.length; step++)
    for (let i = 0; i + step < values.length; i++)
      values[i] = (values[i + 1]! - values[i]!) / (x[i + step]! - x[i]!);
  return values[0]!;
}

const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));

/**
 * Coefficients and knots of a convolved axis (K. Stroem 1994, by divided differences): added up in single
 * precision, as photospline does, and in double.
 */
function convolve(
  coefficients: Float32Array,
  axes: readonly Axis[],
  at: number,
  kernel: readonly number[],
): { rounded: Float32Array; exact: Float64Array; axis: Axis } {
  const { order, knots, size } = axes[at]!;
  const sums = knots.flatMap((t) => kernel.map((k) => t + k)).sort((a, b) => a - b);
  const [p, q] = [order, kernel.length - 1];
  const axis = { order: p + q, knots: sums, size: sums.length - p - q - 1 };
  const norm = (factorial(q) * factorial(p)) / factorial(p + q);
  const weight = (to: number, from: number): number => {
    const x = knots.slice(from, from + p + 2);
    const [z, ...bag] = sums.slice(to, to + p + q + 1);
    if (x[0]! + kernel[0]! > z! || x.at(-1)! + kernel.at(-1)! < bag.at(-1)!) return 0;
    const outer = x.map((a) =>
      dividedDifference(
        kernel,
        kernel.map((b) => (a + b > z! ? bag.reduce((product, k) => product * (a + b - k), 1) : 0)),
      ),
    );
    return norm * (x.at(-1)! - x[0]!) * dividedDifference(x, outer);
  };
  const after = axes.slice(at + 1).reduce((n, { size }) => n * size, 1);
  const before = axes.slice(0, at).reduce((n, { size }) => n * size, 1);
  const rounded = new Float32Array(before * axis.size * after);
  const exact = new Float64Array(rounded.length);
  for (let to = 0; to < axis.size; to++)
    for (let from = 0; from < size; from++) {
      const w = weight(to, from);
      if (w === 0) continue;
      for (let i = 0; i < before; i++) {
        const [into, source] = [(i * axis.size + to) * after, (i * size + from) * after];
        for (let k = 0; k < after; k++) {
          const term = w * coefficients[source + k]!;
          rounded[into + k]! += term;
          exact[into + k]! += term;
        }
      }
    }
  return { rounded, exact, axis };
}

/** Basis functions that are not zero at x between full-support knots, or their first or second derivatives. */
function basis({ order, knots }: Axis, centre: number, x: number, derivative: number, r: Rounding) {
  const t = (i: number) => knots[i]!;
  const recurrence = (degree: number): number[] => {
    const values = [1];
    for (let j = 0; j < degree; j++) {
      let saved = 0;
      for (let i = 0; i <= j; i++) {
        const [right, left] = [t(centre + i + 1) - x, x - t(centre - j + i)];
        const term = values[i]! / (right + left);
        values[i] = r(saved + right * term);
        saved = left * term;
      }
      values.push(r(saved));
    }
    return values;
  };
  if (derivative === 0) return recurrence(order);
  // Difference quotients of the functions one degree lower; the second derivative by plain recursion.
  const one = (i: number, degree: number, times: number): number => {
    if (times === 0) {
      if (degree === 0) return x >= t(i) && x < t(i + 1) ? 1 : 0;
      const up = ((x - t(i)) * one(i, degree - 1, 0)) / (t(i + degree) - t(i));
      return (
        up + ((t(i + degree + 1) - x) * one(i + 1, degree - 1, 0)) / (t(i + degree + 1) - t(i + 1))
      );
    }
    const up = (degree * one(i, degree - 1, times - 1)) / (t(i + degree) - t(i));
    return up - (degree * one(i + 1, degree - 1, times - 1)) / (t(i + degree + 1) - t(i + 1));
  };
  if (derivative > 1)
    return Array.from({ length: order + 1 }, (_, i) =>
      r(one(centre - order + i, order, derivative)),
    );
  const lower = recurrence(order - 1);
  return Array.from({ length: order + 1 }, (_, i) => {
    const first = i > 0 ? (order * lower[i - 1]!) / (t(centre + i) - t(centre + i - order)) : 0;
    const second =
      i < order ? (order * lower[i]!) / (t(centre + i + 1) - t(centre + i + 1 - order)) : 0;
    return r(first - second);
  });
}

/** One number of a table in three precisions. */
export interface Precisions {
  /** As photospline has it by default: everything in single precision. */
  readonly single: number;
  /** Coefficients in single precision (convolved ones too, rounded), all else in double. */
  readonly rounded: number;
  /** All in double precision, convolved coefficients too. */
  readonly exact: number;
}

/** A value, or the derivative of these orders along each axis; undefined outside the full support. */
export type Photospline = (
  x: readonly number[],
  derivatives?: readonly number[],
) => Precisions | undefined;

/** A table as photospline evaluates it, one axis convolved where asked for. */
export function photospline(table: SplineTable, convolution?: Convolution): Photospline {
  const stored = storedCoefficients(table.info.path);
  let coefficients: { rounded: Float32Array; exact: Float32Array | Float64Array } = {
    rounded: stored,
    exact: stored,
  };
  let axes: Axis[] = table.info.axes.map(({ order, knots, coefficients: size }) => ({
    ...{ order, knots, size },
  }));
  if (convolution) {
    const { axis, kernel } = convolution;
    const convolved = convolve(stored, axes, axis, kernel);
    coefficients = convolved;
    axes = axes.with(axis, convolved.axis);
  }
  const strides = axes.map((_, k) => axes.slice(k + 1).reduce((n, { size }) => n * size, 1));
  return (x, derivatives = x.map(() => 0)) => {
    const centres = axes.map(({ order, knots, size }, k) => {
      if (!(x[k]! >= knots[order]! && x[k]! <= knots[size]!)) return -1;
      const above = knots.findIndex((knot, i) => i > order && knot > x[k]!);
      return Math.min(above < 0 ? size - 1 : above - 1, size - 1);
    });
    if (centres.includes(-1)) return undefined;
    const evaluate = (numbers: Float32Array | Float64Array, r: Rounding): number => {
      const local = axes.map((axis, k) => basis(axis, centres[k]!, x[k]!, derivatives[k]!, r));
      let result = 0;
      const walk = (k: number, product: number, at: number): void => {
        const first = centres[k]! - axes[k]!.order;
        local[k]!.forEach((value, i) => {
          const [next, place] = [r(product * value), at + (first + i) * strides[k]!];
          if (k < axes.length - 1) walk(k + 1, next, place);
          else result = r(result + r(next * numbers[place]!));
        });
      };
      walk(0, 1, 0);
      return result;
    };
    const { rounded, exact } = coefficients;
    const inDouble = evaluate(rounded, double);
    return {
      single: evaluate(rounded, single),
      rounded: inDouble,
      exact: exact === rounded ? inDouble : evaluate(exact, double),
    };
  };
}
