// Passes messages between parties within one process, as a broker does between machines.
import { Interrupted } from "../config/errors.ts";
import type { BrokerAddress } from "./address.ts";
import type { Connect, Connection, ConnectionHandlers, Payload } from "./connection.ts";

/** Where an exchange is met: nowhere that others could come to. */
export const withinProcess: BrokerAddress = { protocol: "mqtt", host: "", port: 0, path: "/" };

interface Party {
  readonly handlers: ConnectionHandlers<Payload>;
  readonly topics: string[];
  /** What has been published for it and not been handed over, in its order. */
  readonly inbox: { readonly topic: string; readonly payload: Payload }[];
  isReceiving: boolean;
}

const removed = new Uint8Array();
const encoder = new TextEncoder();

/** Whether a topic is meant by a subscription; "+" stands for one level. */
function isMeant(topic: string, subscription: string): boolean {
  if (topic === subscription) return true;
  if (!subscription.includes("+")) return false;
  const levels = topic.split("/");
  const wanted = subscription.split("/");
  return levels.length === wanted.length && wanted.every((at, n) => at === "+" || at === levels[n]);
}

/**
 * A meeting place for parties of this process: retained messages and order are a broker's, but nothing is written as
 * bytes, read and examined again, which took a third of the time of a scan's main process beside its fits. Wills are not
 * needed: nobody here dies alone. @returns what connects to it
 */
export function createExchange(): Connect {
  const parties = new Set<Party>();
  const retained = new Map<string, Payload>();

  const receive = async (party: Party): Promise<void> => {
    for (let next = party.inbox.shift(); next !== undefined; next = party.inbox.shift()) {
      if (!parties.has(party)) break;
      const busy = party.handlers.onMessage(next.topic, next.payload);
      if (busy instanceof Promise) await busy;
    }
    party.isReceiving = false;
  };
  const hand = (party: Party, topic: string, payload: Payload): void => {
    party.inbox.push({ topic, payload });
    if (party.isReceiving) return;
    party.isReceiving = true;
    // Not at once: whoever publishes has more to do first.
    queueMicrotask(() => void receive(party));
  };
  const subscribe = (party: Party, topics: readonly string[]): void => {
    party.topics.push(...topics);
    for (const [topic, payload] of retained)
      if (topics.some((wanted) => isMeant(topic, wanted))) hand(party, topic, payload);
  };

  return async (_address, { subscriptions, stop }, handlers) => {
    if (stop?.aborted) throw new Interrupted();
    const party: Party = { handlers, topics: [], inbox: [], isReceiving: false };
    parties.add(party);
    subscribe(party, subscriptions);
    const connection: Connection = {
      publish(topic, message, { retain = false } = {}) {
        const isRemoval = message === "";
        const payload =
          typeof message === "string" ? encoder.encode(message) : (message as Payload);
        if (retain && isRemoval) retained.delete(topic);
        else if (retain) retained.set(topic, payload);
        for (const other of parties)
          if (other.topics.some((wanted) => isMeant(topic, wanted)))
            hand(other, topic, isRemoval ? removed : payload);
      },
      subscribe: (topics) => subscribe(party, topics),
      get isConnected() {
        return parties.has(party);
      },
      async close() {
        parties.delete(party);
      },
    };
    handlers.onConnect?.(true);
    return connection;
  };
}
