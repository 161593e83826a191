import type { ClientStatus } from "../mq/messages.ts";
import type { Store } from "../store/store.ts";

/** The light model a client works with. */
export type ClientLight = NonNullable<ClientStatus["light"]>;

/** One start of a scan's server, and what it shares with the starts before. */
export interface Session {
  /** Counts the starts. */
  readonly number: number;
  /** Clients that are still there find a restarted server under the same name. */
  readonly basename: string;
  /** The first start: s since 1970. */
  readonly startedAt: number;
  /** What the numbers of its leases are made with; never leaves the server. */
  readonly secret: string;
  /** The light all of the scan's fits are made with; undefined: its first client will say. */
  readonly light: ClientLight | undefined;
}

/**
 * Begins a session, and remembers that it did.
 * @param now s since 1970
 * @param newBasename a name nobody guesses, for the scan's first session
 * @param newSecret the same, for its leases
 */
export function beginSession(
  store: Store,
  now: number,
  newBasename: () => string,
  newSecret: () => string,
): Session {
  const light = store.get("light");
  const session: Session = {
    number: Number(store.get("session") ?? 0) + 1,
    basename: store.get("basename") ?? newBasename(),
    startedAt: Number(store.get("started") ?? now),
    secret: store.get("secret") ?? newSecret(),
    light: light === undefined ? undefined : JSON.parse(light),
  };
  store.set("session", String(session.number));
  store.set("basename", session.basename);
  store.set("started", String(session.startedAt));
  store.set("secret", session.secret);
  return session;
}

/** Remembers the light of a scan's first client. */
export const rememberLight = (store: Store, light: ClientLight): void =>
  store.set("light", JSON.stringify(light));
