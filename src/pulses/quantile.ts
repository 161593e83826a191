/**
 * The value at which the cumulative weight, in order of the values, first reaches `quantile` of the
 * total. NaN for no values.
 */
export function weightedQuantile(
  values: readonly number[],
  weights: readonly number[],
  quantile: number,
): number {
  const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]! || a - b);
  let total = 0;
  for (const i of order) total += weights[i]!;
  let reached = 0;
  for (const i of order) {
    reached += weights[i]!;
    if (reached >= quantile * total) return values[i]!;
  }
  return order.length > 0 ? values[order.at(-1)!]! : Number.NaN;
}

/** The middle value; the mean of the two middle ones for an even number. NaN for no values. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
