import type { TimeWindow } from "../geometry/time_window.ts";
import type { OMKey } from "./omkey.ts";

/** One photon signal on one DOM. */
export interface Pulse {
  /** Leading edge, ns since the start of the event's readout (QI3EventHeader). */
  readonly time: number;
  /** PE; exactly a float32 value. */
  readonly charge: number;
  /** ns; exactly a float32 value. */
  readonly width: number;
  /** Bits of {@link PulseFlag}. */
  readonly flags: number;
}

export const PulseFlag = { LC: 1, ATWD: 2, FADC: 4 } as const;

/** Pulses per DOM, DOMs in ascending OMKey order, pulses in time order. No DOM without pulses. */
export type PulseMap = ReadonlyMap<OMKey, readonly Pulse[]>;

export type { TimeWindow };

export type TimeWindowMap = ReadonlyMap<OMKey, readonly TimeWindow[]>;
