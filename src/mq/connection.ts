import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
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

/** How long the broker may take to acknowledge what was published last, and to say goodbye, s. */
const lastWords = 4;
const farewell = 1;

export interface ConnectionHandlers {
  /** One message; a promise holds back the next until it is fulfilled. Must not throw. */
  onMessage(topic: string, payload: Uint8Array): void | Promise<void>;
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

/**
 * Connects to a broker and subscribes.
 * Throws BrokerError when it is unreachable or refuses us, Interrupted when stopped before that.
 */
export async function connect(
  address: BrokerAddress,
  options: ConnectionOptions,
  handlers: ConnectionHandlers,
): Promise<Connection> {
  const where = describeAddress(address);
  const client = mqtt.connect(clientOptions(address, options));
  let lastError: Error | undefined;
  let unacknowledged = 0;
  let giveUpOff: (() => void) | undefined;
  let wasConnected = false;
  let closing = false;
  const drained: (() => void)[] = [];
  const topics = [...options.subscriptions];

  // handleMessage, not "message": its callback is what tells the broker that we have it, and lets the next come.
  client.handleMessage = (packet, done) => {
    const payload = packet.payload as Uint8Array;
    if (payload.length > maxMessageSize) {
      thirdPartyLog.warn(`message of ${payload.length} bytes on ${packet.topic} dropped`);
      return done();
    }
    const busy = handlers.onMessage(packet.topic, payload);
    if (busy instanceof Promise) busy.then(() => done(), done);
    else done();
  };

  const subscribed = (isFirst: boolean) =>
    new Promise<void>((resolve, reject) => {
      if (topics.length === 0) return resolve();
      client.subscribe([...topics], { qos: 1 }, (error, granted) => {
        // 128 in the acknowledgement: refused, which mqtt.js makes an "Unspecified error".
        const isRefused =
          granted?.some((grant) => grant.qos > 2) || /Unspecified/.test(`${error?.message}`);
        if (!error && !isRefused) return resolve();
        const text = isRefused
          ? `subscription to ${topics.join(", ")} refused (see its access rules)`
          : error!.message;
        if (isFirst) reject(new BrokerError(`broker ${where}: ${text}`));
        else thirdPartyLog.warn(`broker ${where}: ${text}`);
      });
    });

  await new Promise<void>((resolve, reject) => {
    const fail = (error: BrokerError | Interrupted) => {
      callOff();
      options.stop?.removeEventListener("abort", stopped);
      client.end(true);
      reject(error);
    };
    const callOff = systemClock.after(connectPatience, () =>
      fail(new BrokerError(`cannot reach the broker ${where}: ${reasonOf(lastError)}`)),
    );
    const stopped = () => fail(new Interrupted());
    options.stop?.addEventListener("abort", stopped);
    if (options.stop?.aborted) stopped();
    client.on("error", (error: Error & { code?: number | string }) => {
      lastError = error;
      thirdPartyLog.debug(`broker ${where}: ${reasonOf(error)}`);
      if (wasConnected) return;
      // Small numbers are the broker's own refusals (MQTT 3.1.1, table 3.1); texts are the system's.
      if (typeof error.code === "number" && error.code > 0 && error.code < 256)
        fail(
          new BrokerError(`the broker ${where} refuses us: ${reasonOf(error)} (see --auth-token)`),
        );
      else if (isFinal(error))
        fail(new BrokerError(`cannot reach the broker ${where}: ${reasonOf(error)}`));
    });
    client.on("connect", () => {
      const isFirst = !wasConnected;
      wasConnected = true;
      giveUpOff?.();
      giveUpOff = undefined;
      subscribed(isFirst).then(
        () => {
          callOff();
          options.stop?.removeEventListener("abort", stopped);
          resolve();
          if (!closing) handlers.onConnect?.(isFirst);
        },
        (error) => fail(error),
      );
    });
    client.on("close", () => {
      if (!wasConnected || closing || giveUpOff !== undefined) return;
      handlers.onLost?.();
      giveUpOff = systemClock.after(options.patience, () =>
        handlers.onGivenUp?.(
          new BrokerError(
            `the broker ${where} has been away for ${options.patience} s: ${reasonOf(lastError)}`,
          ),
        ),
      );
    });
  });

  return {
    publish(topic, message, { retain = false } = {}) {
      unacknowledged++;
      const payload = typeof message === "string" ? message : JSON.stringify(message);
      client.publish(topic, payload, { qos: 1, retain }, (error) => {
        unacknowledged--;
        if (error && !closing) thirdPartyLog.warn(`publishing to ${topic}: ${error.message}`);
        if (unacknowledged === 0) for (const resolve of drained.splice(0)) resolve();
      });
    },
    subscribe(more) {
      topics.push(...more);
      if (client.connected)
        client.subscribe([...more], { qos: 1 }, (error) => {
          if (error) thirdPartyLog.warn(`subscription to ${more.join(", ")}: ${error.message}`);
        });
    },
    get isConnected() {
      return client.connected;
    },
    async close(patience = lastWords) {
      closing = true;
      giveUpOff?.();
      if (unacknowledged > 0 && client.connected) {
        const { promise, resolve } = Promise.withResolvers<void>();
        drained.push(resolve);
        const callOff = systemClock.after(patience, resolve);
        await promise;
        callOff();
      }
      await endOf(client);
    },
  };
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
