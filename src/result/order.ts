import { InputError } from "../config/errors.ts";
import type { PixelResult } from "../scan/task.ts";

/**
 * The pixels of one nside sorted by index.
 * @param where file and member, for messages
 * @throws InputError for an index that nside does not have or has twice
 */
export function pixelsInOrder(
  pixels: PixelResult[],
  nside: number,
  where: string,
): readonly PixelResult[] {
  const count = 12 * nside ** 2;
  const sorted = pixels.toSorted((a, b) => a.pixel - b.pixel);
  sorted.forEach(({ pixel }, i) => {
    if (!(pixel >= 0 && pixel < count))
      throw new InputError(`${where}: pixel ${pixel}: nside ${nside} has pixels 0 to ${count - 1}`);
    if (sorted[i - 1]?.pixel === pixel)
      throw new InputError(`${where}: pixel ${pixel} a second time`);
  });
  return sorted;
}
