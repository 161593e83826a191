import { ptr } from "bun:ffi";
import { check, core } from "./binding.ts";

/** One point of the convoluted distribution; derivatives by the delay (slope) and by the shape. */
export interface PandelPoint {
  /** 1/ns. */
  readonly density: number;
  readonly slope: number;
  readonly densityByShape: number;
  readonly cumulative: number;
  readonly cumulativeByShape: number;
}

/**
 * The gamma distribution of photon delays convoluted with a Gaussian, as the embedded light model
 * interpolates it.
 * @param rate of the gamma distribution, 1/ns
 * @param sigma of the Gaussian, ns
 * @param points [shape, delay in ns]
 */
export function convolutedPandel(
  rate: number,
  sigma: number,
  points: readonly (readonly [number, number])[],
): PandelPoint[] {
  const shapes = Float64Array.from(points, ([shape]) => shape);
  const delays = Float64Array.from(points, ([, delay]) => delay);
  const out = new Float64Array(5 * points.length);
  if (points.length > 0)
    check((message, size) =>
      core.skyscan_convoluted_pandel(
        rate,
        sigma,
        points.length,
        ptr(shapes),
        ptr(delays),
        ptr(out),
        message,
        size,
      ),
    );
  return points.map((_, i) => ({
    density: out[5 * i]!,
    slope: out[5 * i + 1]!,
    densityByShape: out[5 * i + 2]!,
    cumulative: out[5 * i + 3]!,
    cumulativeByShape: out[5 * i + 4]!,
  }));
}
