import { InputError } from "../config/errors.ts";
import { eventName } from "../event/event.ts";
import { eventOf, type SkyScanResult } from "./result.ts";

/**
 * The stem of a result's files: `run00136766.evt000007637140.GOLD_8_64_512`.
 * Without metadata run and event are 0 and the type is empty, as in skyreader.
 * @throws InputError for a result without pixels
 */
export function resultStem(result: SkyScanResult): string {
  const nsides = [...result.nsides.keys()].sort((a, b) => a - b);
  if (nsides.length === 0) throw new InputError("a result without pixels has no file name");
  const event = eventOf(result) ?? {
    runId: 0,
    eventId: 0,
    eventType: "",
    mjd: 0,
    isRealEvent: false,
  };
  return `${eventName(event)}_${nsides.join("_")}`;
}
