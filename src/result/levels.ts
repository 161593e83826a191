/**
 * The levels of 2·Δllh that bound a map's contours, and the convention they follow. Every area is worth as much as
 * its level: the levels of one algorithm say nothing about another's maps.
 */

import { InputError } from "../config/errors.ts";
import type { Calibration } from "./calibration.ts";
import { provenanceOf } from "./provenance.ts";
import type { SkyScanResult } from "./result.ts";

/** A level of 2·Δllh and the share of the events whose true direction should lie below it. */
export interface ContourLevel {
  /** 99.73 is the 3σ of a Gaussian in one dimension. */
  readonly percent: number;
  readonly level: number;
}

/**
 * statistical: Wilks' theorem; IC160427A: from re-simulations of one real event; calibrated: from this event's own
 * pseudo-experiments; HPD: highest probability density, the map's own; given: by the user.
 */
export type Convention = "statistical" | "IC160427A" | "calibrated" | "HPD" | "given";

/** Where a map's contours lie, and why there. */
export interface Levels {
  readonly convention: Convention;
  /** The convention in words, for a legend: "IC160427A, with systematics". */
  readonly source: string;
  /** Ascending. Empty for HPD, whose levels follow from the map. */
  readonly contours: readonly ContourLevel[];
  /** What must be said beside any area. */
  readonly remark?: string;
  /** Systematic errors of this very event are in: only its own calibration can say so (GCN's `systematic_included`). */
  readonly systematicIncluded: boolean;
}

/** Wilks' theorem for the two coordinates of the direction; skyreader's rounding of χ² with two degrees of freedom. */
export const wilksLevels: Levels = {
  convention: "statistical",
  source: "statistical, Wilks",
  contours: [
    { percent: 50, level: 1.39 },
    { percent: 90, level: 4.61 },
    { percent: 99.73, level: 11.83 },
  ],
  systematicIncluded: false,
};

/**
 * From re-simulations of IC160427A with varied ice (Pan-STARRS follow-up, E. Kankare et al., A&A 626 (2019) A117), as
 * skyreader has them. They were made with the Millipede setting called `millipede_original` here, and reproduce
 * IceCat-1's rectangles of its maps.
 */
export const ic160427aLevels: Levels = {
  convention: "IC160427A",
  source: "IC160427A, with systematics",
  contours: [
    { percent: 50, level: 22.2 },
    { percent: 90, level: 64.2 },
  ],
  systematicIncluded: false,
};

/** The smallest region that holds a share of the probability: its levels follow from the map. */
export const hpdLevels: Levels = {
  convention: "HPD",
  source: "credible region, HPD",
  contours: [],
  systematicIncluded: false,
};

/** Shares of the credible regions that are reported. */
export const hpdPercents: readonly number[] = [50, 90];

const named: Readonly<Record<string, Levels>> = {
  wilks: wilksLevels,
  ic160427a: ic160427aLevels,
  hpd: hpdLevels,
};

/** The levels that are right for an algorithm's maps; undefined for names that are none of ours. */
export function levelsOfAlgorithm(recoAlgo: string): Levels | undefined {
  if (recoAlgo === "millipede_original" || recoAlgo === "millipede") return ic160427aLevels;
  const isKnown = /^(splinempe(_pointed)?|millipede_wilks(_widened)?|(crash_)?dummy)$/.test(
    recoAlgo,
  );
  return isKnown ? wilksLevels : undefined;
}

const unknownAlgorithm: Levels = {
  ...wilksLevels,
  remark: "algorithm unknown, so statistical only, not calibrated (--reco-algo)",
};

/**
 * A map's levels: those its metadata carries, else those of its algorithm.
 * @param recoAlgo where one knows better than the file
 */
export const levelsOf = (result: SkyScanResult, recoAlgo?: string): Levels =>
  onMap(ownLevels(result, recoAlgo), result);

/** The levels with what must be said beside them on this map. Only a calibration studies the coverage of our own light. */
export function onMap(levels: Levels, result: SkyScanResult): Levels {
  const isBuiltIn = provenanceOf(result).light?.startsWith("embedded") ?? false;
  if (!isBuiltIn || levels.convention === "calibrated" || levels.remark !== undefined)
    return levels;
  return { ...levels, remark: "coverage not studied with the built-in light" };
}

function ownLevels(result: SkyScanResult, recoAlgo?: string): Levels {
  const made = provenanceOf(result);
  const isAnother = recoAlgo !== undefined && recoAlgo !== made.recoAlgo;
  if (!isAnother && made.levels !== undefined) {
    const carried = levelsFromText(made.levels);
    if (carried !== undefined) return carried;
  }
  return levelsOfAlgorithm(recoAlgo ?? made.recoAlgo ?? "") ?? unknownAlgorithm;
}

/** As result files carry levels: "IC160427A 50=22.2 90=64.2". */
export const levelsText = ({ convention, contours }: Levels): string =>
  [convention, ...contours.map(({ percent, level }) => `${percent}=${level}`)].join(" ");

/** @returns undefined where the text is of another program, or of a convention unknown here */
function levelsFromText(text: string): Levels | undefined {
  const [convention, ...pairs] = text.split(" ");
  const known = [wilksLevels, ic160427aLevels, hpdLevels].find(
    (levels) => levels.convention === convention,
  );
  const contours = pairs.map(contourLevel);
  if (known === undefined || !contours.every((contour) => contour !== undefined)) return undefined;
  // Another program's header may name the convention alone.
  return contours.length === 0 ? known : { ...known, contours: ascending(contours) };
}

/**
 * Levels as a user gives them: wilks, ic160427a, hpd, or PERCENT=LEVEL,… with levels of 2·Δllh.
 * @throws InputError saying what is expected
 */
export function parseLevels(text: string): Levels {
  const known = named[text.trim().toLowerCase()];
  if (known !== undefined) return known;
  const contours = text.split(",").map((part) => {
    const contour = contourLevel(part);
    if (contour === undefined)
      throw new InputError(
        `--levels: expected wilks, ic160427a, hpd or PERCENT=LEVEL,… with 0 < PERCENT < 100 and LEVEL > 0, not "${text.slice(0, 60)}"`,
      );
    return contour;
  });
  const sorted = ascending(contours);
  if (sorted.some(({ level }, i) => i > 0 && level <= sorted[i - 1]!.level))
    throw new InputError(`--levels: "${text.slice(0, 60)}": a larger share needs a higher level`);
  return {
    convention: "given",
    source: "levels as given",
    contours: sorted,
    systematicIncluded: false,
  };
}

function contourLevel(text: string): ContourLevel | undefined {
  const [, percent, level] = /^\s*([\d.]+)\s*%?\s*=\s*([\d.eE+-]+)\s*$/.exec(text) ?? [];
  const contour = { percent: Number(percent), level: Number(level) };
  const isSound = contour.percent > 0 && contour.percent < 100 && contour.level > 0;
  return isSound && Number.isFinite(contour.level) ? contour : undefined;
}

const ascending = (contours: readonly ContourLevel[]): ContourLevel[] =>
  [...contours].sort((a, b) => a.percent - b.percent);

/** The levels an event's own pseudo-experiments gave. */
export const calibratedLevels = (calibration: Calibration): Levels => ({
  convention: "calibrated",
  source: `calibrated, ${calibration.experiments} pseudo-experiments`,
  contours: ascending(calibration.levels.map(({ percent, level }) => ({ percent, level }))),
  systematicIncluded: true,
});

/** Convention and remark in one line, for a legend. */
export const legendText = ({ source, remark }: Levels): string =>
  remark === undefined ? source : `${source}; ${remark}`;

/** A share as people write it: "90 %", and "3σ" for what a Gaussian has within it. */
export const shareText = (percent: number): string => (percent === 99.73 ? "3σ" : `${percent} %`);
