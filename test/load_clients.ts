/**
 * Simulated clients of one scan, in a process of their own: each is a connection with an id, leases and heartbeats of
 * its own, whose fits are waiting. Packets are made and read as bytes (MQTT 3.1.1), since a library's connections would
 * cost more than the server that is to be measured.
 */
import type { Socket } from "bun";
import FlatQueue from "flatqueue";
import { heartbeatInterval } from "../src/config/environment.ts";
import { protocolVersion } from "../src/mq/messages.ts";
import { type Topics, topicsOf } from "../src/mq/topics.ts";
import { connectPacket, publish, subscribe } from "./mq/packets.ts";

/** What the process is started with, as JSON in its one argument. */
export interface LoadClientsOptions {
  readonly port: number;
  readonly basename: string;
  readonly clients: number;
  /** How long a simulated client takes over a task, s: from and to. */
  readonly fitSeconds: readonly [number, number];
  /** Tasks a client holds. */
  readonly want: number;
}

/** Told by the process now and then, and last when the server has said that the scan is over. */
export interface LoadProgress {
  readonly results: number;
  readonly isOver: boolean;
  /** From the clients' announcement to the last result sent, s. */
  readonly seconds: number;
  /** From sending a result to having the next task, ms: half and 99 of 100 waited no longer. */
  readonly p50: number;
  readonly p99: number;
}

/** Connections that are opened at a time. */
const openedAtOnce = 50;
/** How often it is looked whose fit is done, ms, and told how far all are. */
const turn = 4;
const report = 250;

/** What follows a result's task and llh: the other seven values, seconds, evaluations, no failure, three minima, no direction. */
const restOfResult =
  ",-31.25,112.5,-204.75,9876.5,12345.678,2345.6,3456.7,0.0153,412,null,[[-31.25,112.5,-204.75,1234.5678],[12.31,48.02,-98.44,1236.1234],[77.7,-130.05,40.4,1239.9876]],null";

const packets = { connectionAccepted: 0x20, publication: 0x30, acknowledged: 0x90 } as const;

/** The process's whole load. */
class Crowd {
  readonly options: LoadClientsOptions;
  readonly topics: Topics;
  readonly #clients: SimulatedClient[] = [];
  readonly #running = new FlatQueue<() => void>();
  readonly #waits: number[] = [];
  #results = 0;
  #beganAt = 0;
  #lastResultAt = 0;

  constructor(options: LoadClientsOptions) {
    this.options = options;
    this.topics = topicsOf(options.basename);
  }

  async run(): Promise<void> {
    const { clients } = this.options;
    for (let n = 0; n < clients; n += openedAtOnce)
      await Promise.all(
        Array.from({ length: Math.min(openedAtOnce, clients - n) }, async (_, k) => {
          const client = new SimulatedClient(n + k, this);
          this.#clients.push(client);
          await client.open();
        }),
      );
    this.#beganAt = performance.now();
    const heartbeat = 1000 * heartbeatInterval();
    for (const [n, client] of this.#clients.entries()) {
      client.announce();
      // Not all in one moment, as clients that came one by one.
      setTimeout(() => setInterval(() => client.announce(), heartbeat), (heartbeat * n) / clients);
    }
    setInterval(() => this.#finishFits(), turn);
    setInterval(() => this.#tell(false), report);
  }

  /** Calls after a fit's time. */
  afterFit(done: () => void): void {
    const [shortest, longest] = this.options.fitSeconds;
    const seconds = shortest + Math.random() * (longest - shortest);
    this.#running.push(done, performance.now() + 1000 * seconds);
  }

  /** @param waited from the last result to the next task, ms */
  noteWait(waited: number): void {
    this.#waits.push(waited);
  }

  noteResult(at: number): void {
    this.#results++;
    this.#lastResultAt = at;
  }

  /** The server has said that nothing more is to be done. */
  end(): void {
    this.#tell(true);
    process.disconnect?.();
    process.exit(0);
  }

  #finishFits(): void {
    const now = performance.now();
    while ((this.#running.peekValue() ?? Number.POSITIVE_INFINITY) <= now) this.#running.pop()!();
  }

  #tell(isOver: boolean): void {
    const waits = isOver ? this.#waits.toSorted((a, b) => a - b) : [];
    const quantile = (q: number) => waits[Math.floor(waits.length * q)] ?? Number.NaN;
    process.send?.({
      ...{ results: this.#results, isOver, p50: quantile(0.5), p99: quantile(0.99) },
      seconds: (this.#lastResultAt - this.#beganAt) / 1000,
    } satisfies LoadProgress);
  }
}

/** Room for one packet: what is written has left when the call returns. */
const scratch = Buffer.allocUnsafe(4096);
const acknowledgement = Buffer.from([0x40, 2, 0, 0]);

/** One client: a connection, what it holds, how it answers. */
class SimulatedClient {
  readonly #id: string;
  readonly #isFirst: boolean;
  readonly #crowd: Crowd;
  readonly #ready = Promise.withResolvers<void>();
  #socket: Socket | undefined;
  /** Bytes of a packet that is not whole yet. */
  #partial: Buffer | undefined;
  readonly #held: number[][] = [];
  #session = 0;
  #packetId = 1;
  #acknowledgementsDue: number;
  #sentAt = 0;

  constructor(n: number, crowd: Crowd) {
    this.#id = `load${n}`;
    this.#crowd = crowd;
    this.#isFirst = n === 0;
    this.#acknowledgementsDue = this.#isFirst ? 2 : 1;
  }

  /** Connects and subscribes. */
  async open(): Promise<void> {
    this.#socket = await Bun.connect({
      ...{ hostname: "127.0.0.1", port: this.#crowd.options.port },
      socket: {
        data: (_, bytes) => this.#receive(bytes),
        close: () => {
          throw new Error(`the broker has closed the connection of ${this.#id}`);
        },
      },
    });
    this.#write(connectPacket({ clientId: this.#id, keepAlive: 60 }));
    await this.#ready.promise;
  }

  announce(): void {
    const status = {
      ...{ protocol: protocolVersion, state: "ready", version: "load", host: "load", workers: 1 },
      ...{ want: this.#crowd.options.want, session: this.#session },
      light: { kind: "embedded", description: "none at all" },
      holding: this.#held.map(([lease]) => lease),
    };
    const topic = this.#crowd.topics.status(this.#id);
    const id = this.#nextPacketId();
    this.#write(publish(topic, JSON.stringify(status), { qos: 1, retain: true, id }));
  }

  #receive(bytes: Buffer): void {
    let all = this.#partial ? Buffer.concat([this.#partial, bytes]) : bytes;
    this.#partial = undefined;
    while (all.length > 0) {
      let [length, digits] = [0, 0];
      do {
        if (1 + digits >= all.length) return void this.#keep(all);
        length |= (all[1 + digits]! & 0x7f) << (7 * digits);
      } while (all[1 + digits++]! & 0x80);
      const end = 1 + digits + length;
      if (all.length < end) return void this.#keep(all);
      this.#packet(all[0]!, all.subarray(1 + digits, end));
      all = all.subarray(end);
    }
  }

  /** The connection's memory is used again when the call returns. */
  #keep(rest: Buffer): void {
    this.#partial = Buffer.from(rest);
  }

  #packet(head: number, body: Buffer): void {
    const kind = head & 0xf0;
    const { topics } = this.#crowd;
    if (kind === packets.connectionAccepted) {
      this.#write(subscribe(topics.task(this.#id)));
      if (this.#isFirst) this.#write(subscribe(topics.control));
    } else if (kind === packets.acknowledged) {
      if (--this.#acknowledgementsDue === 0) this.#ready.resolve();
    } else if (kind === packets.publication) {
      const topicEnd = 2 + body.readUInt16BE(0);
      const hasId = (head & 0x06) > 0;
      if (hasId) {
        acknowledgement.writeUInt16BE(body.readUInt16BE(topicEnd), 2);
        this.#write(acknowledgement);
      }
      const message = JSON.parse(body.toString("latin1", topicEnd + (hasId ? 2 : 0)));
      if (message.tasks === undefined) this.#control(message);
      else this.#take(message);
    }
  }

  #control({ state }: { readonly state: string }): void {
    if (state !== "open") this.#crowd.end();
  }

  #take({ tasks, session }: { readonly tasks: number[][]; readonly session: number }): void {
    if (this.#sentAt > 0) this.#crowd.noteWait(performance.now() - this.#sentAt);
    this.#sentAt = 0;
    this.#session = session;
    const isIdle = this.#held.length === 0;
    this.#held.push(...tasks);
    if (isIdle && this.#held.length > 0) this.#crowd.afterFit(this.#finish);
  }

  /** One fit after the other, as a client with one fit process. */
  readonly #finish = (): void => {
    this.#answer(this.#held.shift()!);
    if (this.#held.length > 0) this.#crowd.afterFit(this.#finish);
  };

  #answer(task: readonly number[]): void {
    const { topics, options } = this.#crowd;
    const [lease, nside, pixel, posvar, fits, round] = task;
    const result = `[${lease},${nside},${pixel},${posvar},${fits},${round},${pixel! % 1000}${restOfResult}]`;
    const payload = `{"client":"${this.#id}","session":${this.#session},"want":${options.want},"results":[${result}],"failures":[]}`;
    const length = 2 + topics.result.length + 2 + payload.length;
    scratch[0] = 0x32;
    scratch[1] = (length & 0x7f) | 0x80;
    scratch[2] = length >> 7;
    scratch.writeUInt16BE(topics.result.length, 3);
    const idAt = 5 + scratch.write(topics.result, 5, "latin1");
    scratch.writeUInt16BE(this.#nextPacketId(), idAt);
    const end = idAt + 2 + scratch.write(payload, idAt + 2, "latin1");
    this.#sentAt = performance.now();
    this.#crowd.noteResult(this.#sentAt);
    this.#write(scratch.subarray(0, end));
  }

  #nextPacketId(): number {
    this.#packetId = (this.#packetId % 0xffff) + 1;
    return this.#packetId;
  }

  #write(bytes: Uint8Array): void {
    if (this.#socket!.write(bytes) < bytes.length)
      throw new Error(`the broker does not take what ${this.#id} sends`);
  }
}

if (import.meta.main) await new Crowd(JSON.parse(process.argv[2]!) as LoadClientsOptions).run();
