import type { Frame } from "../i3/frame.ts";
import { type OMKey, parseDomName } from "../i3/omkey.ts";

/** Version of the metadata (and of the pixels' layout) in result files. */
export const METADATA_VERSION = 1;

/** Names one event in results, file names and logs. */
export interface EventMetadata {
  readonly runId: number;
  readonly eventId: number;
  /** "neutrino", "HESE", … : the alert's stream. */
  readonly eventType: string;
  /** UTC, days. */
  readonly mjd: number;
  readonly isRealEvent: boolean;
}

/** One recorded readout. Objects are looked up by key through find() in objects.ts: P, then Q, D, C, G. */
export interface Event {
  readonly metadata: EventMetadata;
  /** The alert's `value.version`: "2021a", "2023a", …; "" where absent. */
  readonly formatVersion: string;
  /** The G, C, D, Q, P frames. */
  readonly frames: readonly Frame[];
  /** The short alert message (value.data without frames), as it was. */
  readonly message: Readonly<Record<string, unknown>>;
  /** SHA-256 of the file it was read from, hexadecimal; absent for events from elsewhere. */
  readonly sha256?: string;
  /** DOMs whose pulses the user will not have; none where absent. */
  readonly leftOut?: ReadonlySet<OMKey>;
}

/** The event without the pulses of DOMs of these names ("string,om"). */
export const withoutDoms = (event: Event, names: readonly string[] = []): Event =>
  names.length === 0 ? event : { ...event, leftOut: new Set(names.map(parseDomName)) };

/** "run00136662.evt000035405932.neutrino": the stem of every file about this event. */
export const eventName = (event: EventMetadata): string =>
  `run${String(event.runId).padStart(8, "0")}.evt${String(event.eventId).padStart(12, "0")}.${event.eventType}`;
