/** An EWMS pilot: takes a task from a queue, gives it to one client in files, puts the answer into the other queue. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { type ChannelModel, type ConsumeMessage, connect, credentials } from "amqplib";
import { packed, unpacked } from "../../src/ewms/envelope.ts";
import { skyscan } from "../programs.ts";

interface Queue {
  readonly name: string;
  readonly auth_token: string;
  readonly broker_address: string;
}

export interface Pilot {
  /** Tasks it has done. */
  readonly done: () => number;
  stop(): Promise<void>;
}

/** How a task is done: files in, file out. @returns its exit code */
export type RunTask = (infile: string, outfile: string, hub: string) => Promise<number>;

/** Puts a message into a queue. */
export async function send(
  { name, auth_token, broker_address }: Queue,
  payload: Uint8Array,
): Promise<void> {
  const [user, place] = broker_address.split("@");
  const connection = await connect(`amqp://${place}`, {
    credentials: credentials.plain(user!, auth_token),
  });
  const channel = await connection.createConfirmChannel();
  channel.sendToQueue(name, Buffer.from(payload));
  await channel.waitForConfirms();
  await connection.close();
}

/**
 * @param startup what its init container puts into the data hub
 */
export async function startPilot(
  queues: { readonly toclient: Queue; readonly fromclient: Queue },
  startup: string,
  home: string,
  run: RunTask,
): Promise<Pilot> {
  const hub = join(home, "data-hub");
  mkdirSync(hub, { recursive: true });
  await copyFile(startup, join(hub, "startup.json"));
  let done = 0;
  let isOver = false;
  const [user, place] = queues.toclient.broker_address.split("@");
  const connection = await connect(`amqp://${place}`, {
    credentials: credentials.plain(user!, queues.toclient.auth_token),
    recovery: {
      async setup(model: ChannelModel) {
        const channel = await model.createConfirmChannel();
        channel.on("error", () => {});
        const quorum = { durable: true, arguments: { "x-queue-type": "quorum" } };
        for (const { name } of Object.values(queues)) await channel.assertQueue(name, quorum);
        await channel.prefetch(1);
        await channel.consume(queues.toclient.name, async (message: ConsumeMessage | null) => {
          if (message === null || isOver) return;
          const file = (kind: string) => join(home, `${kind}-${message.fields.deliveryTag}.json`);
          const [infile, outfile] = [file("infile"), file("outfile")];
          rmSync(outfile, { force: true });
          writeFileSync(infile, JSON.stringify(await unpacked(message.content)));
          const code = await run(infile, outfile, hub);
          try {
            if (code !== 0 || !existsSync(outfile)) return channel.nack(message);
            const answer = packed(JSON.parse(readFileSync(outfile, "utf8")));
            channel.sendToQueue(queues.fromclient.name, Buffer.from(answer));
            await channel.waitForConfirms();
            channel.ack(message);
            done++;
          } catch {
            // The connection is gone: the task comes again.
          }
        });
      },
    },
  });
  connection.on("error", () => {});
  return {
    done: () => done,
    async stop() {
      isOver = true;
      await connection.close().catch(() => {});
    },
  };
}

/** Our client, as a pilot starts it. @param env of its container */
export function oneFit(env: Readonly<Record<string, string>>): RunTask {
  return async (infile, outfile, hub) => {
    const task = {
      EWMS_TASK_INFILE: infile,
      EWMS_TASK_OUTFILE: outfile,
      EWMS_TASK_DATA_HUB_DIR: hub,
      SKYSCAN_DATA_SOURCE: "none",
    };
    const { code, stderr } = await skyscan(["client"], { ...task, ...env }).exited;
    if (code !== 0) console.error(stderr);
    return code;
  };
}
