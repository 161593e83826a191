// A client of a desk's pool: it works for whichever scan the desk names, one after the other, until it is told to stop.
import { hostname } from "node:os";
import { consola } from "consola";
import { type Clock, systemClock } from "../config/clock.ts";
import { brokerPatience, heartbeatInterval } from "../config/environment.ts";
import { BrokerError, Interrupted, SkyscanError, TimedOut } from "../config/errors.ts";
import { version } from "../config/version.ts";
import { type Connection, connect } from "../mq/connection.ts";
import { Assignment, type DeskClientStatus, DeskControl, deskProtocolVersion } from "../mq/desk.ts";
import { MalformedMessage, parseMessage } from "../mq/messages.ts";
import { newClientId, topicsOf } from "../mq/topics.ts";
import { type ClientOptions, type ClientOutcome, runClient } from "./client.ts";

export interface DeskClientOptions
  extends Omit<ClientOptions, "basename" | "startup" | "timeoutToClients"> {
  /** The desk's name on the broker. */
  readonly desk: string;
  /** Ends when there was no scan to work for, for so long, s. */
  readonly patience: number;
}

/** What a client of a desk needs of the world around it. */
export interface DeskClientSurroundings {
  readonly clock: Clock;
  readonly connect: typeof connect;
  readonly newId: () => string;
  /** Works for one scan. */
  readonly work: (options: ClientOptions) => Promise<ClientOutcome>;
}

const realSurroundings: DeskClientSurroundings = {
  clock: systemClock,
  connect,
  newId: newClientId,
  work: runClient,
};

/** How often idleness is looked at, s. */
const idleCheck = 1;
/** The desk says when a scan has no more work: no client leaves one by itself, s. */
const forever = 10 * 365 * 86_400;

/**
 * Works for a desk's scans until it is told to stop.
 * Throws TimedOut when no scan came for too long and none ever had, BrokerError, Interrupted when stopped at once.
 */
export async function runDeskClient(
  options: DeskClientOptions,
  surroundings: DeskClientSurroundings = realSurroundings,
): Promise<ClientOutcome> {
  const { clock } = surroundings;
  const topics = topicsOf(options.desk);
  const id = surroundings.newId();
  const over = Promise.withResolvers<string>();
  over.promise.catch(() => {});
  let connection: Connection | undefined;
  const client = new DeskClient(options, surroundings, {
    say: (status) => connection?.publish(topics.status(id), status, { retain: true }),
    onOver: over.resolve,
    onError: over.reject,
  });
  const signals = [options.drain, options.now].filter((signal) => signal !== undefined);
  connection = await surroundings.connect(
    options.broker,
    {
      clientId: id,
      will: { topic: topics.status(id), payload: client.status("gone") },
      subscriptions: [topics.control, topics.task(id)],
      patience: brokerPatience(),
      ...(signals.length > 0 && { stop: AbortSignal.any(signals) }),
    },
    {
      onMessage(topic, payload) {
        if (payload.length === 0) return;
        try {
          if (topic === topics.control) client.hear(parseMessage(DeskControl, payload));
          else if (topic === topics.task(id)) client.obey(parseMessage(Assignment, payload));
        } catch (error) {
          if (!(error instanceof MalformedMessage)) return over.reject(error);
          consola.warn(`malformed message on ${topic} ignored: ${error.message}`);
        }
      },
      onConnect: () => client.announce(),
      onLost: () => consola.warn("connection to the broker lost, trying again"),
      onGivenUp: over.reject,
    },
  );
  client.announce();
  const stopNow = () => over.reject(new Interrupted());
  options.drain?.addEventListener("abort", client.drain);
  options.now?.addEventListener("abort", stopNow);
  if (options.now?.aborted) stopNow();
  else if (options.drain?.aborted) client.drain();
  const timers = [
    clock.every(heartbeatInterval(), () => client.announce()),
    clock.every(idleCheck, () => client.endWhenIdle()),
  ];
  try {
    const why = await over.promise;
    return { ...client.counts, why };
  } finally {
    for (const end of timers) end();
    options.drain?.removeEventListener("abort", client.drain);
    options.now?.removeEventListener("abort", stopNow);
    await client.close();
    if (connection.isConnected) {
      connection.publish(topics.status(id), client.status("gone"));
      connection.publish(topics.status(id), "", { retain: true });
    }
    await connection.close();
  }
}

interface Events {
  readonly say: (status: DeskClientStatus) => void;
  readonly onOver: (why: string) => void;
  readonly onError: (error: unknown) => void;
}

/** A scan this client works for. */
interface Employment {
  readonly scan: string;
  /** Aborted: the fits at hand are finished, the rest goes back. */
  readonly leave: AbortController;
  readonly ended: Promise<void>;
}

/** What a desk's client does: at most one scan's work at a time. */
class DeskClient {
  readonly #options: DeskClientOptions;
  readonly #surroundings: DeskClientSurroundings;
  readonly #events: Events;
  readonly #abandon = new AbortController();
  #session = 0;
  #order = -1;
  /** What it was told last. */
  #wanted: string | null = null;
  #employment: Employment | undefined;
  #refused: DeskClientStatus["refused"];
  #isDraining = false;
  #fits = 0;
  #failures = 0;
  #busyAt: number;

  constructor(options: DeskClientOptions, surroundings: DeskClientSurroundings, events: Events) {
    this.#options = options;
    this.#surroundings = surroundings;
    this.#events = events;
    this.#busyAt = surroundings.clock.now();
  }

  get counts() {
    return { fits: this.#fits, failures: this.#failures };
  }

  status(state: DeskClientStatus["state"]): DeskClientStatus {
    return {
      desk: deskProtocolVersion,
      version,
      host: hostname().slice(0, 255),
      workers: this.#options.workers,
      state,
      scan: this.#employment?.scan ?? null,
      ...(this.#refused && { refused: this.#refused }),
    };
  }

  announce(): void {
    const state = this.#isDraining ? "draining" : this.#employment ? "working" : "idle";
    this.#events.say(this.status(state));
  }

  /** The desk is there; a new start of it does not know us. */
  hear({ session }: DeskControl): void {
    if (session === this.#session) return;
    this.#session = session;
    this.#order = -1;
    this.announce();
  }

  obey({ session, order, scan }: Assignment): void {
    if (session < this.#session || (session === this.#session && order <= this.#order)) return;
    this.#session = session;
    this.#order = order;
    this.#wanted = scan;
    this.#move();
  }

  /** Finishes the fits at hand, and is over. */
  readonly drain = (): void => {
    if (this.#isDraining) return;
    this.#isDraining = true;
    this.#wanted = null;
    this.announce();
    if (this.#employment === undefined) this.#events.onOver("drained");
    else this.#employment.leave.abort();
  };

  endWhenIdle(): void {
    const { clock } = this.#surroundings;
    if (this.#employment !== undefined) this.#busyAt = clock.now();
    const { patience } = this.#options;
    if (clock.now() - this.#busyAt < patience) return;
    if (this.#fits + this.#failures > 0) this.#events.onOver(`no scan for ${patience} s`);
    else this.#events.onError(new TimedOut(`no scan to work for within ${patience} s`));
  }

  async close(): Promise<void> {
    this.#abandon.abort();
    await this.#employment?.ended;
  }

  /** Goes where it is wanted: out of the scan it works for first. */
  #move(): void {
    if (this.#employment !== undefined) {
      if (this.#employment.scan !== this.#wanted) this.#employment.leave.abort();
      return;
    }
    const scan = this.#wanted;
    if (scan === null || this.#isDraining || this.#abandon.signal.aborted) return;
    const leave = new AbortController();
    const ended = this.#workFor(scan, leave.signal).finally(() => {
      this.#employment = undefined;
      if (this.#wanted === scan) this.#wanted = null;
      if (this.#isDraining) this.#events.onOver("drained");
      this.#move();
      if (this.#employment === undefined) this.announce();
    });
    this.#employment = { scan, leave, ended };
    this.announce();
  }

  async #workFor(basename: string, drain: AbortSignal): Promise<void> {
    const { desk: _desk, patience: _patience, ...options } = this.#options;
    try {
      const { fits, failures } = await this.#surroundings.work({
        ...{ ...options, basename, drain, now: this.#abandon.signal },
        timeoutToClients: forever,
      });
      this.#fits += fits;
      this.#failures += failures;
      this.#refused = undefined;
    } catch (error) {
      if (error instanceof Interrupted) return;
      if (!(error instanceof SkyscanError) || error instanceof BrokerError)
        return this.#events.onError(error);
      consola.warn(`scan ${basename}: ${error.message}`);
      this.#refused = { scan: basename, reason: error.message.slice(0, 500) };
    }
  }
}
