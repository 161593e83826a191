import { consola } from "consola";
import type { Clock } from "../config/clock.ts";
import type { Connection } from "../mq/connection.ts";
import {
  ClientStatus,
  type FailureEntry,
  MalformedMessage,
  maxBatch,
  parseMessage,
  type ResultEntry,
  ResultMessage,
  type TaskMessage,
} from "../mq/messages.ts";
import { clientOfStatus, type Topics } from "../mq/topics.ts";
import type { Lease } from "../scan/leases.ts";
import type { StoredResult } from "../store/store.ts";
import type { Admission } from "./admission.ts";
import type { Collection } from "./collection.ts";
import { givenUp, resultOf, taskEntry, taskOf } from "./entries.ts";

/** The server's talk with its clients: their announcements and results come in, tasks go out. */
export interface Dispatch {
  /** One message of a client. Nothing in it can do more harm than being counted as malformed. */
  receive(topic: string, payload: Uint8Array): void;
  /** Looks at deadlines, silent clients and stragglers: to be called about once a second. */
  tick(): void;
  /** Since the last result, s. */
  readonly secondsWithoutResults: number;
  /** Counts that time from now on: whatever kept results away has changed. */
  expectResults(): void;
  /** Messages that were not believed. */
  readonly malformed: number;
}

export interface DispatchOptions {
  readonly collection: Collection;
  readonly admission: Admission;
  /** Number of this session; what is said about leases of another one is not about ours. */
  readonly session: number;
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

export function createDispatch(options: DispatchOptions): Dispatch {
  const { collection, admission, session, topics, publish, clock } = options;
  const { scan, scheduler } = collection;
  /** When each open lease was given, by clock. */
  const leasedAt = new Map<number, number>();
  /** Results not stored yet: what arrives together is stored in one go. */
  let arrived: StoredResult[] = [];
  let isTurnDue = false;
  let lastResultAt = clock.now();
  let malformed = 0;

  const warn = (text: string) => {
    malformed++;
    if (malformed <= mostWarnings) consola.warn(text);
    if (malformed === mostWarnings) consola.warn("further bad messages are counted only");
  };
  const handOut = (leases: ReadonlyMap<string, readonly Lease[]>) => {
    const at = clock.now();
    for (const [client, list] of leases) {
      for (const lease of list) leasedAt.set(lease.id, at);
      for (let from = 0; from < list.length; from += maxBatch) {
        const tasks = list.slice(from, from + maxBatch).map(taskEntry);
        publish(topics.task(client), { session, tasks } satisfies TaskMessage);
      }
    }
  };
  /** Keeps what has arrived, hands out what that sets free. */
  const turn = () => {
    isTurnDue = false;
    if (arrived.length > 0) {
      const batch = arrived;
      arrived = [];
      collection.keep(batch);
      lastResultAt = clock.now();
    }
    if (scan.isComplete) options.onComplete();
    else handOut(scheduler.assign(clock.now()));
  };
  const turnSoon = () => {
    if (isTurnDue) return;
    isTurnDue = true;
    options.soon(turn);
  };

  const onStatus = (client: string, status: ClientStatus) => {
    if (status.state === "gone") {
      scheduler.leave(client);
      // The last will of the dead stays with the broker, if nobody takes it away.
      publish(topics.status(client), "", { retain: true });
      turnSoon();
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
    turnSoon();
  };

  const onResult = (client: string, entry: ResultEntry, at: number) => {
    const [lease] = entry;
    const since = leasedAt.get(lease);
    leasedAt.delete(lease);
    if (scheduler.result(client, lease, taskOf(entry), at) !== "counted") return;
    arrived.push(resultOf(entry, since === undefined ? undefined : at - since, clock.date()));
  };
  const onFailure = (client: string, entry: FailureEntry, at: number) => {
    const [lease, nside, pixel, posvar, reason, seconds] = entry;
    leasedAt.delete(lease);
    const fit = `nside ${nside} pixel ${pixel} variation ${posvar}`;
    consola.debug(`${fit} failed: ${reason}`);
    const { clientsSetAside } = scheduler.counts;
    const answer = scheduler.failure(client, lease, taskOf(entry), reason, at);
    if (scheduler.counts.clientsSetAside > clientsSetAside)
      consola.warn(`client ${client} only fails, and is set aside for a while: ${reason}`);
    if (answer.kind !== "givenUp") return;
    consola.warn(`${fit} given up: ${answer.reasons.join("; ")}`);
    arrived.push(givenUp(answer.task, seconds, answer.reasons, clock.date()));
  };
  const onResults = (message: ResultMessage) => {
    const { client, results, failures, want } = message;
    if (!admission.isTrusted(client)) {
      warn(`results of an unannounced client ignored (${client})`);
      return;
    }
    const at = clock.now();
    for (const entry of results) onResult(client, entry, at);
    for (const entry of failures) onFailure(client, entry, at);
    scheduler.setWanted(client, want);
    turnSoon();
  };

  // A scan that is resumed may be complete already.
  turnSoon();
  return {
    receive(topic, payload) {
      // A retained message taken away.
      if (payload.length === 0) return;
      try {
        const client = clientOfStatus(topic);
        if (topic === topics.result) onResults(parseMessage(ResultMessage, payload));
        else if (client !== undefined) onStatus(client, parseMessage(ClientStatus, payload));
      } catch (error) {
        if (!(error instanceof MalformedMessage)) throw error;
        warn(`message ignored on ${topic}: ${error.message}`);
      }
    },
    tick: () => handOut(scheduler.tick(clock.now())),
    get secondsWithoutResults() {
      return clock.now() - lastResultAt;
    },
    expectResults() {
      lastResultAt = clock.now();
    },
    get malformed() {
      return malformed;
    },
  };
}
