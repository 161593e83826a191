import { timingSafeEqual } from "node:crypto";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { Aedes } from "aedes";
import { consola } from "consola";
import { BrokerError, InputError } from "../config/errors.ts";
import { maxMessageSize } from "./messages.ts";
import { createPacketLimit } from "./packet_limit.ts";
import { root } from "./topics.ts";

export interface EmbeddedBrokerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** The password every client must give, under any user name. */
  readonly authToken?: string;
}

export interface EmbeddedBroker {
  readonly port: number;
  close(): Promise<void>;
}

const loopback = /^(localhost|127(\.\d{1,3}){3}|::1)$/;

/** The longest packet, bytes: a message, its topic (64 KiB at most, MQTT 3.1.1, 1.5.3) with its length, the packet's id. */
const longestPacket = maxMessageSize + (1 << 16) + 4;

/** Refused by name; numbers of MQTT 3.1.1, table 3.1. */
const badUserNameOrPassword = 4;

/**
 * Starts a broker in this process, for MQTT 3.1.1 and topics below skyscan/<basename>/ only.
 * Throws InputError when it should listen beyond this machine without a token, BrokerError when it cannot listen.
 */
export async function startBroker(options: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
  if (!loopback.test(options.host) && !options.authToken)
    throw new InputError(
      `--host ${options.host}: a broker that other machines reach needs an --auth-token`,
    );
  const token = options.authToken === undefined ? undefined : Buffer.from(options.authToken);
  const broker = await Aedes.createBroker({
    // A restarted server may have this many messages waiting.
    queueLimit: 10_000,
    authenticate: (_client, _user, password, done) => {
      if (token === undefined || isToken(password, token)) return done(null, true);
      done(Object.assign(new Error("wrong token"), { returnCode: badUserNameOrPassword }), false);
    },
    authorizePublish: (_client, packet, done) => {
      if (!isOwnTopic(packet.topic)) return done(new Error("topic outside skyscan/<basename>"));
      done(null);
    },
    // null: refused (128 in the acknowledgement), the connection stays.
    authorizeSubscribe: (_client, subscription, done) =>
      done(null, isOwnTopic(subscription.topic) ? subscription : null),
  });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("close", () => sockets.delete(socket));
    limitPackets(socket);
    broker.handle(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(
        new BrokerError(`cannot listen on ${options.host}:${options.port}: ${cause.message}`, {
          cause,
        }),
      ),
    );
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.close();
      await new Promise<void>((resolve) => broker.close(resolve));
      for (const socket of sockets) socket.destroy();
    },
  };
}

/**
 * Throws a client out as soon as it announces a packet that is too long. The broker itself would look at a packet when
 * all of it is in memory.
 */
function limitPackets(socket: Socket): void {
  const check = createPacketLimit(longestPacket);
  const read = socket.read.bind(socket);
  const from = `${socket.remoteAddress}:${socket.remotePort}`;
  socket.read = (size?: number) => {
    const chunk = read(size);
    const tooLong = chunk === null ? undefined : check(chunk);
    if (tooLong === undefined) return chunk;
    consola.warn(
      `${from} announced a packet of ${tooLong} bytes and was thrown out: ${longestPacket} are allowed`,
    );
    socket.destroy();
    return null;
  };
}

function isToken(given: Buffer | undefined, token: Buffer): boolean {
  return given !== undefined && given.length === token.length && timingSafeEqual(given, token);
}

/** Below one named scan: no wildcard may stand where the basename does, or nobody's would be secret. */
function isOwnTopic(topic: string): boolean {
  const [first, basename, ...rest] = topic.split("/");
  return first === root && !!basename && !/[+#]/.test(basename) && rest.length > 0;
}
