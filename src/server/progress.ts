import { consola } from "consola";
import { systemClock } from "../config/clock.ts";
import type { Rates } from "../scan/progress.ts";
import type { ScanProgress } from "../scan/scan.ts";

/** What a line of progress tells. */
export interface ProgressView {
  readonly progress: ScanProgress;
  readonly rates: Rates;
  readonly clients: number;
}

/** How often the bar moves, and how often a line is logged where there is none, s. */
const barPeriod = 0.25;
const linePeriod = 60;
const barWidth = 30;

/** Shows how far the scan is: a bar on a terminal, a line a minute elsewhere. @returns the function that ends it */
export function showProgress(current: () => ProgressView): () => void {
  const isTerminal = process.stderr.isTTY === true && consola.level >= 3;
  const draw = () => process.stderr.write(`\r\x1b[K${bar(current())}`);
  const end = isTerminal
    ? systemClock.every(barPeriod, draw)
    : systemClock.every(linePeriod, () => consola.info(line(current())));
  return () => {
    end();
    if (isTerminal) process.stderr.write("\r\x1b[K");
  };
}

function bar(view: ProgressView): string {
  const { recosDone, recosEstimated } = view.progress;
  const full = Math.min(barWidth, Math.round((barWidth * recosDone) / Math.max(1, recosEstimated)));
  return `[${"=".repeat(full)}${" ".repeat(barWidth - full)}] ${line(view)}`;
}

/** "5376/21504 fits (25.0 %), pixels 8: 768/768  64: 12/192, 512 fits/s, 12 clients, 31 s left" */
export function line({ progress, rates, clients }: ProgressView): string {
  const { recosDone, recosEstimated } = progress;
  const share = ((100 * recosDone) / Math.max(1, recosEstimated)).toFixed(1);
  const stages = progress.stages
    .map(({ nside, pixelsDone, pixelsSent }) => `${nside}: ${pixelsDone}/${pixelsSent}`)
    .join("  ");
  const { recosPerSecondLately: rate, timeLeft } = rates;
  return [
    `${recosDone}/${recosEstimated} fits (${share} %)`,
    `pixels ${stages}`,
    ...(rate === null ? [] : [`${rate.toPrecision(3)} fits/s`]),
    `${clients} client${clients === 1 ? "" : "s"}`,
    ...(timeLeft === null ? [] : [`${duration(timeLeft)} left`]),
  ].join(", ");
}

/** "12 s", "3 min 20 s", "2 h 5 min". */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
