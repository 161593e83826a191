import { afterAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  fitsDoneIn,
  freePort,
  listens,
  mapIn,
  simulatedEvent,
  skyscan,
  start,
  stopAll,
  temporaryDirectory,
  until,
} from "../programs.ts";

const rabbit = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const hasRabbit = existsSync(rabbit);
if (!hasRabbit)
  console.warn("skipped, needs Debian's rabbitmq-server: scan over RabbitMQ's MQTT plugin");

const directory = temporaryDirectory();
afterAll(async () => {
  await stopAll();
  rmSync(directory, { recursive: true, force: true });
});

describe.skipIf(!hasRabbit)("over RabbitMQ's MQTT plugin", () => {
  test("a client is killed, the map is the same", async () => {
    const [mqttPort, amqpPort, distPort] = [await freePort(), await freePort(), await freePort()];
    const epmdPort = await freePort();
    const home = join(directory, "rabbit");
    mkdirSync(home);
    writeFileSync(join(home, "enabled_plugins"), "[rabbitmq_mqtt].\n");
    writeFileSync(
      join(home, "rabbitmq.conf"),
      [
        `listeners.tcp.local = 127.0.0.1:${amqpPort}`,
        `mqtt.listeners.tcp.local = 127.0.0.1:${mqttPort}`,
        "mqtt.allow_anonymous = false",
        "default_user = skyscan",
        "default_pass = a-token",
        "",
      ].join("\n"),
    );
    const broker = start([rabbit], {
      HOME: home,
      RABBITMQ_NODENAME: `skyscan${mqttPort}@localhost`,
      RABBITMQ_NODE_PORT: `${amqpPort}`,
      RABBITMQ_DIST_PORT: `${distPort}`,
      RABBITMQ_CONFIG_FILE: join(home, "rabbitmq.conf"),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(home, "enabled_plugins"),
      RABBITMQ_MNESIA_BASE: join(home, "mnesia"),
      RABBITMQ_LOG_BASE: join(home, "log"),
      RABBITMQ_PID_FILE: join(home, "pid"),
      ERL_EPMD_PORT: `${epmdPort}`,
    });
    let ended: string | undefined;
    broker.exited.then(({ stdout, stderr }) => {
      ended = `rabbitmq ended: ${stdout} ${stderr}`;
    });
    await until(
      "RabbitMQ to listen",
      async () => {
        if (ended !== undefined) throw new Error(ended);
        return await listens(mqttPort);
      },
      120,
    );
    const env = { SKYSCAN_AUTH_TOKEN: "a-token", SKYSCAN_PROGRESS_INTERVAL_SEC: "0.5" };
    const common = ["--reco-algo", "dummy", "--seed", 5, "--nsides", "2:0", "8:12"];
    const calm = skyscan(["scan", simulatedEvent, ...common, "-o", join(directory, "calm")], {
      SKYSCAN_DUMMY_SECONDS: "0,0",
    });
    expect((await calm.exited).code).toBe(0);
    const url = `mqtt://127.0.0.1:${mqttPort}`;
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
    broker.process.kill("SIGTERM");
    await broker.exited;
    // Erlang's port mapper stays behind otherwise.
    spawnSync("epmd", ["-port", `${epmdPort}`, "-kill"]);
  }, 300_000);
});
