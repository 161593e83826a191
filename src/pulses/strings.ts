import { type OMKey, stringOf } from "../i3/omkey.ts";
import type { PulseMap } from "../i3/pulses.ts";
import { selectDoms } from "./select.ts";

/** DeepCore is the denser inner part: strings 79 to 86. */
export const FIRST_DEEPCORE_STRING = 79;

export const isDeepCore = (key: OMKey): boolean => stringOf(key) >= FIRST_DEEPCORE_STRING;

/** Pulses on IceCube's own strings; DeepCore is off. */
export const iceCubePulses = (pulses: PulseMap): PulseMap =>
  selectDoms(pulses, (key) => !isDeepCore(key));
