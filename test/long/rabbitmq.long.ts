import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
  fitsDoneIn,
  mapIn,
  simulatedEvent,
  skyscan,
  stopAll,
  temporaryDirectory,
  until,
} from "../programs.ts";
import { hasRabbit, rabbitToken, startRabbit } from "../rabbit.ts";

const directory = temporaryDirectory();
afterAll(async () => {
  await stopAll();
  rmSync(directory, { recursive: true, force: true });
});

describe.skipIf(!hasRabbit)("over RabbitMQ's MQTT plugin", () => {
  test("a client is killed, the map is the same", async () => {
    const rabbit = await startRabbit();
    const env = { SKYSCAN_AUTH_TOKEN: rabbitToken, SKYSCAN_PROGRESS_INTERVAL_SEC: "0.5" };
    const common = ["--reco-algo", "dummy", "--seed", 5, "--nsides", "2:0", "8:12"];
    const calm = skyscan(["scan", simulatedEvent, ...common, "-o", join(directory, "calm")], {
      SKYSCAN_DUMMY_SECONDS: "0,0",
    });
    expect((await calm.exited).code).toBe(0);
    const url = `mqtt://127.0.0.1:${rabbit.mqttPort}`;
    const server = skyscan(
      [
        ...["server", "-e", simulatedEvent, ...common, "--broker", url],
        ...["-c", join(directory, "cache"), "-o", join(directory, "out")],
        ...["--startup-json-dir", join(directory, "startup")],
      ],
      env,
    );
    server.exited.then(({ code, stderr }) => {
      if (code !== 0) console.error(stderr);
    });
    const startup = join(directory, "startup", "startup.json");
    await until("startup.json", () => existsSync(startup) || server.process.exitCode !== null);
    const basename = readFileSync(join(directory, "startup", "mq-basename.txt"), "utf8");
    const slow = { ...env, SKYSCAN_DUMMY_SECONDS: "0.05,0.1" };
    const victim = skyscan(["client", "--broker", url, "--startup-json", startup], slow);
    // This one gets the event over the broker.
    const other = skyscan(["client", "--broker", url, "--mq-basename", basename], slow);
    await until("some fits", () => fitsDoneIn(join(directory, "out")) > 20);
    victim.process.kill("SIGKILL");
    expect((await server.exited).code).toBe(0);
    expect((await other.exited).code).toBe(0);
    expect(mapIn(join(directory, "out")).equals(mapIn(join(directory, "calm")))).toBe(true);
    await rabbit.stop();
  }, 300_000);
});
