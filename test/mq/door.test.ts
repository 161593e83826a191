import { afterEach, describe, expect, spyOn, test } from "bun:test";
import { createConnection, type Socket } from "node:net";
import { consola } from "consola";
import { type EmbeddedBroker, startBroker } from "../../src/mq/broker.ts";
import { createRetainedLimit } from "../../src/mq/retained_limit.ts";
import { until } from "../programs.ts";
import { VirtualTime } from "../system/virtual_time.ts";
import { connectPacket, publish, subscribe } from "./packets.ts";

const open: (EmbeddedBroker | Socket)[] = [];
afterEach(async () => {
  for (const item of open.splice(0).reverse())
    if ("destroy" in item) item.destroy();
    else await item.close();
});

/** A bare connection, what it has heard, and whether it has been closed. */
async function stranger(port: number) {
  const socket = createConnection(port, "127.0.0.1");
  open.push(socket);
  const heard: number[] = [];
  let isClosed = false;
  socket.on("data", (bytes: Buffer) => heard.push(...bytes));
  socket.on("error", () => {});
  socket.on("close", () => {
    isClosed = true;
  });
  await new Promise((resolve) => socket.once("connect", resolve));
  return { socket, heard, isClosed: () => isClosed };
}

const token = "a token of many letters";

async function guarded() {
  const time = new VirtualTime();
  const options = { host: "127.0.0.1", port: 0, authToken: token };
  const broker = await startBroker(options, time.clock());
  open.push(broker);
  return { port: broker.port, time };
}

/** Connected with the right token. */
async function friend(port: number, clientId: string) {
  const one = await stranger(port);
  one.socket.write(connectPacket({ clientId, password: token }));
  await until("the greeting", () => one.heard.length === 4);
  return one;
}

describe("the broker's door", () => {
  test.each(["", " ", "x", "fifteen letters"])(
    "opens to other machines with a good token only, not with %p",
    async (authToken) => {
      const options = { host: "0.0.0.0", port: 0, authToken };
      expect(startBroker(options)).rejects.toThrow("--auth-token");
    },
  );

  test("a host that is none is bad usage, one that is another machine's the broker's trouble", async () => {
    const bad = startBroker({ host: "no host", port: 0, authToken: token });
    expect(bad).rejects.toMatchObject({ exitCode: 2 });
    // TEST-NET-1 (RFC 5737) is nobody's.
    const foreign = startBroker({ host: "192.0.2.1", port: 0, authToken: token });
    expect(foreign).rejects.toMatchObject({ exitCode: 3 });
  });

  test("a wrong token is refused late, and told of, but not for ever", async () => {
    const { port, time } = await guarded();
    const told: unknown[] = [];
    const ignore = Object.assign((text: unknown) => void told.push(text), { raw: () => {} });
    const warned = spyOn(consola, "warn").mockImplementation(ignore);
    for (let n = 0; n < 30; n++) {
      const { socket, heard, isClosed } = await stranger(port);
      socket.write(connectPacket({ clientId: `guess${n}`, password: `guess ${n}` }));
      // The refusal is what waits; until time passes nothing comes.
      const at = time.now;
      await until("the refusal", () => time.step() || isClosed() || heard.length > 0);
      expect(time.now).toBeGreaterThan(at);
      await until("its end", isClosed);
      expect(heard.slice(0, 4)).toEqual([0x20, 2, 0, 4]);
    }
    warned.mockRestore();
    expect(told.filter((text) => /wrong token/.test(String(text))).length).toBeWithin(1, 15);
  });

  test("a stranger may send one greeting, no more", async () => {
    const { port } = await guarded();
    const { socket, isClosed } = await stranger(port);
    // CONNECT, 1 MiB announced, of which a stranger sends what he can.
    socket.write(Buffer.from([0x10, 0x80, 0x80, 0x40]));
    let sent = 0;
    for (; !isClosed() && sent < 1 << 20; sent += 1024) {
      socket.write(new Uint8Array(1024));
      await Bun.sleep(0);
    }
    await until("its end", isClosed);
    expect(sent).toBeLessThan(200_000);
  });

  test("whoever publishes without a greeting is heard by nobody", async () => {
    const { port } = await guarded();
    const listener = await friend(port, "listener");
    listener.socket.write(subscribe("skyscan/s/#"));
    await until("the subscription", () => listener.heard.length > 4);
    const { socket, isClosed } = await stranger(port);
    socket.write(publish("skyscan/s/result", "from nobody"));
    await until("its end", isClosed);
    const other = await friend(port, "other");
    other.socket.write(publish("skyscan/s/result", "from a friend"));
    await until("the message", () => Buffer.from(listener.heard).includes("from a friend"));
    expect(Buffer.from(listener.heard).includes("from nobody")).toBe(false);
  });

  test("who reads nothing is thrown out, and the others are served", async () => {
    const { port } = await guarded();
    const deaf = await friend(port, "deaf");
    deaf.socket.write(subscribe("skyscan/s/#"));
    await until("the subscription", () => deaf.heard.length > 4);
    deaf.socket.pause();
    const loud = await friend(port, "loud");
    // Seven times what may wait for one.
    for (let n = 0; n < 224; n++) {
      loud.socket.write(publish("skyscan/s/result", Buffer.alloc(1 << 20)));
      await Bun.sleep(0);
    }
    const listener = await friend(port, "listener");
    listener.socket.write(subscribe("skyscan/t/#"));
    await until("the subscription", () => listener.heard.length > 4);
    loud.socket.write(publish("skyscan/t/result", "still here"));
    await until("the message", () => Buffer.from(listener.heard).includes("still here"));
    deaf.socket.resume();
    await until("its end", deaf.isClosed);
  });
});

test("a broker whose memory is full says so, and serves on", async () => {
  const { port } = await guarded();
  const warned = spyOn(consola, "warn").mockImplementation(Object.assign(() => {}, { raw() {} }));
  const greedy = await friend(port, "greedy");
  for (let n = 0; n < 160; n++) {
    greedy.socket.write(publish(`skyscan/s/${n}`, Buffer.alloc(1 << 20), { retain: true }));
    await Bun.sleep(0);
  }
  greedy.socket.write(subscribe("skyscan/s/159"));
  await until("the subscription", () => greedy.heard.length > 4);
  greedy.socket.write(publish("skyscan/s/159", "and on"));
  await until("the message", () => Buffer.from(greedy.heard).includes("and on"));
  expect(greedy.heard.length).toBeLessThan(1000);
  expect(warned).toHaveBeenCalled();
  warned.mockRestore();
});

test("what is retained is bounded, and room is made by taking away", () => {
  const limit = createRetainedLimit();
  const megabyte = 1 << 20;
  let kept = 0;
  while (limit.objection(`topic${kept}`, megabyte) === undefined) kept++;
  expect(kept).toBeWithin(100, 200);
  // What is there already may be said anew, and taken away; then there is room for one.
  expect(limit.objection("topic0", megabyte)).toBeUndefined();
  expect(limit.objection("topic0", 0)).toBeUndefined();
  expect(limit.objection("another", megabyte)).toBeUndefined();
  expect(limit.objection("one more", megabyte)).toMatch(/^more than \d+ bytes/);
});
