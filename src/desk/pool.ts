// The clients that work for the desk's scans, and the desk's talk with them: they come and go, each is told where to work.
import { consola } from "consola";
import type { Clock } from "../config/clock.ts";
import { heartbeatInterval } from "../config/environment.ts";
import { version } from "../config/version.ts";
import type { Connection } from "../mq/connection.ts";
import {
  type Assignment,
  DeskClientStatus,
  type DeskControl,
  deskProtocolVersion,
} from "../mq/desk.ts";
import { MalformedMessage, parseMessage } from "../mq/messages.ts";
import { clientOfStatus, type Topics } from "../mq/topics.ts";
import type { ClientRow } from "./messages.ts";
import { type Claim, type Helper, share } from "./sharing.ts";

export interface PoolOptions {
  readonly topics: Topics;
  /** Counts the desk's starts. */
  readonly session: number;
  readonly publish: Connection["publish"];
  readonly clock: Clock;
  /** The scans that want workers. */
  readonly claims: () => readonly Claim[];
  /** A client is sent to a scan. */
  readonly onSent: (scan: string) => void;
  /** A client cannot work for a scan. */
  readonly onRefused: (client: string, scan: string, reason: string) => void;
}

/** A client is gone when it missed this many heartbeats. */
const missedHeartbeats = 3;
/** What was sent less than so long ago may still be on its way, s. */
const inTransit = 2;
/** Clients the desk knows at most: what more there are wait until others have gone. */
const mostClients = 10_000;

interface Member {
  readonly id: string;
  host: string;
  workers: number;
  state: "idle" | "working" | "draining";
  /** Where it says it is. */
  at: string | null;
  /** Where it was sent. */
  scan: string | null;
  /** s, by the clock; and since 1970. */
  since: number;
  sinceDate: number;
  lastHeard: number;
  readonly refused: Set<string>;
}

/** Who works where. */
export class Pool {
  readonly #options: PoolOptions;
  readonly #members = new Map<string, Member>();
  /** The clients in this process. */
  readonly #local = new Set<string>();
  #order = 0;
  #isShareDue = false;
  #isClosed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** To be said whenever the connection was lost: the broker may have lost its memory. */
  announce(): void {
    const { topics, publish, session } = this.#options;
    const control: DeskControl = { desk: deskProtocolVersion, version, session };
    publish(topics.control, control, { retain: true });
  }

  /** A client of this process. */
  expectLocal(id: string): void {
    this.#local.add(id);
  }

  /** One message of a client. */
  receive(topic: string, payload: Uint8Array): void {
    const id = clientOfStatus(topic);
    if (id === undefined || payload.length === 0) return;
    try {
      this.#hear(id, parseMessage(DeskClientStatus, payload));
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      consola.warn(`message ignored on ${topic}: ${error.message}`);
    }
  }

  /** Looks for silent clients, and shares anew: to be called about once a second. */
  tick(): void {
    const now = this.#options.clock.now();
    for (const member of this.#members.values())
      if (now - member.lastHeard > missedHeartbeats * heartbeatInterval())
        this.#members.delete(member.id);
    this.share();
  }

  /** Shares anew once what happens together has happened. */
  shareSoon(): void {
    if (this.#isShareDue || this.#isClosed) return;
    this.#isShareDue = true;
    this.#options.clock.soon(() => {
      this.#isShareDue = false;
      if (!this.#isClosed) this.share();
    });
  }

  share(): void {
    const { clock, claims } = this.#options;
    const helpers: Helper[] = [...this.#members.values()].filter(
      ({ state }) => state !== "draining",
    );
    for (const [id, scan] of share(claims(), helpers, clock.now()))
      this.#send(this.#members.get(id)!, scan);
  }

  /** Workers sent to a scan. */
  workersOf(scan: string): number {
    return this.#sum((member) => member.scan === scan);
  }

  get workers(): number {
    return this.#sum(() => true);
  }

  get busy(): number {
    return this.#sum(({ scan }) => scan !== null);
  }

  get size(): number {
    return this.#members.size;
  }

  /** Whether there are clients, and none that can work for a scan. */
  isRefusedByAll(scan: string): boolean {
    const all = [...this.#members.values()];
    return all.length > 0 && all.every(({ refused }) => refused.has(scan));
  }

  rows(): ClientRow[] {
    return [...this.#members.values()].map(({ id, host, workers, state, scan, sinceDate }) => ({
      ...{ id, host, workers, state, is_local: this.#local.has(id) },
      scan,
      since: sinceDate,
    }));
  }

  close(): void {
    this.#isClosed = true;
  }

  #sum(isMeant: (member: Member) => boolean): number {
    let sum = 0;
    for (const member of this.#members.values()) if (isMeant(member)) sum += member.workers;
    return sum;
  }

  #hear(id: string, status: DeskClientStatus): void {
    const { clock, topics, publish } = this.#options;
    const { state, workers, scan, refused } = status;
    if (state === "gone") {
      this.#members.delete(id);
      publish(topics.status(id), "", { retain: true });
      this.shareSoon();
      return;
    }
    if (status.desk !== deskProtocolVersion) {
      consola.warn(`client ${id} on ${status.host}: another version (${status.version})`);
      return;
    }
    if (!this.#members.has(id) && this.#members.size >= mostClients) return;
    const member = this.#members.get(id) ?? this.#welcome(id, status);
    Object.assign(member, { workers, state, at: scan, lastHeard: clock.now() });
    if (refused !== undefined && !member.refused.has(refused.scan)) {
      member.refused.add(refused.scan);
      if (member.scan === refused.scan) this.#place(member, null);
      this.#options.onRefused(id, refused.scan, refused.reason);
    }
    // It left by itself, which the scan's end tells it to, or has lost what it was told.
    const isOnItsWay = clock.now() - member.since < inTransit;
    if (state === "idle" && member.scan !== null && !isOnItsWay) this.#place(member, null);
    this.shareSoon();
  }

  #welcome(id: string, { host, workers, scan }: DeskClientStatus): Member {
    const { clock } = this.#options;
    const member: Member = {
      ...{ id, host, workers, state: "idle", at: scan, scan },
      ...{ since: clock.now(), sinceDate: clock.date(), lastHeard: clock.now() },
      refused: new Set(),
    };
    this.#members.set(id, member);
    if (!this.#local.has(id)) consola.info(`client ${id} on ${host}, ${workers} workers`);
    return member;
  }

  #place(member: Member, scan: string | null): void {
    const { clock } = this.#options;
    Object.assign(member, { scan, since: clock.now(), sinceDate: clock.date() });
  }

  #send(member: Member, scan: string | null): void {
    const { topics, publish, session } = this.#options;
    this.#place(member, scan);
    const assignment: Assignment = { session, order: this.#order++, scan };
    publish(topics.task(member.id), assignment);
    if (scan !== null) this.#options.onSent(scan);
  }
}
