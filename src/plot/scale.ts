/**
 * 2·Δllh shown as colour: proportional to its square root, which is the distance from the best fit in standard
 * deviations where the likelihood is Gaussian. Both what is near and what is far stays visible.
 */
export interface Scale {
  /** 2·Δllh at the scale's end; all above looks the same. */
  readonly max: number;
  /** Where a value of 2·Δllh lies, 0 to 1. */
  readonly share: (value: number) => number;
  /** Round values for labels, about evenly spread. */
  readonly ticks: (count: number) => number[];
}

export function squareRootScale(max: number): Scale {
  const top = max > 0 && Number.isFinite(max) ? max : 1;
  const share = (value: number) => Math.min(1, Math.sqrt(Math.max(0, value) / top));
  return {
    max: top,
    share,
    ticks: (count) => {
      const even = Array.from({ length: count + 1 }, (_, i) => roundValue(top * (i / count) ** 2));
      return [...new Set(even)].filter((value) => value <= top);
    },
  };
}

/** The nearest value of one digit. */
function roundValue(value: number): number {
  return Number(value.toPrecision(1));
}

/** The step of 1, 2 or 5 times a power of ten, or of whole turns' parts, that divides a range into at most `count`. */
export function niceStep(range: number, count: number): number {
  const steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 45, 60, 90];
  return steps.find((step) => range / step <= count) ?? 90;
}
