import { pulsesJson } from "../event/json.ts";
import { domName } from "../i3/omkey.ts";
import type { TimeWindow } from "../i3/pulses.ts";
import type { PreparedEvent } from "./reco.ts";

/**
 * A prepared event as plain JSON: pulses as "<string>,<om>": [[time, charge, width, flags], …], windows
 * as [start, stop]. JSON has no infinity: an open end of a window is "-inf" or "inf". No estimate: null.
 */
export function preparedJson(prepared: PreparedEvent): object {
  const { pulses, vertex, exclusions, energy } = prepared;
  return {
    pulses: Object.fromEntries(
      Object.entries(pulses).map(([step, series]) => [step, pulsesJson(series)]),
    ),
    vertex: { x: vertex.x, y: vertex.y, z: vertex.z, time: vertex.time },
    exclusions: Object.fromEntries(
      [...exclusions].map(([key, windows]) => [domName(key), windows.map(windowJson)]),
    ),
    energy: energy ? { value: energy.value, source: energy.source } : null,
  };
}

const windowJson = ({ start, stop }: TimeWindow) => [numberJson(start), numberJson(stop)];

function numberJson(value: number): number | string {
  if (value === Number.POSITIVE_INFINITY) return "inf";
  return value === Number.NEGATIVE_INFINITY ? "-inf" : value;
}
