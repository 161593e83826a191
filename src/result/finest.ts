import type { PixelResult } from "../scan/task.ts";
import { parentOf } from "../sky/healpix.ts";
import type { SkyScanResult } from "./result.ts";

/**
 * The map's pixels without those that finer ones refine. Failed pixels (llh NaN) refine nothing and are left out.
 */
export function finestPixels(result: SkyScanResult): PixelResult[] {
  const nsides = [...result.nsides.keys()].sort((a, b) => b - a);
  const finest: PixelResult[] = [];
  nsides.forEach((nside, i) => {
    const refined = new Set<number>();
    for (const finer of nsides.slice(0, i))
      for (const { pixel, llh } of result.nsides.get(finer)!)
        if (!Number.isNaN(llh)) refined.add(parentOf(finer, pixel, nside));
    for (const pixel of result.nsides.get(nside)!)
      if (!Number.isNaN(pixel.llh) && !refined.has(pixel.pixel)) finest.push(pixel);
  });
  return finest;
}
