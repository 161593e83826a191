import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { parseAddress } from "../../src/mq/address.ts";
import { type EmbeddedBroker, startBroker } from "../../src/mq/broker.ts";
import { type Connection, connect } from "../../src/mq/connection.ts";
import { maxMessageSize } from "../../src/mq/messages.ts";
import { newClientId } from "../../src/mq/topics.ts";
import { startCable } from "../cable.ts";
import { freePort, skyscan, stopAll, until } from "../programs.ts";

const open: (Connection | EmbeddedBroker)[] = [];
afterEach(async () => {
  for (const item of open.splice(0).reverse()) await item.close();
  await stopAll();
});

async function party(
  port: number,
  subscriptions: readonly string[],
  options: { authToken?: string; will?: { topic: string; payload: object } } = {},
) {
  const heard: [string, string][] = [];
  let connects = 0;
  const { authToken, will } = options;
  const connection = await connect(
    parseAddress(`127.0.0.1:${port}`, authToken === undefined ? {} : { authToken }),
    { clientId: newClientId(), subscriptions, patience: 30, ...(will && { will }) },
    {
      onMessage: (topic, payload) => void heard.push([topic, Buffer.from(payload).toString()]),
      onConnect: () => connects++,
    },
  );
  open.push(connection);
  return { connection, heard, connects: () => connects };
}

async function broker(options: { authToken?: string; port?: number } = {}) {
  const started = await startBroker({ host: "127.0.0.1", port: 0, ...options });
  open.push(started);
  return started;
}

/** MQTT 3.1.1's first packet: clean session, keep-alive 60 s, client id "raw". */
const CONNECT = Buffer.from("\x10\x0f\0\x04MQTT\x04\x02\0\x3c\0\x03raw", "latin1");

/** A bare connection. */
const connected = (port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = createConnection(port, "127.0.0.1", () => resolve(socket));
    socket.on("error", reject);
  });

/** Memory of a process, MB. */
const residentMb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1024;

describe("the embedded broker", () => {
  test("carries messages, keeps the retained ones for late comers", async () => {
    const { port } = await broker();
    const a = await party(port, ["skyscan/s/#"]);
    a.connection.publish("skyscan/s/control", { state: "open" }, { retain: true });
    a.connection.publish("skyscan/s/result", { n: 1 });
    await until("both", () => a.heard.length === 2);
    const b = await party(port, ["skyscan/s/control", "skyscan/s/result"]);
    await until("the retained one", () => b.heard.length === 1);
    expect(b.heard).toEqual([["skyscan/s/control", '{"state":"open"}']]);
  });

  test("sends the will of a connection that dies, and none of one that says goodbye", async () => {
    const { port } = await broker();
    const watcher = await party(port, ["skyscan/s/client/+/status"]);
    const module = new URL("../../src/mq/connection.ts", import.meta.url).pathname;
    const code = `
      const { connect } = await import(${JSON.stringify(module)});
      await connect({ protocol: "mqtt", host: "127.0.0.1", port: ${port}, path: "/" },
        { clientId: "victim", subscriptions: [], patience: 5,
          will: { topic: "skyscan/s/client/victim/status", payload: { state: "gone" } } },
        { onMessage() {} });
      process.stdout.write("connected");
      await new Promise(() => {});`;
    const victim = Bun.spawn([process.execPath, "-e", code], { stdout: "pipe" });
    await victim.stdout.getReader().read();
    const polite = await party(port, [], {
      will: { topic: "skyscan/s/client/polite/status", payload: { state: "gone" } },
    });
    await polite.connection.close();
    victim.kill("SIGKILL");
    await until("the will", () => watcher.heard.length > 0);
    expect(watcher.heard).toEqual([["skyscan/s/client/victim/status", '{"state":"gone"}']]);
  });

  test("asks for its token", async () => {
    const { port } = await broker({ authToken: "right" });
    expect(party(port, [])).rejects.toThrow(/refuses us/);
    expect(party(port, [], { authToken: "wrong" })).rejects.toThrow(/refuses us/);
    const { connection } = await party(port, [], { authToken: "right" });
    expect(connection.isConnected).toBe(true);
  });

  test("binds beyond this machine with a token only", async () => {
    expect(startBroker({ host: "0.0.0.0", port: 0 })).rejects.toThrow("needs an --auth-token");
  });

  test.each(["#", "skyscan/#", "skyscan/+/control", "other/topic", "$SYS/#"])(
    "lets nobody listen to %s",
    async (topic) => {
      const { port } = await broker();
      expect(party(port, [topic])).rejects.toThrow("refused");
    },
  );

  test("throws out who publishes elsewhere or too much", async () => {
    const { port } = await broker();
    const watcher = await party(port, ["skyscan/s/#"]);
    const a = await party(port, []);
    a.connection.publish("elsewhere", "x");
    await until("being thrown out", () => a.connects() > 1 || !a.connection.isConnected);
    const b = await party(port, []);
    b.connection.publish("skyscan/s/result", "x".repeat(2 * maxMessageSize));
    await until("being thrown out", () => b.connects() > 1 || !b.connection.isConnected);
    expect(watcher.heard).toEqual([]);
  });

  test.each([
    ["greeting first", true],
    ["without a greeting", false],
  ])("lets nobody announce 200 MB and keeps none of them: %s", async (_name, greets) => {
    const port = await freePort();
    const run = skyscan(["broker", "--port", port]);
    const { pid } = run.process;
    const socket = await until("the broker", () => connected(port).catch(() => undefined));
    if (greets) {
      socket.write(CONNECT);
      await new Promise((resolve) => socket.once("data", resolve));
    }
    const before = residentMb(pid);
    // PUBLISH, 200 000 000 bytes; the header byte by byte.
    for (const byte of [0x30, 0x80, 0x84, 0xaf, 0x5f]) {
      await new Promise((resolve) => socket.write(Uint8Array.of(byte), resolve));
      await Bun.sleep(1);
    }
    let sent = 0;
    const block = new Uint8Array(64 << 10);
    while (!socket.destroyed && sent < 100e6) {
      await new Promise((resolve) => socket.write(block, resolve));
      sent += block.length;
    }
    expect(socket.destroyed).toBe(true);
    expect(residentMb(pid) - before).toBeLessThan(20);
    run.process.kill("SIGTERM");
    const { stderr } = await run.exited;
    const told = stderr.split("\n").filter((line) => line.includes("thrown out"));
    const why = greets
      ? "announced a packet of 200000000 bytes"
      : "greeted in no language of MQTT's";
    expect(told).toEqual([expect.stringMatching(new RegExp(`127\\.0\\.0\\.1:\\d+ ${why}`))]);
  });

  test("a port in use is a broker error", async () => {
    const { port } = await broker();
    expect(startBroker({ host: "127.0.0.1", port })).rejects.toThrow(`127.0.0.1:${port}`);
  });
});

describe("a connection", () => {
  test("nobody there: says where and why", async () => {
    const port = await freePort();
    const code = `
      import { parseAddress } from ${JSON.stringify(new URL("../../src/mq/address.ts", import.meta.url).pathname)};
      import { connect } from ${JSON.stringify(new URL("../../src/mq/connection.ts", import.meta.url).pathname)};
      try { await connect(parseAddress("127.0.0.1:${port}"), { clientId: "a", subscriptions: [], patience: 1 }, { onMessage() {} }); }
      catch (error) { console.log(error.exitCode, error.message); process.exit(); }`;
    const run = Bun.spawn([process.execPath, "-e", code], { stdout: "pipe", stderr: "pipe" });
    const [text, warnings] = await Promise.all([
      new Response(run.stdout).text(),
      new Response(run.stderr).text(),
    ]);
    expect(text).toMatch(
      new RegExp(`^3 cannot reach the broker mqtt://127.0.0.1:${port}: .*REFUSED`),
    );
    expect(warnings).toBe("");
  }, 20_000);

  test("mends itself when the broker comes back without its memory", async () => {
    const port = await freePort();
    const first = await startBroker({ host: "127.0.0.1", port });
    const a = await party(port, ["skyscan/s/#"]);
    const cable = await startCable(port);
    const b = await party(cable.port, []);
    await first.close();
    await until("the loss", () => !a.connection.isConnected && !b.connection.isConnected);
    b.connection.publish("skyscan/s/result", { sent: "while away" });
    // A broker without memory keeps nothing for whoever has not come back: the listener must be there first.
    cable.close();
    open.unshift(await startBroker({ host: "127.0.0.1", port }));
    await until("the listener back", () => a.connects() === 2);
    const again = await startCable(port, cable.port);
    await until("the speaker back", () => b.connects() === 2);
    again.close();
    b.connection.publish("skyscan/s/result", { sent: "after" });
    await until("the message", () => a.heard.some(([, text]) => text.includes("after")));
    const sent = a.heard.filter(([topic]) => topic === "skyscan/s/result");
    expect(sent.map(([, text]) => JSON.parse(text))).toEqual([
      { sent: "while away" },
      { sent: "after" },
    ]);
  });
});
