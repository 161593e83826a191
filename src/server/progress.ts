import { consola } from "consola";
import type { Manifest } from "./manifest.ts";

/** How often the bar moves, and how often a line is logged where there is none, ms. */
const barPeriod = 250;
const linePeriod = 60_000;
const barWidth = 30;

/** Shows how far the scan is: a bar on a terminal, a line a minute elsewhere. @returns the function that ends it */
export function showProgress(current: () => Manifest): () => void {
  const isTerminal = process.stderr.isTTY === true && consola.level >= 3;
  const draw = () => process.stderr.write(`\r\x1b[K${bar(current())}`);
  const timer = isTerminal
    ? setInterval(draw, barPeriod)
    : setInterval(() => consola.info(line(current())), linePeriod);
  return () => {
    clearInterval(timer);
    if (isTerminal) process.stderr.write("\r\x1b[K");
  };
}

function bar(manifest: Manifest): string {
  const { done, estimated } = manifest.progress.recos;
  const full = Math.round((barWidth * done) / Math.max(1, estimated));
  return `[${"=".repeat(full)}${" ".repeat(Math.max(0, barWidth - full))}] ${line(manifest)}`;
}

/** "5376/21504 fits (25 %), 8: 768/768 64: 12/192, 512 fits/s, 12 clients, 31 s left" */
export function line({ progress, clients }: Manifest): string {
  const { done, estimated } = progress.recos;
  const share = ((100 * done) / Math.max(1, estimated)).toFixed(1);
  const stages = Object.entries(progress.by_nside)
    .map(([nside, { pixels }]) => `${nside}: ${pixels.done}/${pixels.sent}`)
    .join("  ");
  const rate = progress.recos_per_second_lately;
  const left = progress.seconds_left;
  return [
    `${done}/${estimated} fits (${share} %)`,
    `pixels ${stages}`,
    `${rate === null ? "–" : rate.toPrecision(3)} fits/s`,
    `${clients.connected} client${clients.connected === 1 ? "" : "s"}`,
    ...(left === null ? [] : [`${duration(left)} left`]),
  ].join(", ");
}

/** "12 s", "3 min 20 s", "2 h 5 min". */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
