/**
 * The lowest llh ever found in a fixed sample of pixels of each alert, and how many of them a map misses.
 * `bun scripts/bench/minima.ts [--write] RESULT...` compares result files with their records in test/bench/minima, and with
 * --write lowers the records they beat. A map of an algorithm, light and alert without a record gets one.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { randomIntegers, shuffle } from "../../src/config/random.ts";
import { readResult } from "../../src/result/files.ts";
import { provenanceOf } from "../../src/result/provenance.ts";
import { eventOf, type SkyScanResult } from "../../src/result/result.ts";

/** Where the records are: a file for each algorithm, light and run. */
export const recordsFolder = join(import.meta.dir, "../../test/bench/minima");

/** One pixel and the lowest llh ever found there. */
export interface MinimumRecord {
  readonly nside: number;
  readonly pixel: number;
  readonly llh: number;
}

/** Pixels of the whole sky in a sample (the first stage's), and of each finer stage, which is only around the best. */
const sampleSizes = { first: 200, finer: 60 } as const;
/** Which pixels: those this seed draws. */
const sampleSeed = 20;
/** Higher than the record by more than these is missed, llh. */
export const missedBy = [0.1, 1, 10] as const;
/** Records are kept to this, llh: what lies below is rounding. */
const digits = 4;

/** The pixels whose minima are kept: drawn from those a first map has. */
export function drawSample({ nsides }: SkyScanResult): MinimumRecord[] {
  const stages = [...nsides].sort(([a], [b]) => a - b);
  return stages.flatMap(([nside, pixels], stage) => {
    const fitted = pixels.filter(({ llh }) => Number.isFinite(llh));
    const drawn = shuffle([...fitted], randomIntegers(sampleSeed, nside));
    return drawn
      .slice(0, stage === 0 ? sampleSizes.first : sampleSizes.finer)
      .sort((a, b) => a.pixel - b.pixel)
      .map(({ pixel, llh }) => ({ nside, pixel, llh: Number(llh.toFixed(digits)) }));
  });
}

export interface Comparison {
  /** Pixels of the sample that the map has, and those missed by more than each of missedBy. */
  readonly compared: number;
  readonly missed: readonly number[];
  /** Lower than the record by more than the first of them. */
  readonly better: number;
  /** The records as this map leaves them. */
  readonly records: readonly MinimumRecord[];
}

/** A pixel without a fit is missed by any number. */
export function compare({ nsides }: SkyScanResult, records: readonly MinimumRecord[]): Comparison {
  const found = new Map(
    [...nsides].flatMap(([nside, pixels]) =>
      pixels.map(({ pixel, llh }) => [`${nside}/${pixel}`, llh] as const),
    ),
  );
  const excess = (llh: number, record: number) =>
    Number.isNaN(llh) ? Number.POSITIVE_INFINITY : llh - record;
  const seen = records.flatMap((record) => {
    const llh = found.get(`${record.nside}/${record.pixel}`);
    return llh === undefined ? [] : [excess(llh, record.llh)];
  });
  return {
    compared: seen.length,
    missed: missedBy.map((limit) => seen.filter((above) => above > limit).length),
    better: seen.filter((above) => above < -missedBy[0]).length,
    records: records.map((record) => {
      const llh = found.get(`${record.nside}/${record.pixel}`) ?? Number.NaN;
      return llh < record.llh ? { ...record, llh: Number(llh.toFixed(digits)) } : record;
    }),
  };
}

/** The file of a map's records. Throws where the map does not say what it is of. */
export function recordsPath(result: SkyScanResult, folder = recordsFolder): string {
  const { recoAlgo, light = "" } = provenanceOf(result);
  const run = eventOf(result)?.runId;
  if (recoAlgo === undefined || run === undefined)
    throw new Error("a map without its algorithm or event has no records");
  const lightName = /embedded-\w+/.exec(light)?.[0] ?? "tables";
  return join(folder, `${recoAlgo}.${lightName}.${run}.tsv`);
}

const heading = "# nside, pixel (RING), lowest llh found so far; see scripts/bench/minima.ts";

export const recordsText = (records: readonly MinimumRecord[]): string =>
  [heading, ...records.map(({ nside, pixel, llh }) => `${nside}\t${pixel}\t${llh}`), ""].join("\n");

export function recordsOf(text: string): MinimumRecord[] {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return lines.map((line) => {
    const [nside, pixel, llh] = line.split("\t").map(Number) as [number, number, number];
    return { nside, pixel, llh };
  });
}

/** Compares a map with its records and, where that is wanted, lowers them. undefined: there are none. */
export function judge(
  result: SkyScanResult,
  isWritten: boolean,
  folder = recordsFolder,
): Comparison | undefined {
  const path = recordsPath(result, folder);
  if (!existsSync(path)) {
    if (isWritten) writeFileSync(path, recordsText(drawSample(result)));
    return undefined;
  }
  const found = compare(result, recordsOf(readFileSync(path, "utf8")));
  if (isWritten) writeFileSync(path, recordsText(found.records));
  return found;
}

export const verdict = ({ compared, missed, better }: Comparison): string =>
  `${compared} pixels: missed ${missedBy.map((limit, i) => `${missed[i]} by > ${limit}`).join(", ")}; ${better} better by > ${missedBy[0]}`;

if (import.meta.main) {
  const isWritten = process.argv.includes("--write");
  for (const file of process.argv.slice(2).filter((word) => word !== "--write")) {
    const found = judge(await readResult(file), isWritten);
    console.log(`${file}: ${found ? verdict(found) : "no records yet"}`);
  }
}
