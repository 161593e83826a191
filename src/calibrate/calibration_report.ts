/** What is written to calibration.json: levels, their errors, the scale, angular quantiles, and everything drawn. */

import type { EventMetadata } from "../event/event.ts";
import type { MuonTrack } from "../geometry/track.ts";
import type { Calibration } from "../result/calibration.ts";
import { type Entry, hasFailed, type Outcome } from "./experiment.ts";
import { measuredLevels, quantile, scaledFit, shareBelow } from "./statistics.ts";
import { WIDTHS } from "./systematics.ts";

/** Scale above which contours with Wilks' levels are said to under-cover. */
const UNDER_COVERS = 1.5;
/** Angular quantiles that are reported, %. */
const ANGULAR = [50, 68, 90] as const;
/** Levels whose uncalibrated coverage is reported: Wilks', skyreader's rounding. */
const WILKS = [
  { percent: 50, level: 1.39 },
  { percent: 90, level: 4.61 },
] as const;

export interface ReportInput {
  readonly event: EventMetadata;
  readonly recoAlgo: string;
  readonly light: string | null;
  readonly detector: string;
  readonly version: string;
  readonly seed: number;
  readonly muon: MuonTrack;
  /** In any order. */
  readonly entries: readonly Entry[];
}

/** @param input at least one of its experiments succeeded */
export function calibrationOf(input: ReportInput) {
  const { event, muon } = input;
  const entries = input.entries.toSorted((a, b) => a.k - b.k);
  const outcomes = entries.filter((entry): entry is Outcome => !hasFailed(entry));
  const values = outcomes.map(({ ts }) => ts);
  const fit = scaledFit(values);
  const errors = outcomes.map(({ error }) => error);
  return {
    format: "skyscan calibration 1" as const,
    event: { run_id: event.runId, event_id: event.eventId, event_type: event.eventType },
    reco_algo: input.recoAlgo,
    light: input.light,
    detector: input.detector,
    version: input.version,
    experiments: outcomes.length,
    failed: entries.filter(hasFailed),
    levels: measuredLevels(values),
    scale: fit.scale,
    scale_error: fit.scaleError,
    chi2_fits: fit.fits,
    ks_distance: fit.distance,
    ks_limit: fit.limit,
    under_covers: fit.scale > UNDER_COVERS,
    uncalibrated: WILKS.map(({ percent, level }) => ({
      percent,
      level,
      ...shareBelow(values, level),
    })),
    angular_error_deg: ANGULAR.map((percent) => ({ percent, ...quantile(errors, percent / 100) })),
    systematic_included: true as const,
    hypothesis: muon,
    seed: input.seed,
    widths: WIDTHS,
    drawn: outcomes,
  } satisfies Calibration;
}

export type CalibrationReport = ReturnType<typeof calibrationOf>;

const number = (value: number | null, digits = 2): string =>
  value === null ? "–" : value.toFixed(digits);

/** A report as lines for the terminal. */
export function calibrationLines(report: CalibrationReport): string[] {
  const failed = report.failed.length > 0 ? `, ${report.failed.length} failed` : "";
  const lines = [
    ["experiments", `${report.experiments}${failed}`],
    ...report.levels.map(({ percent, level, low, high, from, scaled }) => [
      `${percent} % level`,
      `2Δllh ${number(level)} (${number(low)} to ${number(high)}; ${from}; scaled χ² ${number(scaled)})`,
    ]),
    [
      "scale",
      `${number(report.scale)} ± ${number(report.scale_error)}; a scaled χ² ${report.chi2_fits ? "fits" : "does not fit"} (Kolmogorov–Smirnov ${number(report.ks_distance)}, limit ${report.ks_limit})`,
    ],
    ...report.uncalibrated.map(({ percent, level, share, error }) => [
      `inside ${level}`,
      `${(100 * share).toFixed(0)} ± ${(100 * error).toFixed(0)} % (${percent} % by Wilks' theorem)`,
    ]),
    ...report.angular_error_deg.map(({ percent, value, low, high }) => [
      `${percent} % error`,
      `${number(value, 3)}° (${number(low, 3)} to ${number(high, 3)})`,
    ]),
  ];
  return lines.map(([name, value]) => `${name!.padEnd(16)}${value}`);
}

/** What is said loudly of an event whose contours are too small without calibration. */
export const underCoverage = ({ under_covers, scale }: CalibrationReport): string | undefined =>
  under_covers
    ? `contours without calibration under-cover: 2Δllh is ${scale.toFixed(1)} times what Wilks' theorem says`
    : undefined;
