/** A point and its value. */
export interface Corner {
  readonly x: readonly number[];
  readonly value: number;
}

/**
 * Nelder and Mead's downhill simplex, the way the reference minimises, in as many dimensions as `start` has.
 * @param steps to the first corners, one along each axis
 * @param tolerance it ends when the corners' values agree to this
 * @param rounds at most so many
 */
export function simplexMinimum(
  value: (x: readonly number[]) => number,
  start: readonly number[],
  steps: readonly number[],
  tolerance: number,
  rounds: number,
): Corner {
  const corner = (x: readonly number[]): Corner => {
    const found = value(x);
    return { x, value: Number.isNaN(found) ? Number.POSITIVE_INFINITY : found };
  };
  let corners = [
    start,
    ...steps.map((step, i) => start.map((v, k) => v + (i === k ? step : 0))),
  ].map(corner);
  const sort = () => corners.sort((a, b) => a.value - b.value);
  for (let round = 0; round < rounds; round++) {
    sort();
    const best = corners[0]!;
    const worst = corners.at(-1)!;
    if (worst.value - best.value < tolerance) break;
    const others = corners.slice(0, -1);
    const middle = start.map((_, k) => others.reduce((sum, c) => sum + c.x[k]!, 0) / others.length);
    const beyond = (length: number) => corner(middle.map((m, k) => m + length * (m - worst.x[k]!)));
    const mirrored = beyond(1);
    if (mirrored.value < best.value) {
      const further = beyond(2);
      corners = [...others, further.value < mirrored.value ? further : mirrored];
    } else if (mirrored.value < others.at(-1)!.value) corners = [...others, mirrored];
    else {
      const nearer = beyond(mirrored.value < worst.value ? 0.5 : -0.5);
      corners =
        nearer.value < Math.min(mirrored.value, worst.value)
          ? [...others, nearer]
          : [
              best,
              ...corners.slice(1).map(({ x }) => corner(x.map((v, k) => (v + best.x[k]!) / 2))),
            ];
    }
  }
  return sort()[0]!;
}
