/** How values are shown as colours: the best is 0, what is at the scale's end or beyond 1. */
export interface Scale {
  /** The value at the scale's end; all beyond looks the same. */
  readonly end: number;
  /** Where a value lies, 0 to 1. */
  readonly share: (value: number) => number;
  /** Round values for labels, about evenly spread. */
  readonly ticks: (count: number) => number[];
  /** What is written beside a tick. */
  readonly label: (value: number) => string;
}

/**
 * −2 Δ ln L, proportional to its square root, which is the distance from the best fit in standard deviations where
 * the likelihood is Gaussian. Both what is near and what is far stays visible.
 */
export function squareRootScale(end: number): Scale {
  const top = end > 0 && Number.isFinite(end) ? end : 1;
  const share = (value: number) => Math.min(1, Math.sqrt(Math.max(0, value) / top));
  return {
    end: top,
    share,
    ticks: (count) => {
      const even = Array.from({ length: count + 1 }, (_, i) => roundValue(top * (i / count) ** 2));
      return [...new Set(even)].filter((value) => value <= top);
    },
    label: shortNumber,
  };
}

/** Powers of ten below the highest density that are told apart; skyreader's picture of a probability shows as many. */
const DECADES = 6;

/** Probability densities by their logarithm, from the highest one downwards. */
export function logarithmicScale(highest: number): Scale {
  const top = highest > 0 ? Math.log10(highest) : 0;
  const share = (value: number) =>
    value > 0 ? Math.min(1, Math.max(0, (top - Math.log10(value)) / DECADES)) : 1;
  return {
    end: 10 ** (top - DECADES),
    share,
    ticks: () => {
      const first = Math.ceil(top - DECADES);
      return Array.from({ length: Math.floor(top) - first + 1 }, (_, i) => 10 ** (first + i));
    },
    label: shortNumber,
  };
}

/** Five digits and more, or as many behind the point, as a power of ten: "2e5". */
const shortNumber = (value: number): string =>
  value !== 0 && (Math.abs(value) >= 1e4 || Math.abs(value) < 1e-3)
    ? value.toExponential().replace("e+", "e").replace("e-", "e−")
    : String(value);

/** The nearest value of one digit. */
function roundValue(value: number): number {
  return Number(value.toPrecision(1));
}

/** The step of 1, 2 or 5 times a power of ten, or of whole turns' parts, that divides a range into at most `count`. */
export function niceStep(range: number, count: number): number {
  const steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 45, 60, 90];
  return steps.find((step) => range / step <= count) ?? 90;
}
