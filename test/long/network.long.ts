import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { startCable } from "../cable.ts";
import { endsWell, openServer } from "../distributed.ts";
import { testFolder } from "../folder.ts";
import {
  hasMosquitto,
  mapIn,
  simulatedEvent,
  skyscan,
  startMosquitto,
  until,
} from "../programs.ts";

const directory = testFolder();

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
