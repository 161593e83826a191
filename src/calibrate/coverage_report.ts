/** How often contours hold the truth: shares, the distribution of 2Δllh, resolution by energy, the P–P curve. */

import type { ContourLevel } from "../result/levels.ts";
import { type Entry, hasFailed, type Outcome } from "./experiment.ts";
import { measuredLevels, quantile, scaledFit, shareBelow } from "./statistics.ts";

/** Events of a study together, or in one energy range. */
export interface CoverageInput {
  readonly recoAlgo: string;
  readonly light: string | null;
  readonly detector: string;
  readonly version: string;
  /** The levels that are put to the test. */
  readonly levels: { readonly convention: string; readonly contours: readonly ContourLevel[] };
  /** How the events were made, for the record. */
  readonly sample: object;
  readonly entries: readonly Entry[];
}

const QUANTILES = [50, 68, 90] as const;

/** Of events together. */
function summaryOf(outcomes: readonly Outcome[], contours: readonly ContourLevel[]) {
  const values = outcomes.map(({ ts }) => ts);
  const errors = outcomes.map(({ error }) => error);
  const fit = scaledFit(values);
  return {
    events: outcomes.length,
    shares: contours.map(({ percent, level }) => ({
      percent,
      level,
      ...shareBelow(values, level),
    })),
    ts: QUANTILES.map((percent) => ({ percent, ...quantile(values, percent / 100) })),
    scale: fit.scale,
    scale_error: fit.scaleError,
    chi2_fits: fit.fits,
    error_deg: QUANTILES.map((percent) => ({ percent, ...quantile(errors, percent / 100) })),
  };
}

/**
 * Shares inside levels that the other half of the events calibrates, as calibrations make them: what one is worth on
 * events it has not seen. Halves are the even and the odd numbers.
 */
function crossCalibrated(outcomes: readonly Outcome[]) {
  const halves = [0, 1].map((parity) =>
    outcomes.filter(({ k }) => k % 2 === parity).map(({ ts }) => ts),
  );
  if (halves.some((half) => half.length === 0)) return [];
  const measured = halves.map(measuredLevels);
  return [50, 90].map((percent) => {
    const levels = measured.map((of) => of.find((level) => level.percent === percent)!.level);
    const inUnits = halves.flatMap((half, i) => half.map((ts) => ts / levels[1 - i]!));
    return { percent, levels, ...shareBelow(inUnits, 1) };
  });
}

/** Decades of energy with their bounds, GeV. */
function byEnergy(outcomes: readonly Outcome[], contours: readonly ContourLevel[]) {
  const decade = (energy: number) => Math.floor(2 * Math.log10(energy));
  const found = [...new Set(outcomes.map(({ energy }) => decade(energy)))].sort((a, b) => a - b);
  return found.map((half) => {
    const inside = outcomes.filter(({ energy }) => decade(energy) === half);
    return { from: 10 ** (half / 2), to: 10 ** ((half + 1) / 2), ...summaryOf(inside, contours) };
  });
}

/** @param input at least one of its events was fitted */
export function coverageOf(input: CoverageInput) {
  const entries = input.entries.toSorted((a, b) => a.k - b.k);
  const outcomes = entries.filter((entry): entry is Outcome => !hasFailed(entry));
  const { contours, convention } = input.levels;
  return {
    format: "skyscan coverage 1" as const,
    reco_algo: input.recoAlgo,
    light: input.light,
    detector: input.detector,
    version: input.version,
    sample: input.sample,
    convention,
    failed: entries.filter(hasFailed),
    ...summaryOf(outcomes, contours),
    calibrated: crossCalibrated(outcomes),
    by_energy: byEnergy(outcomes, contours),
    pp: curveOf(outcomes),
    drawn: outcomes,
  };
}

export type CoverageReport = ReturnType<typeof coverageOf>;

/** P–P: the share of events whose truth a contour of this stated share holds, at each event. */
function curveOf(outcomes: readonly Outcome[]): { stated: number; held: number }[] {
  const stated = outcomes.map(({ ts }) => 1 - Math.exp(-Math.max(0, ts) / 2)).sort((a, b) => a - b);
  return stated.map((share, i) => ({ stated: share, held: (i + 1) / stated.length }));
}

const number = (value: number | null): string => (value === null ? "–" : value.toPrecision(3));
const percentText = ({ share, error }: { share: number; error: number }): string =>
  `${(100 * share).toFixed(0)} ± ${(100 * error).toFixed(0)} %`;

/** A report as lines for the terminal. */
export function coverageLines(report: CoverageReport): string[] {
  const lines = [
    [
      "events",
      `${report.events}${report.failed.length > 0 ? `, ${report.failed.length} failed` : ""}`,
    ],
    ...report.shares.map((share) => [
      `inside ${share.percent} %`,
      `${percentText(share)}  (2Δllh < ${share.level}, ${report.convention})`,
    ]),
    ...report.calibrated.map((share) => [
      `calibrated ${share.percent} %`,
      `${percentText(share)}  (levels as a calibration on the other half of the events gives)`,
    ]),
    [
      "2Δllh at truth",
      `${report.ts.map(({ percent, value }) => `${percent} %: ${number(value)}`).join(", ")}; scale ${report.scale.toFixed(2)} ± ${report.scale_error.toFixed(2)}`,
    ],
    [
      "error",
      report.error_deg.map(({ percent, value }) => `${percent} %: ${number(value)}°`).join(", "),
    ],
    ...report.by_energy.map(({ from, to, events, error_deg, shares }) => [
      `${number(from)} GeV on`,
      `to ${number(to)}: ${events} events, median error ${number(error_deg[0]!.value)}°, inside ${shares.map(percentText).join(" / ")}`,
    ]),
  ];
  return lines.map(([name, value]) => `${name!.padEnd(16)}${value}`);
}

/** A report as a section of a page in Markdown. */
export function coverageTable(
  title: string,
  reports: readonly (readonly [string, CoverageReport])[],
): string {
  const head = [
    `## ${title}`,
    "",
    "| sample | events | inside 50 % | inside 90 % | calibrated 50 % | calibrated 90 % | 2Δllh: median / 68 % / 90 % | scale | error: median / 90 % |",
    "|---|---|---|---|---|---|---|---|---|",
  ];
  const rows = reports.map(([name, report]) => {
    const [fifty, ninety] = report.shares;
    const [half, most] = report.calibrated;
    const ts = report.ts.map(({ value }) => number(value)).join(" / ");
    const errors = [report.error_deg[0], report.error_deg[2]].map((e) => `${number(e!.value)}°`);
    const cell = (share: { share: number; error: number } | undefined) =>
      share === undefined ? "–" : percentText(share);
    return `| ${name} | ${report.events} | ${cell(fifty)} | ${cell(ninety)} | ${cell(half)} | ${cell(most)} | ${ts} | ${report.scale.toFixed(2)} ± ${report.scale_error.toFixed(2)} | ${errors.join(" / ")} |`;
  });
  return [...head, ...rows, ""].join("\n");
}

/** How far minima are from the truth by energy, as a section of a page in Markdown. */
export function resolutionTable(title: string, report: CoverageReport): string {
  const rows = report.by_energy.map(
    ({ from, to, events, error_deg, shares, scale, scale_error }) => {
      const [half, , most] = error_deg.map(({ value }) => `${number(value)}°`);
      const inside = shares.slice(0, 2).map(percentText).join(" | ");
      return `| ${number(from / 1000)}–${number(to / 1000)} | ${events} | ${half} | ${most} | ${inside} | ${scale.toFixed(2)} ± ${scale_error.toFixed(2)} |`;
    },
  );
  return [
    `## ${title}`,
    "",
    "| energy, TeV | events | error: median | 90 % | inside 50 % | inside 90 % | scale |",
    "|---|---|---|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}
