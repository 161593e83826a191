/** From the 2·Δllh of pseudo-experiments at their true directions to levels, with errors. */

/** A level and how it was found. */
export interface MeasuredLevel {
  readonly percent: number;
  /** The one to be used. */
  readonly level: number;
  /** Its 68 % interval; null beyond the last experiment. */
  readonly low: number | null;
  readonly high: number | null;
  readonly from: "order statistics" | "scaled chi2";
  /** Both ways; the order statistic is null beyond the last experiment. */
  readonly ordered: number | null;
  readonly scaled: number;
}

/** How well a χ² of two degrees of freedom, scaled to the same mean, fits. */
export interface ScaledFit {
  /** Mean of 2·Δllh over that of the χ², 2. */
  readonly scale: number;
  readonly scaleError: number;
  /** Kolmogorov–Smirnov distance, modified for the mean being fitted (M. Stephens, JASA 69 (1974) 730). */
  readonly distance: number;
  /** Distance that one fitting sample in twenty exceeds. */
  readonly limit: number;
  readonly fits: boolean;
}

/** Shares that are reported. */
export const PERCENTS = [50, 68, 90, 99] as const;
/** With fewer experiments the scaled χ² is the better estimate, where it fits. */
const MANY = 200;
/** Upper 5 % point of the modified distance for an exponential distribution of unknown scale (Stephens, table 1A). */
const KS_LIMIT = 1.094;

/** 2·Δllh below which a χ² with two degrees of freedom has this share. */
export const chiSquareLevel = (percent: number): number => -2 * Math.log(1 - percent / 100);

/** @param values 2·Δllh, at least one */
export function scaledFit(values: readonly number[]): ScaledFit {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value / n, 0);
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2 / Math.max(1, n - 1), 0);
  // A χ² with two degrees of freedom is as wide as its mean. Few large losses make a tail that is wider: then the mean
  // of a small sample hangs on one or two experiments, and its error has to say so.
  const width = Math.max(mean, Math.sqrt(variance));
  const sorted = values.toSorted((a, b) => a - b);
  const largest = sorted.reduce((most, value, i) => {
    const expected = mean > 0 ? 1 - Math.exp(-value / mean) : 1;
    return Math.max(most, expected - i / n, (i + 1) / n - expected);
  }, 0);
  const distance = (largest - 0.2 / n) * (Math.sqrt(n) + 0.26 + 0.5 / Math.sqrt(n));
  return {
    scale: mean / 2,
    scaleError: width / 2 / Math.sqrt(n),
    distance,
    limit: KS_LIMIT,
    fits: distance < KS_LIMIT,
  };
}

/**
 * The value below which a share of a distribution lies, from a sample.
 * @param position among n + 1 gaps, from 1 for the lowest value
 */
function orderStatistic(sorted: readonly number[], position: number): number | null {
  if (position < 1 || position > sorted.length) return null;
  const below = Math.floor(position);
  const low = sorted[below - 1]!;
  const high = sorted[Math.min(below, sorted.length - 1)]!;
  return low + (position - below) * (high - low);
}

/** A quantile with the interval that its binomial error makes. @param share 0 to 1 */
export function quantile(values: readonly number[], share: number) {
  const sorted = values.toSorted((a, b) => a - b);
  const position = share * (sorted.length + 1);
  const error = Math.sqrt(sorted.length * share * (1 - share));
  return {
    value: orderStatistic(sorted, position),
    low: orderStatistic(sorted, Math.max(1, position - error)),
    high: orderStatistic(sorted, position + error),
  };
}

/**
 * Levels for {@link PERCENTS}. They ascend: where an order statistic and the scaled χ² next to it do not, the lower of
 * them is raised to the other.
 * @param values 2·Δllh at the true directions, at least one
 */
export function measuredLevels(values: readonly number[]): MeasuredLevel[] {
  const fit = scaledFit(values);
  let least = 0;
  return PERCENTS.map((percent) => {
    const { value: ordered, low, high } = quantile(values, percent / 100);
    const scaled = fit.scale * chiSquareLevel(percent);
    const error = fit.scaleError * chiSquareLevel(percent);
    const isScaled = ordered === null || (values.length < MANY && fit.fits);
    least = Math.max(isScaled ? scaled : ordered, least * (1 + Number.EPSILON));
    return isScaled
      ? {
          ...{ percent, level: least, low: scaled - error, high: scaled + error },
          ...{ from: "scaled chi2", ordered, scaled },
        }
      : { percent, level: least, low, high, from: "order statistics", ordered, scaled };
  });
}

/** The share of values below a level, with its binomial error (of the Wilson interval, which is never 0). */
export function shareBelow(values: readonly number[], level: number) {
  const n = values.length;
  const inside = values.filter((value) => value < level).length;
  const share = inside / n;
  return {
    inside,
    of: n,
    share,
    error: Math.sqrt((share * (1 - share)) / n + 0.25 / (n * n)) / (1 + 1 / n),
  };
}
