import { PulseFlag, type PulseMap } from "../i3/pulses.ts";
import { selectPulses } from "./select.ts";

/** Pulses in hard local coincidence: a neighbouring DOM on the string saw light too (LC flag set). */
export const hlcPulses = (pulses: PulseMap): PulseMap =>
  selectPulses(pulses, (_, pulse) => (pulse.flags & PulseFlag.LC) !== 0);

/** Pulses in soft local coincidence: the others. */
export const slcPulses = (pulses: PulseMap): PulseMap =>
  selectPulses(pulses, (_, pulse) => (pulse.flags & PulseFlag.LC) === 0);
