import type { PulseMap, TimeWindow } from "../i3/pulses.ts";
import type { PreparedEvent } from "./reco.ts";

/** A prepared event for people: one line for each cleaning step and each outcome. */
export function preparedTable(algorithm: string, prepared: PreparedEvent): string {
  const { pulses, vertex, exclusions, energy, readoutWindow, detector } = prepared;
  const { x, y, z, time } = vertex;
  const place = [x, y, z].map((value) => value.toFixed(2)).join(", ");
  const whole = [...exclusions.values()].filter((windows) => windows.some(isWhole)).length;
  const rows: [string, string][] = [
    ...Object.entries(pulses).map(([step, map]): [string, string] => [step, content(map)]),
    ["vertex", `(${place}) m at ${time.toFixed(1)} ns`],
    ["window", `${readoutWindow.start.toFixed(1)} to ${readoutWindow.stop.toFixed(1)} ns`],
    ["excluded", excludedText(whole, exclusions.size - whole)],
    ["energy", energy ? `${energy.value.toPrecision(4)} GeV (${energy.source})` : "no estimate"],
    ["detector", detector.source],
  ];
  const lines = rows.map(([name, text]) => `  ${name.padEnd(12)} ${text}`);
  return `prepared for ${algorithm}\n${lines.join("\n")}\n`;
}

const excludedText = (whole: number, partly: number): string =>
  whole + partly === 0 ? "nothing" : `${whole} DOMs, and some times of ${partly} more`;

const isWhole = ({ start, stop }: TimeWindow) =>
  start === Number.NEGATIVE_INFINITY && stop === Number.POSITIVE_INFINITY;

function content(pulses: PulseMap): string {
  const all = [...pulses.values()].flat();
  const charge = all.reduce((sum, pulse) => sum + pulse.charge, 0);
  return `${pulses.size} DOMs, ${all.length} pulses, ${charge.toFixed(2)} PE`;
}
