import { timingSafeEqual } from "node:crypto";
import { lookup } from "node:dns/promises";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { Aedes, type AuthenticateError, type Client } from "aedes";
import { consola } from "consola";
import { type Clock, systemClock } from "../config/clock.ts";
import { BrokerError, InputError } from "../config/errors.ts";
import { createDoor, type Door } from "./door.ts";
import { createRetainedLimit } from "./retained_limit.ts";
import { root } from "./topics.ts";

/** A server's own certificate, PEM texts. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

export interface EmbeddedBrokerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** The password every client must give, under any user name. */
  readonly authToken?: string;
  /** TLS; undefined: everything travels in the clear. */
  readonly identity?: Identity;
}

export interface EmbeddedBroker {
  readonly port: number;
  close(): Promise<void>;
}

const loopback = /^(localhost|127(\.\d{1,3}){3}|::1)$/;

/** The shortest token where other machines can try, bytes: 16 letters and digits of a random choice are 95 bits. */
const shortestToken = 16;
/** The longest, bytes: it has to pass before anything is known of its sender. */
const longestToken = 4096;

/** Whoever gave a wrong token waits so long for its refusal, s: guessing takes time, a mistyped token does not. */
const guessingPause = 0.25;

/** A restarted server may have this many messages waiting. */
const queueLimit = 10_000;
/** A first packet that takes longer is none, s. */
const connectPatience = 10;
/** A subscriber that reads nothing for so long is thrown out, s; and at once when it is behind by so many bytes. */
const drainPatience = 10;
const longestQueue = 32 << 20;

/** Connections at a time: ten times a scan of a thousand clients. */
const mostConnections = 10_000;

/** A full memory is told of so many times. */
const toldOfUnkept = 10;

/** Refused by name; numbers of MQTT 3.1.1, table 3.1. */
const badUserNameOrPassword = 4;

/**
 * Starts a broker in this process, for MQTT 3.1.1 and topics below skyscan/<basename>/ only.
 * Throws InputError when it should listen beyond this machine without a good token, where its host name, its
 * certificate or its key are none, BrokerError when it cannot listen.
 */
export async function startBroker(
  options: EmbeddedBrokerOptions,
  clock: Clock = systemClock,
): Promise<EmbeddedBroker> {
  requireToken(options);
  const door = createDoor();
  const broker = await Aedes.createBroker({
    queueLimit,
    connectTimeout: 1000 * connectPatience,
    drainTimeout: 1000 * drainPatience,
    ...rulesOf(options, door, clock),
  });
  let server: Server;
  try {
    server = await listening(options, (socket) => {
      door.watch(socket);
      broker.handle(socket);
    });
  } catch (error) {
    await new Promise<void>((resolve) => broker.close(resolve));
    throw error;
  }
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.close();
      await new Promise<void>((resolve) => broker.close(resolve));
      door.close();
    },
  };
}

/** Throws InputError where strangers reach the broker and nothing, or too little, keeps them out. */
function requireToken({ host, authToken }: EmbeddedBrokerOptions): void {
  const length = Buffer.byteLength(authToken ?? "");
  if (length > longestToken)
    throw new InputError(`--auth-token: ${length} bytes, at most ${longestToken} are possible`);
  if (loopback.test(host)) return;
  const where = `--host ${host}: a broker that other machines reach needs an --auth-token`;
  if (length === 0) throw new InputError(where);
  if (length < shortestToken)
    throw new InputError(`${where} of at least ${shortestToken} characters (openssl rand -hex 16)`);
}

/** Who may come in, and what they may say and hear. */
function rulesOf({ authToken }: EmbeddedBrokerOptions, door: Door, clock: Clock) {
  const token = authToken === undefined ? undefined : Buffer.from(authToken);
  const retained = createRetainedLimit();
  let unkept = 0;
  return {
    authenticate: (
      client: Client,
      _user: unknown,
      password: Buffer | undefined,
      done: (error: AuthenticateError | null, success: boolean | null) => void,
    ) => {
      if (token === undefined || isToken(password, token)) {
        door.letIn(socketOf(client));
        return done(null, true);
      }
      door.wrongToken(socketOf(client));
      const refusal = { returnCode: badUserNameOrPassword } as const;
      clock.after(guessingPause, () =>
        done(Object.assign(new Error("wrong token"), refusal), false),
      );
    },
    authorizePublish: (
      client: Client | null,
      packet: { topic: string; payload: string | Buffer; retain: boolean },
      done: (error?: Error | null) => void,
    ) => {
      if (!isOwnTopic(packet.topic)) return done(new Error("topic outside skyscan/<basename>"));
      const objection = packet.retain
        ? retained.objection(packet.topic, packet.payload.length)
        : undefined;
      if (objection !== undefined) {
        // It goes to those who are there; whoever relies on what is kept looks whether it was.
        packet.retain = false;
        if (unkept++ < toldOfUnkept)
          consola.warn(`a message of ${client?.id} is not kept: ${objection}`);
      }
      done(null);
    },
    // null: refused (128 in the acknowledgement), the connection stays.
    authorizeSubscribe: <Subscription extends { topic: string }>(
      _client: Client | null,
      subscription: Subscription,
      done: (error: Error | null, subscription?: Subscription | null) => void,
    ) => done(null, isOwnTopic(subscription.topic) ? subscription : null),
    authorizeForward: <Packet>(client: Client, packet: Packet): Packet | null => {
      const socket = socketOf(client);
      if (socket.writableLength <= longestQueue) return packet;
      door.throwOut(socket, `is behind by ${socket.writableLength} bytes`);
      return null;
    },
  };
}

const socketOf = (client: Client): Socket => client.conn as Socket;

/** The server, once it listens. Throws InputError for a host or a certificate that is none, BrokerError. */
async function listening(
  { host, port, identity }: EmbeddedBrokerOptions,
  onConnection: (socket: Socket) => void,
): Promise<Server> {
  await lookup(host).catch((cause: NodeJS.ErrnoException) => {
    throw new InputError(`--host ${host}: no name or address of a machine (${cause.code})`, {
      cause,
    });
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let server: Server;
  try {
    server = identity
      ? createTlsServer(
          { ...identity, minVersion: "TLSv1.2", handshakeTimeout: 1000 * connectPatience },
          onConnection,
        )
      : createServer(onConnection);
  } catch (cause) {
    throw new InputError(`--cert, --key: ${(cause as Error).message}`, { cause });
  }
  server.maxConnections = mostConnections;
  // One that has broken its handshake off is no matter of the broker's.
  server.on("tlsClientError", () => {});
  server.once("error", (cause: NodeJS.ErrnoException) => {
    const what = `cannot listen on ${host}:${port}: ${cause.message}`;
    reject(new BrokerError(what, { cause }));
  });
  server.listen(port, host, resolve);
  await promise;
  return server;
}

function isToken(given: Buffer | undefined, token: Buffer): boolean {
  return given !== undefined && given.length === token.length && timingSafeEqual(given, token);
}

/** Below one named scan: no wildcard may stand where the basename does, or nobody's would be secret. */
function isOwnTopic(topic: string): boolean {
  const [first, basename, ...rest] = topic.split("/");
  return first === root && !!basename && !/[+#]/.test(basename) && rest.length > 0;
}
