import type { Control, StartupData } from "../mq/messages.ts";
import { joinStartup } from "../mq/startup.ts";

/** The start-up data as it comes over the broker, part by part, in any order. */
export interface StartupParts {
  /** One part has come. */
  add(part: number, payload: Uint8Array): void;
  /**
   * Subscribes to what is not subscribed to yet.
   * @returns the start-up data; undefined while parts are missing
   */
  collect(summary: Control["startup"]): StartupData | undefined;
}

/**
 * @param subscribe asks the broker for parts, one by one: RabbitMQ gives what is retained to no wildcard.
 * Returns whether there is a broker to ask yet.
 */
export function createStartupParts(subscribe: (parts: readonly number[]) => boolean): StartupParts {
  const parts = new Map<number, Uint8Array>();
  let asked = 0;
  return {
    add: (part, payload) => void parts.set(part, payload.slice()),
    collect(summary) {
      const fresh = Array.from({ length: summary.parts }, (_, part) => part).slice(asked);
      if (fresh.length > 0 && subscribe(fresh)) asked = summary.parts;
      const data = joinStartup(parts, summary);
      if (data !== undefined) parts.clear();
      return data;
    },
  };
}
