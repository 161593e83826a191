import { BrokerError, Interrupted } from "../config/errors.ts";
import { thirdPartyLog } from "../config/log.ts";
import type { QueueProfile } from "./queue_profile.ts";

/** One RabbitMQ queue, as MQClient uses it: a durable quorum queue, reached through the default exchange. */

export interface QueueOptions {
  /** Called with every message, until it is acknowledged; undefined: none is consumed. */
  readonly onMessage?: (message: QueueMessage) => void;
  /** Messages out at a time. */
  readonly prefetch?: number;
  /** Called when the connection is there again, and when it is lost. */
  readonly onBack: () => void;
  readonly onLost: (why: string) => void;
  /** How long a lost connection is waited for, s; then `onGivenUp`. */
  readonly patience: number;
  readonly onGivenUp: (error: BrokerError) => void;
  /** Aborted: the first connection is not waited for any longer. */
  readonly stop?: AbortSignal;
}

export interface QueueMessage {
  readonly payload: Uint8Array;
  /** The message has been dealt with; said to a broken connection it is not heard, and the message comes again. */
  acknowledge(): void;
}

export interface Queue {
  /** Resolves when the broker has it; rejects when the connection breaks before, and nobody knows. */
  publish(payload: Uint8Array): Promise<void>;
  /** How many messages wait in it. */
  waiting(): Promise<number>;
  close(): Promise<void>;
}

/** A broken connection is noticed within two of these, s. */
const heartbeat = 10;
/** The longest a silent peer is waited for when connecting, ms. */
const connectTimeout = 15_000;
/** Waits between attempts, ms. */
const retry = { initialDelay: 200, maxDelay: 5000, factor: 2, jitter: 0.2 };
const initialRetries = 5;

/** Opens it. Throws BrokerError when that fails several times, Interrupted. */
export async function openQueue(profile: QueueProfile, options: QueueOptions): Promise<Queue> {
  const { connect, credentials } = await import("amqplib");
  const where = `queue ${profile.name} at ${profile.host}:${profile.port}`;
  type Channel = Awaited<ReturnType<Awaited<ReturnType<typeof connect>>["createConfirmChannel"]>>;
  let channel: Channel | undefined;
  let isClosing = false;
  const quiet = (error: unknown) => thirdPartyLog.debug(error);

  const setup = async (model: Awaited<ReturnType<typeof connect>>) => {
    const fresh = await model.createConfirmChannel();
    fresh.on("error", quiet);
    // A channel alone ends when the broker finds fault with it: then all begins anew.
    fresh.on("close", () => {
      if (channel === fresh) channel = undefined;
      if (!isClosing) void model.close().catch(quiet);
    });
    await fresh.assertQueue(profile.name, {
      durable: true,
      arguments: { "x-queue-type": "quorum" },
    });
    if (options.onMessage) {
      await fresh.prefetch(options.prefetch ?? 1);
      await fresh.consume(profile.name, (message) => {
        // null: the broker has ended it, e.g. as the queue was deleted.
        if (message === null) fresh.close().catch(quiet);
        else
          options.onMessage!({
            payload: message.content,
            acknowledge: () => {
              if (channel === fresh) fresh.ack(message);
            },
          });
      });
    }
    channel = fresh;
  };

  const connection = await connect(
    {
      protocol: profile.isTls ? "amqps" : "amqp",
      hostname: profile.host,
      port: profile.port,
      vhost: profile.vhost,
      heartbeat,
    },
    {
      credentials: credentials.plain(profile.user, profile.password),
      timeout: connectTimeout,
      servername: profile.host,
      recovery: {
        ...retry,
        maxRetries: Number.POSITIVE_INFINITY,
        initialMaxRetries: initialRetries,
        waitForConnect: false,
        setup,
      },
    },
  );
  let lost: ReturnType<typeof setTimeout> | undefined;
  let isFirst = true;
  connection.on("error", quiet);
  connection.on("handler-error", quiet);
  connection.on("disconnect", (error: Error) => {
    if (isClosing) return;
    const giveUp = () =>
      options.onGivenUp(new BrokerError(`${where}: not back within ${options.patience} s`));
    lost ??= setTimeout(giveUp, 1000 * options.patience);
    options.onLost(error.message);
  });
  connection.on("connect", () => {
    clearTimeout(lost);
    lost = undefined;
    if (!isFirst) options.onBack();
    isFirst = false;
  });

  const close = async () => {
    isClosing = true;
    clearTimeout(lost);
    await connection.close().catch(quiet);
  };
  await firstConnection(connection.waitForConnect(), where, options.stop).catch(async (error) => {
    await close();
    throw error;
  });
  return {
    publish: (payload) =>
      new Promise((resolve, reject) => {
        if (channel === undefined) throw new BrokerError(`${where}: not connected`);
        channel.sendToQueue(profile.name, Buffer.from(payload), {}, (error) =>
          error ? reject(error) : resolve(),
        );
      }),
    async waiting() {
      if (channel === undefined) throw new BrokerError(`${where}: not connected`);
      return (await channel.checkQueue(profile.name)).messageCount;
    },
    close,
  };
}

async function firstConnection(
  connected: Promise<unknown>,
  where: string,
  stop: AbortSignal | undefined,
): Promise<void> {
  const stopped = Promise.withResolvers<never>();
  stopped.promise.catch(() => {});
  const end = () => stopped.reject(new Interrupted());
  stop?.addEventListener("abort", end);
  if (stop?.aborted) end();
  try {
    await Promise.race([connected, stopped.promise]);
  } catch (cause) {
    if (cause instanceof Interrupted) throw cause;
    const { message, code } = cause as NodeJS.ErrnoException;
    throw new BrokerError(`${where}: ${message || code}`, { cause });
  } finally {
    stop?.removeEventListener("abort", end);
  }
}
