import type { Frame } from "../i3/frame.ts";

/** Key of the true track in an alert that `skyscan simulate` made. */
export const TRUE_TRACK = "SimulatedMuon";

/** Keys of its losses and of what it was simulated with, both JSON in an I3String. */
export const TRUE_LOSSES = "SimulatedLosses";
export const SIMULATED_WITH = "SimulatedWith";

/** What only simulated events hold: our own true track, and IceTray's tree of true particles. */
const SIMULATED_KEYS = [TRUE_TRACK, "I3MCTree"];

/** Whether an event says of itself that it is simulated. */
export const isMarkedSimulated = (frames: readonly Frame[]): boolean =>
  frames.some(({ records }) => SIMULATED_KEYS.some((key) => records.has(key)));
