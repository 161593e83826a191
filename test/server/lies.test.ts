import { expect, test } from "bun:test";

import { join } from "node:path";
import { parseAddress } from "../../src/mq/address.ts";
import { startBroker } from "../../src/mq/broker.ts";
import { type Connection, connect } from "../../src/mq/connection.ts";
import { Control, parseMessage, protocolVersion, TaskMessage } from "../../src/mq/messages.ts";
import { topicsOf } from "../../src/mq/topics.ts";
import { planScan } from "../../src/server/plan.ts";
import { runServer, type ServerOutcome } from "../../src/server/server.ts";
import { testFolder } from "../folder.ts";
import { simulatedEvent, until } from "../programs.ts";

const directory = testFolder();

const plan = await planScan({
  eventFile: simulatedEvent,
  isRealEvent: true,
  reco: "splinempe",
  miniTest: true,
  progression: [{ nside: 1, extension: 0 }],
  threshold: 1,
});

/** A client without fits: whoever answers for it says what a fit would. */
class Actor {
  readonly tasks: TaskMessage["tasks"] = [];
  session = 0;
  refused: string | undefined;
  state: string | undefined;
  constructor(
    readonly id: string,
    readonly basename: string,
  ) {}
  private connection!: Connection;
  async come(url: string, light = "embedded", protocol = protocolVersion): Promise<this> {
    const topics = topicsOf(this.basename);
    this.connection = await connect(
      parseAddress(url),
      { clientId: this.id, subscriptions: [topics.task(this.id), topics.control], patience: 5 },
      {
        onMessage: (topic, payload) => {
          if (topic === topics.control) {
            this.state = parseMessage(Control, payload).state;
            return;
          }
          const message = parseMessage(TaskMessage, payload);
          this.session = message.session;
          this.refused = message.refused;
          this.tasks.push(...message.tasks);
        },
      },
    );
    this.say(topics.status(this.id), {
      ...{ protocol, state: "ready", version: "test", host: "here", workers: 1, want: 5 },
      ...{ light: { kind: light, description: `${light} light` }, session: 0 },
    });
    return this;
  }
  say(topic: string, message: unknown) {
    this.connection.publish(topic, typeof message === "string" ? message : JSON.stringify(message));
  }
  result(tasks: readonly (readonly unknown[])[], llh: (pixel: number) => number, more = {}) {
    const results = tasks.map((task) => {
      const which = task.slice(0, 6) as number[];
      return [...which, llh(which[2]!), 1, 2, 3, 4, null, null, 5, 0.1, 7, null, null, null];
    });
    const message = { client: this.id, session: this.session, want: 5, results, failures: [] };
    this.say(topicsOf(this.basename).result, { ...message, ...more });
  }
  leave = () => this.connection.close();
}

test("malformed, stale, foreign and forged messages change nothing", async () => {
  const broker = await startBroker({ host: "127.0.0.1", port: 0 });
  const url = `127.0.0.1:${broker.port}`;
  const opened = Promise.withResolvers<string>();
  const outcome: Promise<ServerOutcome> = runServer(plan, {
    broker: parseAddress(url),
    outputDir: join(directory, "out"),
    timeoutToClients: 60,
    timeoutFromClients: 30,
    recoTimeout: 60,
    maxFailures: 3,
    onOpen: opened.resolve,
  });
  const basename = await opened.promise;
  const topics = topicsOf(basename);
  const honest = await new Actor("honest", basename).come(url);
  await until("tasks", () => honest.tasks.length > 0);

  const other = await new Actor("tables", basename).come(url, "tables");
  await until("being refused", () => other.refused);
  expect(other.refused).toMatch(/its light model is "tables", this scan's is "embedded"/);
  const old = await new Actor("old", basename).come(url, "embedded", 99);
  await until("being refused", () => old.refused);
  expect(old.refused).toMatch(/speaks protocol 99/);

  const liar = await new Actor("liar", basename).come(url);
  const [task] = honest.tasks;
  liar.say(topics.result, "{");
  liar.say(topics.result, { client: "liar", results: "all of them" });
  liar.say(topics.result, "x".repeat(1000));
  liar.say(topics.status("liar"), { state: "king" });
  // Fits nobody asked for, of this scan's stages and of others.
  liar.result([[1, 1, 12, 0, 2, 0]], () => -1e9);
  liar.result(
    [
      [1, 1, 0, 2, 1, 0],
      [1, 8, 5, 0, 2, 0],
      [1, 512, 5, 0, 2, 0],
    ],
    () => -1e9,
  );
  // Somebody who never came, and one who was refused.
  liar.result([task!], () => -1e9, { client: "nobody" });
  liar.result([task!], () => -1e9, { client: "tables" });

  const answered = new Set<number>();
  while (honest.state === "open" || honest.state === undefined) {
    const tasks = honest.tasks.splice(0);
    for (const [lease, ...rest] of tasks) {
      expect(answered.has(lease)).toBe(false);
      answered.add(lease);
      honest.result([[lease, ...rest]], (pixel) => 100 + pixel);
      // Once more, and once more with another value: only the first counts.
      honest.result([[lease, ...rest]], () => -1e9);
      honest.result([[lease, ...rest]], () => -1e9, { session: 0 });
    }
    // What the liar was given it gives back.
    if (liar.tasks.length > 0) {
      liar.tasks.splice(0);
      liar.say(topics.status("liar"), {
        ...{ protocol: protocolVersion, state: "gone", version: "", host: "", workers: 1 },
        ...{ want: 0, light: null, session: 0 },
      });
    }
    await Bun.sleep(5);
  }
  const { result, manifest } = await outcome;
  for (const actor of [honest, other, old, liar]) await actor.leave();
  await broker.close();
  const pixels = result.nsides.get(1)!;
  expect(pixels.map(({ llh }) => llh)).toEqual(Array.from({ length: 12 }, (_, n) => 100 + n));
  expect(manifest.messages.foreign).toBe(3);
  expect(manifest.messages.malformed).toBeGreaterThanOrEqual(7);
  expect(manifest.messages.duplicates).toBeGreaterThan(0);
  expect(manifest.progress.recos).toEqual({ done: 24, sent: 24, estimated: 24 });
  expect(manifest.scan.light).toBe("embedded light");
}, 120_000);
