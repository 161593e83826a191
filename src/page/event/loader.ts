/** Fetches the event view's script and an event's DOMs when they are first asked for. */
import type { EventView, OpenEvent } from "./event_view.ts";

let script: Promise<OpenEvent> | undefined;

/** Where the script leaves what it offers: a page's script has no exports. */
export interface Offering {
  skyscanOpenEvent?: OpenEvent;
}

async function loadScript(base: string): Promise<OpenEvent> {
  await import(`${base}event.js`);
  const { skyscanOpenEvent } = globalThis as Offering;
  if (!skyscanOpenEvent) throw new Error("event.js offers nothing");
  return skyscanOpenEvent;
}

/** @returns the view, or why there is none */
export async function openEventView(
  base: string,
  event: string,
  holder: HTMLElement,
): Promise<EventView | string> {
  try {
    script ??= loadScript(base);
    const [open, answer] = await Promise.all([script, fetch(`${base}event/${event}/doms.bin`)]);
    if (!answer.ok)
      return answer.status === 404 ? "no pulses" : "The desk has no pulses of this event.";
    return open(holder, await answer.arrayBuffer());
  } catch {
    script = undefined;
    return "The event view could not be loaded.";
  }
}
