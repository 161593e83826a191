import { freemem } from "node:os";
import { InputError } from "../config/errors.ts";
import { formatProgression, type Progression, totalPixels } from "../sky/progression.ts";

/**
 * What a scan keeps in memory of each pixel and of each fit until its end, bytes: measured with scan and scheduler of
 * 50 000 to 200 000 pixels of one and of seven fits (680 to 1040 a pixel of one, 270 to 300 a fit of seven), with as
 * much again a pixel for its result and the files made of it.
 */
const bytesPerPixel = 1000;
const bytesPerFit = 250;

/** What a machine has left for us, bytes; a container's limit counts too. */
const memoryLeft = (): number =>
  Math.min(freemem(), process.constrainedMemory?.() || Number.POSITIVE_INFINITY);

/**
 * Throws InputError, with the estimate, where a scan of so many pixels cannot fit in memory.
 * @param variations fits per pixel
 * @param share of the sky its first stage covers
 * @param further pixels there may be beyond the progression
 */
export function requireRoom(
  progression: Progression,
  variations: number,
  share: number,
  further = 0,
  left = memoryLeft(),
): void {
  const pixels = totalPixels(progression, share) + further;
  const needed = pixels * (bytesPerPixel + variations * bytesPerFit);
  if (needed <= left) return;
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toPrecision(2)} GB`;
  throw new InputError(
    `nsides "${formatProgression(progression)}": about ${pixels.toPrecision(2)} pixels of ${variations} fits take ${gigabytes(needed)} of memory, and ${gigabytes(left)} are left`,
  );
}
