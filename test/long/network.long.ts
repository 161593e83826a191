import { describe, expect, test } from "bun:test";

import { createServer, connect as openSocket, type Socket } from "node:net";
import { join } from "node:path";
import { endsWell, openServer } from "../distributed.ts";
import { testFolder } from "../folder.ts";
import {
  freePort,
  hasMosquitto,
  mapIn,
  simulatedEvent,
  skyscan,
  startMosquitto,
  until,
} from "../programs.ts";

const directory = testFolder();

/** Passes bytes on, until it is cut: then it swallows them, and says nothing, as a dead network does. */
async function startCable(target: number) {
  const port = await freePort();
  const ends = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) return;
    const far = openSocket(target, "127.0.0.1");
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      ends.add(from);
      from.on("data", (bytes) => {
        if (!isCut) to.write(bytes);
      });
      from.on("error", () => {});
      from.on("close", () => to.destroy());
    }
  });
  await new Promise<void>((done) => server.listen(port, "127.0.0.1", done));
  return {
    port,
    cut() {
      isCut = true;
    },
    /** New connections pass again; the old ones stay dead, as after a router's restart. */
    mend() {
      for (const end of ends) end.destroy();
      ends.clear();
      isCut = false;
    },
    close: () => server.close(),
  };
}

describe.skipIf(!hasMosquitto)("a network cut for a minute", () => {
  test("the scan goes on to the same map", async () => {
    const broker = await startMosquitto();
    const cable = await startCable(broker.port);
    const common = ["--reco-algo", "dummy", "--seed", 5, "--nsides", "2:0", "8:12"];
    const calm = ["scan", simulatedEvent, ...common, "-o", join(directory, "calm")];
    await endsWell(skyscan(calm, { SKYSCAN_DUMMY_SECONDS: "0,0" }));
    const url = `127.0.0.1:${cable.port}`;
    const server = await openServer(directory, [...common, "--broker", url]);
    const { startup } = server;
    // One client loses the network, one (and the broker) does not.
    const dummySeconds = { SKYSCAN_DUMMY_SECONDS: "0.1,0.2" };
    const cutOff = skyscan(["client", "--broker", url, "--startup-json", startup], dummySeconds);
    const straight = skyscan(
      [
        "client",
        "--broker",
        `127.0.0.1:${broker.port}`,
        "--startup-json",
        startup,
        "--timeout-to-clients",
        300,
      ],
      dummySeconds,
    );
    await until("some fits", () => server.fitsDone() > 20);
    cable.cut();
    await Bun.sleep(60_000);
    cable.mend();
    for (const one of [server, cutOff, straight]) await endsWell(one);
    expect(server.map().equals(mapIn(join(directory, "calm")))).toBe(true);
    cable.close();
    await broker.stop();
  }, 400_000);
});
