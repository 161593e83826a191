import { resultFromScan, type SkyScanResult } from "../../src/result/result.ts";
import type { PixelResult } from "../../src/scan/task.ts";

export const event = {
  runId: 136766,
  eventId: 7637140,
  eventType: "neutrino",
  mjd: 59754.67588432013,
  isRealEvent: true,
};

export const pixel = (nside: number, index: number, values: Partial<PixelResult> = {}) => ({
  nside,
  pixel: index,
  llh: 1850 + index / 7,
  x: 12.5,
  y: -1e-5,
  z: 1e16,
  time: 10404.25,
  energy: 5000,
  E_in: Number.NaN,
  E_tot: 3,
  ...values,
});

/** A small scan's result: unsorted pixels, one failed. */
export const example: SkyScanResult = resultFromScan(
  new Map([
    [64, [pixel(64, 40000), pixel(64, 39999, { llh: Number.NaN }), pixel(64, 3, { llh: 1849 })]],
    [8, Array.from({ length: 768 }, (_, index) => pixel(8, 767 - index))],
    [512, []],
  ]),
  event,
  true,
);
