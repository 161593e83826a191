/** A value of −2 Δ ln L shown as colour. */
export interface Scale {
  /** What it says, beside it. */
  readonly title: string;
  /** Where a value of −2 Δ ln L lies, 0 (best) to 1; all beyond the end looks the same. */
  readonly share: (value: number) => number;
  /** Round values for labels, about evenly spread, with their places. */
  readonly ticks: (count: number) => readonly Tick[];
}

export interface Tick {
  readonly share: number;
  readonly label: string;
}

/**
 * Proportional to the square root, which is the distance from the best fit in standard deviations where the
 * likelihood is Gaussian. Both what is near and what is far stays visible.
 * @param max −2 Δ ln L at its end
 * @param isCut there is more beyond
 */
export function squareRootScale(max: number, isCut = false): Scale {
  const top = max > 0 && Number.isFinite(max) ? max : 1;
  const share = (value: number) => Math.min(1, Math.sqrt(Math.max(0, value) / top));
  return {
    title: "−2 Δ ln L",
    share,
    ticks: (count) => {
      const even = Array.from({ length: count }, (_, i) => roundValue(top * (i / count) ** 2));
      const inner = [...new Set(even)].filter((value) => value < top);
      // Of a scale that goes on the end is the best-known value; else a round one below it will do.
      const last = isCut ? top : roundedDown(top);
      const values = [...inner.filter((value) => value < last), last];
      return values.map((value) => ({
        share: share(value),
        label: `${isCut && value === top ? "≥ " : ""}${numberText(value)}`,
      }));
    },
  };
}

/**
 * The logarithm of the probability density, linear in −2 Δ ln L: ρ = ρ_max · exp(−½ · −2 Δ ln L).
 * @param highest ρ_max, 1/deg²
 * @param decades shown
 */
export function probabilityScale(highest: number, decades: number): Scale {
  const end = 2 * Math.LN10 * decades;
  const share = (value: number) => Math.min(1, Math.max(0, value) / end);
  const top = Math.log10(highest);
  return {
    title: "probability density [1/deg²]",
    share,
    ticks: () => {
      const first = Math.floor(top);
      const exponents = Array.from({ length: decades + 1 }, (_, i) => first - i);
      return exponents
        .filter((exponent) => top - exponent <= decades)
        .map((exponent) => ({
          share: share(2 * Math.LN10 * (top - exponent)),
          label: numberText(10 ** exponent),
        }));
    },
  };
}

/** As people read it: from 10 000 on, and below a thousandth, by its exponent. */
export function numberText(value: number): string {
  if (value === 0 || (value >= 1e-3 && value < 1e4)) return String(Number(value.toPrecision(3)));
  return value
    .toExponential(Number.isInteger(Math.log10(value)) ? 0 : undefined)
    .replace("e+", "e");
}

/** The nearest value of one digit. */
const roundValue = (value: number): number => Number(value.toPrecision(1));

/** The largest value of one digit that is not larger. */
function roundedDown(value: number): number {
  const unit = 10 ** Math.floor(Math.log10(value));
  return Number((Math.floor(value / unit + 1e-9) * unit).toPrecision(1));
}

/** The step of 1, 2 or 5 times a power of ten, or of whole turns' parts, that divides a range into at most `count`. */
export function niceStep(range: number, count: number): number {
  const steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 45, 60, 90];
  return steps.find((step) => range / step <= count) ?? 90;
}
