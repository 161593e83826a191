import { expect, test } from "bun:test";
import { Interrupted } from "../../src/config/errors.ts";
import type { Connect, Payload } from "../../src/mq/connection.ts";
import { createExchange, withinProcess } from "../../src/mq/exchange.ts";
import { topicsOf } from "../../src/mq/topics.ts";

const topics = topicsOf("test");
const patience = 1;

/** A party that writes down what it hears. */
async function listener(connect: Connect, subscriptions: readonly string[]) {
  const heard: [string, Payload][] = [];
  let connections = 0;
  const connection = await connect(
    withinProcess,
    { clientId: "listener", subscriptions, patience },
    {
      onMessage: (topic, payload) => void heard.push([topic, payload]),
      onConnect: () => void connections++,
    },
  );
  return { connection, heard, connections: () => connections };
}

/** Until all that has been published is handed over. */
const handedOver = () => new Promise<void>((resolve) => setImmediate(resolve));

test("messages come in the order in which they were published, as they are, and not at once", async () => {
  const connect = createExchange();
  const { connection, heard, connections } = await listener(connect, [topics.task("a")]);
  expect(connections()).toBe(1);
  const first = { llh: Number.NaN };
  connection.publish(topics.task("a"), first);
  connection.publish(topics.task("b"), { of: "another" });
  connection.publish(topics.task("a"), { second: true });
  expect(heard).toEqual([]);
  await handedOver();
  expect(heard.map(([, payload]) => payload)).toEqual([first, { second: true }]);
  expect(heard[0]![1]).toBe(first);
});

test("a wildcard stands for one level", async () => {
  const connect = createExchange();
  const { connection, heard } = await listener(connect, [topics.status("+")]);
  for (const topic of [topics.status("x"), topics.task("x"), topics.result])
    connection.publish(topic, { topic });
  await handedOver();
  expect(heard.map(([topic]) => topic)).toEqual([topics.status("x")]);
});

test("what is retained reaches those who come later, until it is taken away", async () => {
  const connect = createExchange();
  const { connection } = await listener(connect, []);
  connection.publish(topics.control, { state: "open" }, { retain: true });
  connection.publish(topics.startup(0), "abc", { retain: true });
  const early = await listener(connect, [topics.control]);
  early.connection.subscribe([topics.startup(0)]);
  await handedOver();
  expect(early.heard).toEqual([
    [topics.control, { state: "open" }],
    [topics.startup(0), new TextEncoder().encode("abc")],
  ]);
  connection.publish(topics.control, "", { retain: true });
  await handedOver();
  expect(early.heard.at(-1)).toEqual([topics.control, new Uint8Array()]);
  const late = await listener(connect, [topics.control]);
  await handedOver();
  expect(late.heard).toEqual([]);
});

test("a message that is still being dealt with holds back the next", async () => {
  const connect = createExchange();
  const heard: string[] = [];
  const busy = Promise.withResolvers<void>();
  const connection = await connect(
    withinProcess,
    { clientId: "busy", subscriptions: [topics.result], patience },
    {
      onMessage(_topic, payload) {
        heard.push(JSON.stringify(payload));
        return heard.length === 1 ? busy.promise : undefined;
      },
    },
  );
  connection.publish(topics.result, { n: 1 });
  connection.publish(topics.result, { n: 2 });
  await handedOver();
  expect(heard).toEqual(['{"n":1}']);
  busy.resolve();
  await handedOver();
  expect(heard).toEqual(['{"n":1}', '{"n":2}']);
});

test("who has left hears nothing, and is still heard", async () => {
  const connect = createExchange();
  const stays = await listener(connect, [topics.result]);
  const leaves = await listener(connect, [topics.result]);
  expect(leaves.connection.isConnected).toBe(true);
  leaves.connection.publish(topics.result, { last: true });
  await leaves.connection.close();
  expect(leaves.connection.isConnected).toBe(false);
  await handedOver();
  expect(stays.heard).toHaveLength(1);
  expect(leaves.heard).toEqual([]);
});

test("who has been told to stop does not come", async () => {
  const connect = createExchange();
  const options = { clientId: "late", subscriptions: [], patience, stop: AbortSignal.abort() };
  expect(connect(withinProcess, options, { onMessage: () => {} })).rejects.toThrow(Interrupted);
});
