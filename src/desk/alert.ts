// What an alert says of whose event it is, as the page shows it.
import { type Event, eventName } from "../event/event.ts";
import type { EventLabel } from "./messages.ts";

/** Alerts do not say how they were graded; who names their files does. */
const streamIn = (name: string): string | null =>
  /(?<![a-z])(gold|bronze)(?![a-z])/i.exec(name)?.[1]?.toLowerCase() ?? null;

/** @param name of the file it came in, as its sender calls it */
export function labelOf({ metadata }: Event, name: string): EventLabel {
  const { runId, eventId, mjd, eventType, isRealEvent } = metadata;
  return {
    name: eventName(metadata),
    ...{ run: runId, id: eventId, mjd, type: eventType, is_real: isRealEvent },
    stream: streamIn(name),
  };
}
