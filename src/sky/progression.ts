import { InputError } from "../config/errors.ts";
import { isNside, MAX_NSIDE } from "./healpix.ts";

/** One step of a scan's refinement. */
export interface Stage {
  readonly nside: number;
  /** How many pixels of the stage before, on average, are split around the best one. 0: the first stage. */
  readonly extension: number;
}

/** Coarse to fine. */
export type Progression = readonly Stage[];

export const DEFAULT_PROGRESSION: Progression = [
  { nside: 8, extension: 0 },
  { nside: 64, extension: 12 },
  { nside: 512, extension: 24 },
];

export const formatProgression = (progression: Progression): string =>
  progression.map(({ nside, extension }) => `${nside}:${extension}`).join(" ");

const example = `expected e.g. ${formatProgression(DEFAULT_PROGRESSION)}`;

/**
 * Reads "8:0 64:12 512:24", as one text or as words.
 * Throws InputError unless the nsides are ascending powers of two, the first extension is 0 and all
 * others are positive.
 */
export function parseProgression(text: string | readonly string[]): Progression {
  const words = (typeof text === "string" ? [text] : text)
    .flatMap((part) => part.split(/[\s,]+/))
    .filter((word) => word !== "");
  if (words.length === 0) throw new InputError(`nsides: none given; ${example}`);
  const stages = words.map((word) => {
    const match = /^(\d+):(\d+)$/.exec(word);
    if (!match) throw new InputError(`nsides: "${word}" is not nside:extension; ${example}`);
    return { nside: Number(match[1]), extension: Number(match[2]) };
  });
  checkProgression(stages);
  return stages;
}

/** Throws InputError when a progression breaks the rules of {@link parseProgression}. */
export function checkProgression(progression: Progression): void {
  const given = `nsides "${formatProgression(progression)}"`;
  if (progression.length === 0) throw new InputError(`nsides: none given; ${example}`);
  for (const [i, { nside, extension }] of progression.entries()) {
    if (!isNside(nside))
      throw new InputError(
        `${given}: nside ${nside} is not a power of two from 1 to ${MAX_NSIDE}; ${example}`,
      );
    const before = progression[i - 1];
    if (before && nside <= before.nside)
      throw new InputError(`${given}: ${nside} after ${before.nside} is not ascending; ${example}`);
    if (i === 0 && extension !== 0)
      throw new InputError(`${given}: the first extension must be 0, not ${extension}; ${example}`);
    if (i > 0 && !(Number.isSafeInteger(extension) && extension > 0))
      throw new InputError(
        `${given}: the extension of nside ${nside} must be a positive integer, not ${extension}; ${example}`,
      );
  }
}

/**
 * The part of the default progression from one nside to another: the older way to choose.
 * Throws InputError when either is not one of its nsides, or their order is wrong.
 */
export function selectProgression(minNside: number, maxNside: number): Progression {
  const nsides = DEFAULT_PROGRESSION.map((stage) => stage.nside);
  for (const [flag, nside] of [
    ["--min-nside", minNside],
    ["--max-nside", maxNside],
  ] as const)
    if (!nsides.includes(nside))
      throw new InputError(
        `${flag} ${nside}: expected one of ${nsides.join(", ")} (any others: --nsides)`,
      );
  if (minNside > maxNside)
    throw new InputError(`--min-nside ${minNside} is greater than --max-nside ${maxNside}`);
  return DEFAULT_PROGRESSION.filter(({ nside }) => nside >= minNside && nside <= maxNside).map(
    (stage, i) => (i === 0 ? { ...stage, extension: 0 } : stage),
  );
}

/** Expected number of pixels of a stage: what a scan without surprises sends. */
export function expectedPixels(progression: Progression, stage: number): number {
  const { nside, extension } = progression[stage]!;
  const before = progression[stage - 1];
  return before ? extension * (nside / before.nside) ** 2 : 12 * nside ** 2;
}

/**
 * Expected number of pixels of all stages.
 * @param share of the sky the first stage covers
 */
export const totalPixels = (progression: Progression, share = 1): number =>
  progression
    .map((_, stage) => expectedPixels(progression, stage) * (stage === 0 ? share : 1))
    .reduce((sum, count) => sum + count, 0);
