import { Interrupted } from "../../src/config/errors.ts";
import type { Connection, ConnectionOptions, connect } from "../../src/mq/connection.ts";
import type { SimulatedProcess } from "./process.ts";
import type { VirtualTime } from "./virtual_time.ts";

type Handlers = Parameters<typeof connect>[2];

/** What the network does to messages: all times in s. */
export interface Weather {
  /** Of one message's way, between these two. */
  readonly delay: readonly [number, number];
  /** Mean time between two breaks of a connection; Infinity: none. */
  readonly betweenBreaks: number;
  /** How long a broken connection stays away. */
  readonly away: readonly [number, number];
}

interface Message {
  readonly topic: string;
  readonly payload: Uint8Array;
}

const matches = (pattern: string, topic: string): boolean => {
  if (!pattern.includes("+")) return pattern === topic;
  const levels = topic.split("/");
  const wanted = pattern.split("/");
  return wanted.length === levels.length && wanted.every((w, n) => w === "+" || w === levels[n]);
};

/**
 * An MQTT 3.1.1 broker with its network, QoS 1, clean sessions: messages of one connection keep their order,
 * those of different ones do not; what was not acknowledged when a connection broke is sent again, so some
 * come twice; what was on its way to a client is lost. Wills are published when a connection dies.
 */
export class SimulatedNetwork {
  readonly #time: VirtualTime;
  readonly #random: () => number;
  readonly #weather: Weather;
  readonly #retained = new Map<string, Message>();
  readonly #links = new Set<Link>();

  constructor(time: VirtualTime, random: () => number, weather: Weather) {
    this.#time = time;
    this.#random = random;
    this.#weather = weather;
  }

  between([least, most]: readonly [number, number]): number {
    return least + (most - least) * this.#random();
  }

  get delay(): number {
    return this.between(this.#weather.delay);
  }

  /** mq/connection.ts's connect, for one process. */
  connectFor(process: SimulatedProcess): typeof connect {
    return (_address, options, handlers) =>
      new Promise((resolve, reject) => {
        const link = new Link(this, process, options, handlers);
        const stopped = () => {
          link.drop();
          reject(new Interrupted());
        };
        if (options.stop?.aborted) return stopped();
        options.stop?.addEventListener("abort", stopped);
        this.#links.add(link);
        process.after(2 * this.delay, () => {
          if (link.isOver) return;
          options.stop?.removeEventListener("abort", stopped);
          this.open(link);
          resolve(link);
          handlers.onConnect?.(true);
        });
      });
  }

  /** Everything is forgotten and every connection breaks: a broker without persistence was restarted. */
  restart(): void {
    this.#retained.clear();
    for (const link of this.#links) this.break(link);
  }

  open(link: Link): void {
    link.isConnected = true;
    link.generation++;
    for (const pattern of link.subscriptions) this.sendRetained(link, pattern);
    if (this.#weather.betweenBreaks === Number.POSITIVE_INFINITY) return;
    const { generation } = link;
    const life = -Math.log(this.#random()) * this.#weather.betweenBreaks;
    this.#time.after(life, () => {
      if (link.generation === generation && link.isConnected) this.break(link);
    });
  }

  sendRetained(link: Link, pattern: string): void {
    for (const message of this.#retained.values())
      if (matches(pattern, message.topic)) this.deliver(link, message);
  }

  break(link: Link): void {
    if (!link.isConnected) return;
    this.lose(link);
    link.process.run(() => link.handlers.onLost?.());
    link.process.after(this.between(this.#weather.away), () => this.#reopen(link));
  }

  /** The connection is gone, unannounced: its will is published. */
  lose(link: Link): void {
    link.isConnected = false;
    link.generation++;
    const { will } = link.options;
    if (will === undefined) return;
    const payload = new TextEncoder().encode(JSON.stringify(will.payload));
    this.#time.after(this.delay, () => this.publish({ topic: will.topic, payload }, true));
  }

  #reopen(link: Link): void {
    if (link.isOver || link.isConnected) return;
    this.open(link);
    link.resend();
    link.handlers.onConnect?.(false);
  }

  publish(message: Message, isRetained: boolean): void {
    if (isRetained) {
      if (message.payload.length === 0) this.#retained.delete(message.topic);
      else this.#retained.set(message.topic, message);
    }
    for (const link of this.#links)
      if (link.isConnected && link.subscriptions.some((p) => matches(p, message.topic)))
        this.deliver(link, message);
  }

  deliver(link: Link, message: Message): void {
    const { generation } = link;
    link.lastArrival = Math.max(link.lastArrival, this.#time.now + this.delay);
    this.#time.after(link.lastArrival - this.#time.now, () => {
      if (link.generation !== generation) return;
      link.process.run(() => {
        if (!link.isOver) void link.handlers.onMessage(message.topic, message.payload);
      });
    });
  }

  /** One way from a process to the broker; `acknowledged` is called when the broker has it, maybe twice. */
  carry(link: Link, message: Message, isRetained: boolean, acknowledged: () => void): void {
    const { generation } = link;
    link.lastDeparture = Math.max(link.lastDeparture, this.#time.now + this.delay);
    this.#time.after(link.lastDeparture - this.#time.now, () => {
      if (link.generation !== generation) return;
      this.publish(message, isRetained);
      this.#time.after(this.delay, () => {
        if (link.generation === generation) acknowledged();
      });
    });
  }

  forget(link: Link): void {
    this.#links.delete(link);
  }

  /** A process was killed: its connections die with it. */
  killed(process: SimulatedProcess): void {
    for (const link of this.#links)
      if (link.process === process) {
        if (link.isConnected) this.lose(link);
        link.isOver = true;
        this.#links.delete(link);
      }
  }
}

/** One process's connection. */
class Link implements Connection {
  isConnected = false;
  isOver = false;
  /** Counts what makes messages on their way arrive nowhere. */
  generation = 0;
  lastArrival = 0;
  lastDeparture = 0;
  readonly subscriptions: string[];
  readonly #unacknowledged = new Set<{ message: Message; retain: boolean }>();
  readonly #network: SimulatedNetwork;
  #whenQuiet: (() => void) | undefined;

  constructor(
    network: SimulatedNetwork,
    readonly process: SimulatedProcess,
    readonly options: ConnectionOptions,
    readonly handlers: Handlers,
  ) {
    this.#network = network;
    this.subscriptions = [...options.subscriptions];
  }

  publish(topic: string, message: object | string, { retain = false } = {}): void {
    const text = typeof message === "string" ? message : JSON.stringify(message);
    const entry = { message: { topic, payload: new TextEncoder().encode(text) }, retain };
    this.#unacknowledged.add(entry);
    if (this.isConnected) this.#send(entry);
  }

  #send(entry: { message: Message; retain: boolean }): void {
    this.#network.carry(this, entry.message, entry.retain, () => {
      this.#unacknowledged.delete(entry);
      if (this.#unacknowledged.size === 0) this.#whenQuiet?.();
    });
  }

  resend(): void {
    for (const entry of [...this.#unacknowledged]) this.#send(entry);
  }

  subscribe(topics: readonly string[]): void {
    this.subscriptions.push(...topics);
    if (this.isConnected) for (const topic of topics) this.#network.sendRetained(this, topic);
  }

  async close(patience = 4): Promise<void> {
    if (this.#unacknowledged.size > 0)
      await new Promise<void>((resolve) => {
        this.#whenQuiet = resolve;
        this.process.after(patience, resolve);
      });
    this.drop();
  }

  /** Ends it cleanly: no will. */
  drop(): void {
    this.isOver = true;
    this.isConnected = false;
    this.generation++;
    this.#network.forget(this);
  }
}
