import { consola } from "consola";
import type { Clock } from "../config/clock.ts";
import type { Connection, Payload } from "../mq/connection.ts";
import {
  batchWithin,
  ClientStatus,
  type FailureEntry,
  MalformedMessage,
  parseMessage,
  type ResultEntry,
  ResultMessage,
  type TaskMessage,
} from "../mq/messages.ts";
import { clientOfStatus, type Topics } from "../mq/topics.ts";
import type { Scan } from "../scan/scan.ts";
import type { Assigned } from "../scan/scheduler.ts";
import type { StoredResult } from "../store/row.ts";
import type { Admission } from "./admission.ts";
import type { Collection } from "./collection.ts";
import { givenUp, resultOf, taskEntry, taskOf } from "./entries.ts";

export interface DispatchOptions {
  readonly collection: Pick<Collection, "scheduler" | "keep"> & {
    readonly scan: Pick<Scan, "isComplete">;
  };
  readonly admission: Admission;
  /** Number of this session; what is said about leases of another one is not about ours. */
  readonly session: number;
  /** What the broker takes, bytes. */
  readonly longestMessage?: number;
  readonly topics: Topics;
  readonly publish: Connection["publish"];
  readonly clock: Clock;
  /** Runs something once all messages that are there already have been received. */
  readonly soon: (work: () => void) => void;
  /** Called when there is nothing more to be done. */
  readonly onComplete: () => void;
}

/** Leases younger than this may still be on their way when a client says what it holds, s. */
const inTransit = 2;
/** So many warnings about bad messages are enough. */
const mostWarnings = 20;

/** The server's talk with its clients: their announcements and results come in, tasks go out. */
export class Dispatch {
  readonly #options: DispatchOptions;
  /** Tasks in one message. */
  readonly #batch: number;
  /** When each open lease was given, by clock. */
  readonly #leasedAt = new Map<number, number>();
  /** Results not stored yet: what arrives together is stored in one go. */
  #arrived: StoredResult[] = [];
  #isTurnDue = false;
  #lastResultAt: number;
  #malformed = 0;

  constructor(options: DispatchOptions) {
    this.#options = options;
    this.#batch = batchWithin(options.longestMessage);
    this.#lastResultAt = options.clock.now();
    // A scan that is resumed may be complete already.
    this.#turnSoon();
  }

  /** One message of a client. Nothing in it can do more harm than being counted as malformed. */
  receive(topic: string, payload: Payload): void {
    // A retained message taken away.
    if (payload.length === 0) return;
    try {
      const client = clientOfStatus(topic);
      if (topic === this.#options.topics.result)
        this.#results(parseMessage(ResultMessage, payload));
      else if (client !== undefined) this.#status(client, parseMessage(ClientStatus, payload));
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      this.#warn(`message ignored on ${topic}: ${error.message}`);
    }
  }

  /** Looks at deadlines, silent clients and stragglers: to be called about once a second. */
  tick(): void {
    const { collection, clock } = this.#options;
    this.#handOut(collection.scheduler.tick(clock.now()));
  }

  /** Since the last result, s. */
  get secondsWithoutResults(): number {
    return this.#options.clock.now() - this.#lastResultAt;
  }

  /** Counts that time from now on: whatever kept results away has changed. */
  expectResults(): void {
    this.#lastResultAt = this.#options.clock.now();
  }

  /** Messages that were not believed. */
  get malformed(): number {
    return this.#malformed;
  }

  #warn(text: string): void {
    this.#malformed++;
    if (this.#malformed <= mostWarnings) consola.warn(text);
    if (this.#malformed === mostWarnings) consola.warn("further bad messages are counted only");
  }

  #handOut(leases: Assigned): void {
    const { session, topics, publish, clock } = this.#options;
    const at = clock.now();
    for (const [client, list] of leases) {
      for (const lease of list) this.#leasedAt.set(lease.id, at);
      for (let from = 0; from < list.length; from += this.#batch) {
        const tasks = list.slice(from, from + this.#batch).map(taskEntry);
        publish(topics.task(client), { session, tasks } satisfies TaskMessage);
      }
    }
  }

  /** Keeps what has arrived, hands out what that sets free. */
  #turn(): void {
    const { collection, clock, onComplete } = this.#options;
    this.#isTurnDue = false;
    if (this.#arrived.length > 0) {
      const batch = this.#arrived;
      this.#arrived = [];
      collection.keep(batch);
      this.#lastResultAt = clock.now();
    }
    if (collection.scan.isComplete) onComplete();
    else this.#handOut(collection.scheduler.assign(clock.now()));
  }

  #turnSoon(): void {
    if (this.#isTurnDue) return;
    this.#isTurnDue = true;
    this.#options.soon(() => this.#turn());
  }

  #status(client: string, status: ClientStatus): void {
    const { collection, admission, session, topics, publish, clock } = this.#options;
    const { scheduler } = collection;
    if (status.state === "gone") {
      scheduler.leave(client);
      // The last will of the dead stays with the broker, if nobody takes it away.
      publish(topics.status(client), "", { retain: true });
      this.#turnSoon();
      return;
    }
    const refused = admission.admit(client, status);
    if (refused !== undefined) {
      scheduler.leave(client);
      publish(topics.task(client), { session, tasks: [], refused } satisfies TaskMessage);
      return;
    }
    const isDraining = status.state === "draining";
    const wanted = isDraining ? 0 : status.want;
    scheduler.welcome(client, { wanted, workers: status.workers }, clock.now());
    if (status.holding !== undefined)
      scheduler.reconcile(
        client,
        new Set(status.session === session ? status.holding : []),
        isDraining ? Number.POSITIVE_INFINITY : clock.now() - inTransit,
      );
    this.#turnSoon();
  }

  #results({ client, results, failures, want }: ResultMessage): void {
    const { collection, admission, clock } = this.#options;
    if (!admission.isTrusted(client)) {
      this.#warn(`results of an unannounced client ignored (${client})`);
      return;
    }
    const at = clock.now();
    for (const entry of results) this.#result(client, entry, at);
    for (const entry of failures) this.#failure(client, entry, at);
    collection.scheduler.setWanted(client, want);
    this.#turnSoon();
  }

  #result(client: string, entry: ResultEntry, at: number): void {
    const { collection, clock } = this.#options;
    const [lease] = entry;
    const since = this.#leasedAt.get(lease);
    this.#leasedAt.delete(lease);
    if (collection.scheduler.result(client, lease, taskOf(entry), at) !== "counted") return;
    this.#arrived.push(resultOf(entry, since === undefined ? undefined : at - since, clock.date()));
  }

  #failure(client: string, entry: FailureEntry, at: number): void {
    const { scheduler } = this.#options.collection;
    const [lease, nside, pixel, posvar, fits, , reason, seconds] = entry;
    this.#leasedAt.delete(lease);
    const last = posvar + fits - 1;
    const which = fits === 1 ? `variation ${posvar}` : `variations ${posvar} to ${last}`;
    const fit = `nside ${nside} pixel ${pixel} ${which}`;
    consola.debug(`${fit} failed: ${reason}`);
    const { clientsSetAside } = scheduler.counts;
    const answer = scheduler.failure(client, lease, taskOf(entry), reason, at);
    if (scheduler.counts.clientsSetAside > clientsSetAside)
      consola.warn(`client ${client} only fails, and is set aside for a while: ${reason}`);
    if (answer.kind !== "givenUp") return;
    consola.warn(`${fit} given up: ${answer.reasons.join("; ")}`);
    this.#arrived.push(givenUp(answer.task, seconds, answer.reasons, this.#options.clock.date()));
  }
}
