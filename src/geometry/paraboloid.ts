/** A quadratic surface through measured values of a function of two variables, and its minimum. */

/** A place in a plane and what was found there. */
export interface Sample {
  readonly x: number;
  readonly y: number;
  readonly value: number;
}

/** value = least + ½·(p − minimum)ᵀ·curvature·(p − minimum), curving upwards in every direction. */
export interface Paraboloid {
  readonly x: number;
  readonly y: number;
  readonly least: number;
  /** Second derivatives by xx, xy, yy. */
  readonly curvature: readonly [number, number, number];
  /** Of the samples about the surface. */
  readonly rms: number;
}

/** Coefficients of a quadratic in two variables. */
const COEFFICIENTS = 6;

/**
 * The least-squares paraboloid of six or more samples.
 * @returns undefined where they determine none, or one without a minimum
 */
export function fitParaboloid(samples: readonly Sample[]): Paraboloid | undefined {
  if (samples.length < COEFFICIENTS) return undefined;
  // In units of the samples' own spread and level the normal equations are well conditioned.
  const unit = Math.max(...samples.map(({ x, y }) => Math.hypot(x, y)));
  const level = Math.min(...samples.map(({ value }) => value));
  if (!(unit > 0 && Number.isFinite(unit) && Number.isFinite(level))) return undefined;
  const rows = samples.map((sample) => {
    const [x, y] = [sample.x / unit, sample.y / unit];
    return { terms: [1, x, y, (x * x) / 2, x * y, (y * y) / 2], value: sample.value - level };
  });
  const matrix = Array.from({ length: COEFFICIENTS }, (_, i) => [
    ...Array.from({ length: COEFFICIENTS }, (_, j) =>
      rows.reduce((sum, { terms }) => sum + terms[i]! * terms[j]!, 0),
    ),
    rows.reduce((sum, { terms, value }) => sum + terms[i]! * value, 0),
  ]);
  const found = solved(matrix);
  if (found === undefined) return undefined;
  const [c, gx, gy, xx, xy, yy] = found as [number, number, number, number, number, number];
  const determinant = xx * yy - xy * xy;
  if (!(xx > 0 && determinant > 0)) return undefined;
  const x = (xy * gy - yy * gx) / determinant;
  const y = (xy * gx - xx * gy) / determinant;
  const squares = rows.reduce((sum, { terms, value }) => {
    const surface = terms.reduce((total, term, i) => total + term * found[i]!, 0);
    return sum + (value - surface) ** 2;
  }, 0);
  return {
    x: x * unit,
    y: y * unit,
    least: level + c + (gx * x + gy * y) / 2,
    curvature: [xx / unit ** 2, xy / unit ** 2, yy / unit ** 2],
    rms: Math.sqrt(squares / rows.length),
  };
}

/** Smallest pivot, of normal equations in units of order one, that still means something. */
const LEAST_PIVOT = 1e-10;

/** Gaussian elimination with partial pivots. @param matrix n rows of n + 1 numbers, the last the right-hand side */
function solved(matrix: number[][]): number[] | undefined {
  const n = matrix.length;
  for (let column = 0; column < n; column++) {
    let pivot = column;
    for (let row = column + 1; row < n; row++)
      if (Math.abs(matrix[row]![column]!) > Math.abs(matrix[pivot]![column]!)) pivot = row;
    if (!(Math.abs(matrix[pivot]![column]!) > LEAST_PIVOT)) return undefined;
    [matrix[column], matrix[pivot]] = [matrix[pivot]!, matrix[column]!];
    for (let row = 0; row < n; row++) {
      if (row === column) continue;
      const factor = matrix[row]![column]! / matrix[column]![column]!;
      for (let k = column; k <= n; k++) matrix[row]![k]! -= factor * matrix[column]![k]!;
    }
  }
  return matrix.map((row, i) => row[n]! / row[i]!);
}
