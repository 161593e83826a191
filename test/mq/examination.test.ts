import { afterEach, describe, expect, test } from "bun:test";

import { type AddressInfo, createConnection, createServer } from "node:net";

import { parseAddress } from "../../src/mq/address.ts";
import { startBroker } from "../../src/mq/broker.ts";
import { examineBroker } from "../../src/mq/examination.ts";
import { newBasename, topicsOf } from "../../src/mq/topics.ts";
import { openServer } from "../distributed.ts";
import { testFolder } from "../folder.ts";
import { hasMosquitto, skyscan, startMosquitto, stopAll } from "../programs.ts";

const folder = testFolder();
afterEach(stopAll);

const examined = (port: number) =>
  examineBroker(parseAddress(`127.0.0.1:${port}`), topicsOf(newBasename()).status("nobody"));

test("the embedded broker carries all there is", async () => {
  const broker = await startBroker({ host: "127.0.0.1", port: 0 });
  expect(await examined(broker.port)).toBeUndefined();
  await broker.close();
});

test("a broker that takes one connection at a time is refused by name", async () => {
  const broker = await startBroker({ host: "127.0.0.1", port: 0 });
  let open = 0;
  const narrow = createServer((socket) => {
    open++;
    socket.on("close", () => open--).on("error", () => {});
    if (open > 1) socket.destroy();
    else
      socket
        .pipe(createConnection(broker.port, "127.0.0.1"))
        .on("error", () => {})
        .pipe(socket);
  });
  await new Promise<void>((done) => narrow.listen(0, "127.0.0.1", done));
  const { port } = narrow.address() as AddressInfo;
  await expect(examined(port)).rejects.toThrow("takes no second connection");
  narrow.close();
  await broker.close();
});

describe.skipIf(!hasMosquitto)("a broker with", () => {
  test.each<[string[], number | undefined]>([
    [[], undefined],
    [["max_packet_size 200000"], undefined],
    [["max_packet_size 100000"], 70_000],
    [["message_size_limit 50000"], 35_000],
    [["max_packet_size 6000"], 4_400],
  ])("%p takes so much: %p", async (settings, longest) => {
    const { port } = await startMosquitto(["allow_anonymous true", ...settings]);
    expect(await examined(port)).toBe(longest);
  });

  test.each([
    ["max_packet_size 2000", "refuses messages of 4400 bytes"],
    ["retain_available false", "keeps no messages (retained)"],
    ["max_qos 0", "refuses messages of QoS 1"],
  ])("%p is refused by name", async (setting, reason) => {
    const { port } = await startMosquitto(["allow_anonymous true", setting]);
    await expect(examined(port)).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringContaining(`the broker mqtt://127.0.0.1:${port} ${reason}`),
    });
  });

  test("a limit below our parts carries a scan all the same, and both sides say so", async () => {
    const { port } = await startMosquitto(["allow_anonymous true", "max_packet_size 6000"]);
    const quick = { SKYSCAN_DUMMY_SECONDS: "0,0" };
    const broker = ["-b", `127.0.0.1:${port}`];
    const scan = ["--reco-algo", "dummy", "--nsides", "4:0", "--timeout-from-clients", 30];
    const server = await openServer(folder, [...scan, ...broker], quick);
    const client = ["client", ...broker, "--mq-basename", server.basename];
    const ends = await Promise.all([server.exited, skyscan(client, quick).exited]);
    expect(ends.map(({ code }) => code)).toEqual([0, 0]);
    for (const { stderr } of ends) expect(stderr).toMatch(/the broker .*refuses messages of/);
  });
});
