/** Maps that the tests of publishing share: those of the repository, and reference ones where they are there. */

import { withBestDirection } from "../../src/result/best_direction.ts";
import { readResult } from "../../src/result/files.ts";
import { resultFromScan, type SkyScanResult } from "../../src/result/result.ts";
import {
  angleBetween,
  discStrict,
  npix,
  pixelVector,
  type Vector,
  vectorOf,
} from "../../src/sky/healpix.ts";
import { event, pixel } from "../result/examples.ts";
import { hasShared, shared } from "../shared.ts";

const degrees = Math.PI / 180;

/** A Gaussian of σ at a direction (rad): nside 8 everywhere, 128 within 8σ, some fits failed. */
export function gaussianMap(
  ra: number,
  dec: number,
  sigma = 1.5 * degrees,
  failed = 0,
): SkyScanResult {
  const centre: Vector = vectorOf({ ra, dec });
  const pixels = (nside: number, numbers: Iterable<number>) =>
    [...numbers].map((n, i) =>
      pixel(nside, n, {
        llh:
          failed > 0 && i % Math.round(1 / failed) === 0
            ? Number.NaN
            : 1000 + (angleBetween(pixelVector(nside, n), centre) / sigma) ** 2 / 2,
      }),
    );
  return withBestDirection(
    resultFromScan(
      new Map([
        [8, pixels(8, Array(npix(8)).keys())],
        [128, pixels(128, discStrict(128, centre, 8 * sigma))],
      ]),
      event,
      true,
      { reco_algo: "splinempe", light: "embedded", detector: "built-in" },
    ),
  );
}

const referenceFiles = [
  ["demo", "oracle/downstream/demo_simulated.json"],
  ["IC220624A", "events/run00136766-evt000007637140-GOLD-8_64_512.npz"],
  ["IC220524A", "events/run00136662-evt000035405932-BRONZE-8_64_512.npz"],
  ["ra0", "oracle/downstream/ra0.json"],
  ["pole", "oracle/downstream/pole.json"],
  ["nan", "oracle/downstream/nan.json"],
  ["tiny", "oracle/downstream/tiny.json"],
] as const;

/** Maps by name: across RA 0, at a pole, with failed fits; and the reference ones. */
export const maps: readonly (readonly [string, () => Promise<SkyScanResult>])[] = [
  ["a Gaussian across RA 0", async () => gaussianMap(0.002, 0.3)],
  ["one at the south pole", async () => gaussianMap(1, -Math.PI / 2 + 0.01)],
  ["one with failed fits", async () => gaussianMap(4, 1, undefined, 0.05)],
  ...(hasShared
    ? referenceFiles.map(([name, file]) => [name, () => readResult(shared(file))] as const)
    : []),
];
