import { consola } from "consola";
import { systemClock } from "../config/clock.ts";
import { BrokerError, Interrupted } from "../config/errors.ts";
import { type BrokerAddress, describeAddress } from "./address.ts";
import { type Connection, connect } from "./connection.ts";
import { newClientId } from "./topics.ts";

/**
 * Sizes that are tried, bytes, from what start-up parts take down to what a few tasks or results take. A broker that
 * takes the first is taken to have no limit that matters: nothing of ours need be longer.
 */
const sizes = [140_000, 70_000, 35_000, 17_500, 8_750, 4_400] as const;

/** How long a message may be on its way before it counts as dropped, s. */
const patience = 2;

/** What a broker fails at: a second connection, handing a message on, keeping it for who comes later. */
type Failing = "second" | "handing on" | "keeping";

/**
 * Finds out, by sending some, which messages a broker carries, since MQTT 3.1.1 gives it no word to say so: it drops
 * those it does not like, or the connection.
 * @param topic which the server may write and read, and where nobody takes anything for a message
 * @returns the longest message to send, bytes; undefined: there is no limit that matters
 * Throws BrokerError where it does not carry what a scan needs, or cannot be reached; Interrupted.
 */
export async function examineBroker(
  address: BrokerAddress,
  topic: string,
  stop?: AbortSignal,
): Promise<number | undefined> {
  // What fails once may be an accident: a broker that was just started anew.
  const failing = async (size: number, retain: boolean) => {
    const before = await failingAt(address, topic, size, retain, stop);
    if (before !== "second") return before && (await failingAt(address, topic, size, retain, stop));
    // It may still count the ones that have just been closed.
    return await failingAt(address, topic, size, retain, stop).catch(() => before);
  };
  const longest = await failing(sizes[0], true);
  if (longest === undefined) return undefined;
  const where = `the broker ${describeAddress(address)}`;
  if (longest === "second") throw new BrokerError(`${where} takes no second connection`);
  if ((await failing(1, false)) !== undefined)
    throw new BrokerError(`${where} refuses messages of QoS 1`);
  if ((await failing(1, true)) !== undefined)
    throw new BrokerError(`${where} keeps no messages (retained), which clients begin with`);
  for (const [n, size] of sizes.entries()) {
    if (n === 0 || (await failing(size, true)) !== undefined) continue;
    consola.warn(`${where} refuses messages of ${sizes[n - 1]} bytes: ours are made shorter`);
    return size;
  }
  throw new BrokerError(`${where} refuses messages of ${sizes.at(-1)} bytes`);
}

/** Sends one message to who listens, and, when it is to be kept, to who comes later. @returns where that fails */
async function failingAt(
  address: BrokerAddress,
  topic: string,
  size: number,
  retain: boolean,
  stop?: AbortSignal,
): Promise<Failing | undefined> {
  const opened: Connection[] = [];
  const open = async (
    subscriptions: readonly string[],
    onHeard: (isWhole: boolean) => void,
    isOnce = true,
  ) => {
    const connection = await connect(
      address,
      { clientId: newClientId(), subscriptions, patience, isOnce, ...(stop && { stop }) },
      {
        onMessage(_topic, payload) {
          if (payload.length === size) onHeard(true);
        },
        onLost: () => onHeard(false),
      },
    );
    opened.push(connection);
    return connection;
  };
  const answer = () => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const callOff = systemClock.after(patience, () => resolve(false));
    return { heard: promise.finally(callOff), tell: resolve };
  };
  const live = answer();
  const late = answer();
  try {
    const sender = await open([], live.tell, false);
    if (!(await isOpened(open([topic], live.tell)))) return "second";
    sender.publish(topic, "x".repeat(size), { retain });
    if (!(await live.heard)) return "handing on";
    if (!retain) return undefined;
    if (!(await isOpened(open([topic], late.tell)))) return "second";
    const isKept = await late.heard;
    sender.publish(topic, "", { retain });
    return isKept ? undefined : "keeping";
  } finally {
    live.tell(false);
    late.tell(false);
    await Promise.all(opened.map((connection) => connection.close(1)));
  }
}

/** Whether another connection could be made. Throws Interrupted. */
const isOpened = (opening: Promise<Connection>): Promise<boolean> =>
  opening.then(
    () => true,
    (error) => {
      if (error instanceof Interrupted) throw error;
      return false;
    },
  );
