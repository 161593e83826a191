import type { Socket } from "node:net";
import { consola } from "consola";
import { maxMessageSize } from "./messages.ts";
import { createPacketLimit } from "./packet_limit.ts";

/** The longest packet, bytes: a message, its topic (64 KiB at most, MQTT 3.1.1, 1.5.3) with its length, the packet's id. */
const longestPacket = maxMessageSize + (1 << 16) + 4;

/** A CONNECT's first byte (MQTT 3.1.1, 3.1.1): whoever begins otherwise speaks something else. */
const greetingType = 0x10;

/** What a stranger may send, bytes: one CONNECT with a token and a last will, of which ours have 3 KB. */
const longestGreeting = 16 << 10;

/** Strangers at a time, silent for a few seconds at most: 20 KB each, and room for the clients of the largest scan at once. */
const mostStrangers = 4000;

/** Wrong tokens are told of so many times, then every so many: a log is not to be filled from outside. */
const toldOneByOne = 10;
const toldEvery = 1000;

/** A broker's connections, and what they may do before and after they have shown their token. */
export interface Door {
  /** A new connection, a stranger still. */
  watch(socket: Socket): void;
  /** It has shown its token. */
  letIn(socket: Socket): void;
  /** It has shown a wrong one. */
  wrongToken(socket: Socket): void;
  throwOut(socket: Socket, why: string): void;
  /** Throws everybody out. */
  close(): void;
}

export function createDoor(): Door {
  const sockets = new Set<Socket>();
  /** In the order in which they came. */
  const strangers = new Set<Socket>();
  let wrong = 0;
  const throwOut = (socket: Socket, why: string) => {
    if (!socket.destroyed) consola.warn(`${placeOf(socket)} ${why} and was thrown out`);
    socket.destroy();
  };
  return {
    watch(socket) {
      sockets.add(socket);
      strangers.add(socket);
      socket.setNoDelay(true);
      socket.on("close", () => {
        sockets.delete(socket);
        strangers.delete(socket);
      });
      limitPackets(socket, () => strangers.has(socket), throwOut);
      // The longest silent makes room: whoever has a token shows it at once.
      const [oldest] = strangers;
      if (strangers.size > mostStrangers) oldest!.destroy();
    },
    letIn: (socket) => void strangers.delete(socket),
    wrongToken(socket) {
      wrong++;
      if (wrong > toldOneByOne && wrong % toldEvery !== 0) return;
      const count = wrong > toldOneByOne ? ` (${wrong} wrong tokens so far)` : "";
      consola.warn(`${placeOf(socket)} gave a wrong token and was refused${count}`);
    },
    throwOut,
    close() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

const placeOf = (socket: Socket): string => `${socket.remoteAddress}:${socket.remotePort}`;

/**
 * Throws a client out as soon as it announces a packet that is too long, or a stranger sends more than a greeting. The
 * broker itself would look at a packet when all of it is in memory.
 */
function limitPackets(socket: Socket, isStranger: () => boolean, throwOut: Door["throwOut"]): void {
  const check = createPacketLimit(longestPacket);
  const read = socket.read.bind(socket);
  let greeting = 0;
  socket.read = (size?: number) => {
    const chunk = read(size);
    if (chunk === null) return null;
    const tooLong = check(chunk);
    const isFirst = greeting === 0 && isStranger();
    if (isStranger()) greeting += chunk.length;
    if (isFirst && chunk[0] !== greetingType) throwOut(socket, "greeted in no language of MQTT's");
    else if (tooLong !== undefined)
      throwOut(socket, `announced a packet of ${tooLong} bytes, of ${longestPacket} allowed,`);
    else if (isStranger() && greeting > longestGreeting)
      throwOut(socket, `sent more than ${longestGreeting} bytes without a token`);
    else return chunk;
    return null;
  };
}
