import type { IClientOptions, default as Mqtt, MqttClient } from "mqtt";
import { systemClock } from "../config/clock.ts";
import { BrokerError, Interrupted } from "../config/errors.ts";
import { thirdPartyLog } from "../config/log.ts";
import { type BrokerAddress, describeAddress } from "./address.ts";
import { maxMessageSize } from "./messages.ts";

/** How often MQTT itself says that the connection lives, s; a broker gives a silent one up after 1.5 of them. */
const keepAlive = 20;

/** How long the first connection may take, s. */
const connectPatience = 5;

/** Wait before connecting anew, ms: short, so that a restarted broker costs little. */
const reconnectPeriod = 500;

/**
 * How long the broker may take to acknowledge what was published last, and to say goodbye, s: with the fits a client
 * finishes before, less than a process that has been told to end may take.
 */
export const lastWords = 3;
const farewell = 1;

/** A message as it arrives: its bytes, or, from within the same process, itself. */
export type Payload = Uint8Array | Readonly<Record<string, unknown>>;

export interface ConnectionHandlers<Arriving = Uint8Array> {
  /** One message; a promise holds back the next until it is fulfilled. Must not throw. */
  readonly onMessage: (topic: string, payload: Arriving) => void | Promise<void>;
  /** Connected, the first time and after every loss, subscriptions in place: time to renew what the broker should retain. */
  onConnect?(isFirst: boolean): void;
  onLost?(): void;
  /** Lost for longer than the patience. */
  onGivenUp?(error: BrokerError): void;
}

export interface ConnectionOptions {
  readonly clientId: string;
  /** Published by the broker, retained, when this connection dies unannounced. */
  readonly will?: { readonly topic: string; readonly payload: object };
  readonly subscriptions: readonly string[];
  /** How long a lost connection may stay lost, s. */
  readonly patience: number;
  /** Whoever refuses the first attempt to connect is not asked again: somebody waits for an answer. */
  readonly isOnce?: boolean;
  /** Aborted before there is a connection: gives up. */
  readonly stop?: AbortSignal;
}

/** A connection that mends itself. Everything is QoS 1. */
export interface Connection {
  /** Sends when connected; what the broker has not acknowledged is sent again after a reconnection. */
  publish(topic: string, message: object | string, options?: { retain?: boolean }): void;
  /** Subscribes to more, now and after every reconnection. */
  subscribe(topics: readonly string[]): void;
  readonly isConnected: boolean;
  /** Says goodbye: everything published is acknowledged first, but for at most `patience` s. The will is not sent. */
  close(patience?: number): Promise<void>;
}

/** Connects whoever takes messages from anywhere. */
export type Connect = (
  address: BrokerAddress,
  options: ConnectionOptions,
  handlers: ConnectionHandlers<Payload>,
) => Promise<Connection>;

/**
 * Connects to a broker and subscribes.
 * Throws BrokerError when it is unreachable or refuses us, Interrupted when stopped before that.
 */
export async function connect(
  address: BrokerAddress,
  options: ConnectionOptions,
  handlers: ConnectionHandlers,
): Promise<Connection> {
  // Not at the top: a scan on one machine meets no broker.
  const { default: mqtt } = await import("mqtt");
  const connection = new MqttConnection(mqtt, address, options, handlers);
  await connection.open();
  return connection;
}

class MqttConnection implements Connection {
  readonly #client: MqttClient;
  readonly #options: ConnectionOptions;
  readonly #handlers: ConnectionHandlers;
  /** For messages. */
  readonly #where: string;
  readonly #topics: string[];
  #lastError: Error | undefined;
  #unacknowledged = 0;
  /** Those who wait until everything is acknowledged. */
  readonly #drained: (() => void)[] = [];
  #giveUpOff: (() => void) | undefined;
  #wasConnected = false;
  #isClosing = false;

  constructor(
    mqtt: typeof Mqtt,
    address: BrokerAddress,
    options: ConnectionOptions,
    handlers: ConnectionHandlers,
  ) {
    this.#options = options;
    this.#handlers = handlers;
    this.#where = describeAddress(address);
    this.#topics = [...options.subscriptions];
    this.#client = mqtt.connect(clientOptions(address, options));
    // handleMessage, not "message": its callback is what tells the broker that we have it, and lets the next come.
    this.#client.handleMessage = (packet, done) => {
      const payload = packet.payload as Uint8Array;
      if (payload.length > maxMessageSize) {
        thirdPartyLog.warn(`message of ${payload.length} bytes on ${packet.topic} dropped`);
        return done();
      }
      const busy = handlers.onMessage(packet.topic, payload);
      if (busy instanceof Promise) busy.then(() => done(), done);
      else done();
    };
  }

  get isConnected(): boolean {
    return this.#client.connected;
  }

  /** Waits for the first connection, subscriptions in place. From then on the connection mends itself. */
  async open(): Promise<void> {
    const { stop } = this.#options;
    const first = Promise.withResolvers<void>();
    const callOff = systemClock.after(connectPatience, () =>
      first.reject(this.#error("cannot reach the broker", this.#lastError)),
    );
    const stopped = () => first.reject(new Interrupted());
    stop?.addEventListener("abort", stopped);
    if (stop?.aborted) stopped();
    this.#client.on("error", (error) => this.#failed(error, first.reject));
    this.#client.on("connect", () => this.#connected(first));
    this.#client.on("close", () => this.#lost());
    try {
      await first.promise;
    } catch (error) {
      this.#client.end(true);
      throw error;
    } finally {
      callOff();
      stop?.removeEventListener("abort", stopped);
    }
  }

  publish(topic: string, message: object | string, { retain = false } = {}): void {
    this.#unacknowledged++;
    const payload = typeof message === "string" ? message : JSON.stringify(message);
    this.#client.publish(topic, payload, { qos: 1, retain }, (error) => {
      this.#unacknowledged--;
      if (error && !this.#isClosing) thirdPartyLog.warn(`publishing to ${topic}: ${error.message}`);
      if (this.#unacknowledged === 0) for (const resolve of this.#drained.splice(0)) resolve();
    });
  }

  subscribe(more: readonly string[]): void {
    this.#topics.push(...more);
    if (this.#client.connected)
      this.#client.subscribe([...more], { qos: 1 }, (error) => {
        if (error) thirdPartyLog.warn(`subscription to ${more.join(", ")}: ${error.message}`);
      });
  }

  async close(patience = lastWords): Promise<void> {
    this.#isClosing = true;
    this.#giveUpOff?.();
    if (this.#unacknowledged > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#drained.push(resolve);
      const callOff = systemClock.after(patience, resolve);
      await promise;
      callOff();
    }
    await endOf(this.#client);
  }

  #error(what: string, reason: (Error & { code?: number | string }) | undefined): BrokerError {
    return new BrokerError(`${what} ${this.#where}: ${reasonOf(reason)}`);
  }

  /** Before the first connection some errors are final; after it, mqtt.js tries again. */
  #failed(error: Error & { code?: number | string }, fail: (error: BrokerError) => void): void {
    this.#lastError = error;
    thirdPartyLog.debug(`broker ${this.#where}: ${reasonOf(error)}`);
    if (this.#wasConnected) return;
    // Small numbers are the broker's own refusals (MQTT 3.1.1, table 3.1); texts are the system's.
    if (typeof error.code === "number" && error.code > 0 && error.code < 256)
      fail(
        new BrokerError(
          `the broker ${this.#where} refuses us: ${reasonOf(error)} (see --auth-token)`,
        ),
      );
    else if (this.#options.isOnce || isFinal(error))
      fail(this.#error("cannot reach the broker", error));
  }

  #connected(first: PromiseWithResolvers<void>): void {
    const isFirst = !this.#wasConnected;
    this.#wasConnected = true;
    this.#giveUpOff?.();
    this.#giveUpOff = undefined;
    this.#subscribeAll(isFirst).then(() => {
      first.resolve();
      if (!this.#isClosing) this.#handlers.onConnect?.(isFirst);
    }, first.reject);
  }

  /** Subscribes anew on every connection. Only the first time a refusal is an error. */
  #subscribeAll(isFirst: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#topics.length === 0) return resolve();
      this.#client.subscribe([...this.#topics], { qos: 1 }, (error, granted) => {
        // 128 in the acknowledgement: refused, which mqtt.js makes an "Unspecified error".
        const isRefused =
          granted?.some((grant) => grant.qos > 2) || /Unspecified/.test(`${error?.message}`);
        if (!error && !isRefused) return resolve();
        const text = isRefused
          ? `subscription to ${this.#topics.join(", ")} refused (see its access rules)`
          : error!.message;
        if (isFirst) reject(new BrokerError(`broker ${this.#where}: ${text}`));
        else thirdPartyLog.warn(`broker ${this.#where}: ${text}`);
      });
    });
  }

  #lost(): void {
    const { patience } = this.#options;
    if (!this.#wasConnected || this.#isClosing || this.#giveUpOff !== undefined) return;
    this.#handlers.onLost?.();
    this.#giveUpOff = systemClock.after(patience, () =>
      this.#handlers.onGivenUp?.(
        new BrokerError(
          `the broker ${this.#where} has been away for ${patience} s: ${reasonOf(this.#lastError)}`,
        ),
      ),
    );
  }
}

function clientOptions(address: BrokerAddress, options: ConnectionOptions): IClientOptions {
  return {
    // Options only, no URL string: mqtt.js would parse that with a deprecated function that warns on stderr.
    protocol: address.protocol,
    host: address.host,
    hostname: address.host,
    port: address.port,
    ...(address.protocol.startsWith("ws") && {
      path: address.path,
      ...(address.ca !== undefined && { wsOptions: { ca: address.ca } }),
    }),
    ...(address.username !== undefined && { username: address.username }),
    ...(address.password !== undefined && { password: address.password }),
    ...(address.ca !== undefined && { ca: address.ca }),
    protocolVersion: 4,
    clientId: options.clientId,
    clean: true,
    // We subscribe ourselves on every connection, to know when it has taken effect.
    resubscribe: false,
    keepalive: keepAlive,
    reconnectPeriod,
    connectTimeout: connectPatience * 1000,
    ...(options.will && {
      will: {
        topic: options.will.topic,
        payload: Buffer.from(JSON.stringify(options.will.payload)),
        qos: 1 as const,
        retain: true,
      },
    }),
    log: () => {},
  };
}

/** The session ends cleanly (no will), or at once when there is none. */
const endOf = (client: MqttClient): Promise<void> =>
  new Promise((resolve) => {
    const callOff = systemClock.after(farewell, () => {
      client.end(true);
      resolve();
    });
    client.end(!client.connected, {}, () => {
      callOff();
      resolve();
    });
  });

/** Errors no patience mends: a wrong name, a certificate that is not trusted. */
function isFinal(error: { code?: number | string; message: string }): boolean {
  const code = String(error.code ?? "");
  return (
    code === "ENOTFOUND" ||
    code.includes("CERT") ||
    code.includes("SIGNATURE") ||
    code.startsWith("ERR_TLS") ||
    code.startsWith("ERR_SSL") ||
    /certificate/i.test(error.message)
  );
}

function reasonOf(error: (Error & { code?: number | string }) | undefined): string {
  if (error === undefined) return "no answer";
  return error.message || String(error.code ?? error.name);
}
