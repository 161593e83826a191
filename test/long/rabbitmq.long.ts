import { describe, expect, test } from "bun:test";

import { join } from "node:path";
import { endsWell, openServer } from "../distributed.ts";
import { testFolder } from "../folder.ts";
import { mapIn, simulatedEvent, skyscan, until } from "../programs.ts";
import { hasRabbit, rabbitToken, startRabbit } from "../rabbit.ts";

const directory = testFolder();

describe.skipIf(!hasRabbit)("over RabbitMQ's MQTT plugin", () => {
  test("a client is killed, the map is the same", async () => {
    const rabbit = await startRabbit();
    const env = { SKYSCAN_AUTH_TOKEN: rabbitToken };
    const common = ["--reco-algo", "dummy", "--seed", 5, "--nsides", "2:0", "8:12"];
    const calm = ["scan", simulatedEvent, ...common, "-o", join(directory, "calm")];
    await endsWell(skyscan(calm, { SKYSCAN_DUMMY_SECONDS: "0,0" }));
    const url = `mqtt://127.0.0.1:${rabbit.mqttPort}`;
    const server = await openServer(directory, [...common, "--broker", url], env);
    const { startup, basename } = server;
    const slow = { ...env, SKYSCAN_DUMMY_SECONDS: "0.05,0.1" };
    const victim = skyscan(["client", "--broker", url, "--startup-json", startup], slow);
    // This one gets the event over the broker.
    const other = skyscan(["client", "--broker", url, "--mq-basename", basename], slow);
    await until("some fits", () => server.fitsDone() > 20);
    victim.process.kill("SIGKILL");
    await endsWell(server);
    await endsWell(other);
    expect(server.map().equals(mapIn(join(directory, "calm")))).toBe(true);
    await rabbit.stop();
  }, 300_000);
});
