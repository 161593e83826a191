// One pixel's fits, as the scan's store has them.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { momentAt, toDetector } from "../native/sky.ts";
import { fitsOf as countOf } from "../scan/task.ts";
import { pixelCentre } from "../sky/healpix.ts";
import type { StoredResult } from "../store/row.ts";
import { readResultsOf } from "../store/store.ts";
import type { ScanRecord } from "./archive.ts";
import type { Desk } from "./desk.ts";
import type { Losses } from "./losses.ts";
import type { PixelAnswer, PixelFit } from "./messages.ts";
import { notFound } from "./problem.ts";

const orNull = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** @returns what GET /scan/ID/pixel/NSIDE/I answers. Throws ProblemError where the scan has no such pixel */
export async function pixelAnswer(
  record: ScanRecord,
  nside: number,
  pixel: number,
  { desk, losses }: { desk: Desk; losses: Losses },
): Promise<PixelAnswer> {
  const exists = Number.isInteger(Math.log2(nside)) && pixel < 12 * nside ** 2;
  const fits = exists ? fitsOf(record, nside, pixel, desk) : [];
  if (fits.length === 0) throw notFound("such pixel in this scan, or none of its fits is in");
  const { ra, dec } = pixelCentre(nside, pixel);
  const { event, settings } = record;
  return {
    ...{ nside, pixel, ra, dec },
    ...toDetector(ra, dec, momentAt(event.mjd)),
    fits: fits.filter(isFit).map(pixelFit),
    minima: minimaOf(fits),
    losses: await losses.of(record, fits),
    command: `skyscan reco EVENT --reco-algo ${settings.reco} --nside ${nside} --pixel ${pixel}`,
  };
}

function fitsOf(record: ScanRecord, nside: number, pixel: number, desk: Desk): StoredResult[] {
  const run = desk.run(record.id);
  if (run !== undefined) return run.fitsOf(nside, pixel);
  const cache = join(desk.folder(record), "cache", record.event.name);
  return storesIn(cache).flatMap((store) => readResultsOf(join(cache, store), nside, pixel));
}

/** The scan's store: one file, where its folder is there. */
function storesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(".sqlite"))
      .slice(0, 1);
  } catch {
    return [];
  }
}

/** A further look that found nothing is none. */
const isFit = ({ round = 0, llh }: StoredResult): boolean => round === 0 || !Number.isNaN(llh);

/** Of the last look that has any: each knows what those before it had found. */
const minimaOf = (fits: readonly StoredResult[]): number[] =>
  (fits.findLast(({ minima }) => minima && minima.length > 0)?.minima ?? []).map(
    ([, , , llh]) => llh,
  );

/** The best of a task's fits: of all its pixel's seeds, or of those a further look began at. */
function pixelFit(fit: StoredResult): PixelFit {
  const {
    posvar,
    round = 0,
    llh,
    x,
    y,
    z,
    time,
    energy,
    E_in,
    E_tot,
    evaluations,
    seconds,
    failures,
  } = fit;
  return {
    ...{ posvar, round, variations: countOf(fit) },
    llh: orNull(llh),
    ...{ x: orNull(x), y: orNull(y), z: orNull(z), time: orNull(time) },
    ...{ energy: orNull(energy), E_in: orNull(E_in), E_tot: orNull(E_tot) },
    ...{ evaluations, seconds, reason: Number.isNaN(llh) ? (failures?.[0]?.[1] ?? null) : null },
  };
}
