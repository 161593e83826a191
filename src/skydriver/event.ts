import { InputError } from "../config/errors.ts";
import { type SkyDriver, urgent } from "./client.ts";

/**
 * The alert of a scan: of its manifest, or, where it is not shown there, by the newer way.
 * @returns the alert's document, JSON
 * @throws SkyDriverError; InputError where SkyDriver has none to show
 */
export async function fetchEvent(skydriver: SkyDriver, scanId: string): Promise<string> {
  const manifest = await skydriver.request("GET", `/scan/${scanId}/manifest`, urgent);
  const inManifest = member(manifest, "event_i3live_json_dict");
  // To others than the scanner itself a text stands there: use 'i3_event_id'.
  if (isDocument(inManifest)) return JSON.stringify(inManifest);
  const answer = await skydriver.request("GET", `/scan/${scanId}/i3-event`, urgent);
  const event = member(answer, "i3_event");
  if (isDocument(event)) return JSON.stringify(event);
  throw new InputError(`${skydriver.address}: scan ${scanId} has no alert that it shows us`);
}

/** A member of what may be anything. */
export const member = (value: unknown, name: string): unknown =>
  isDocument(value) ? (value as Record<string, unknown>)[name] : undefined;

const isDocument = (value: unknown): boolean =>
  typeof value === "object" && value !== null && !Array.isArray(value);
