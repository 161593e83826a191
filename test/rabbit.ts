/** A RabbitMQ of a test's own: node, port mapper and ports on loopback, nothing of it left behind. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, listens, type Running, start, temporaryDirectory, until } from "./programs.ts";

const server = "/usr/lib/rabbitmq/bin/rabbitmq-server";
export const hasRabbit = existsSync(server);
if (!hasRabbit) console.warn("skipped, needs Debian's rabbitmq-server: tests over RabbitMQ");

export const rabbitUser = "skyscan";
export const rabbitToken = "a-token";

export interface Rabbit {
  readonly amqpPort: number;
  readonly mqttPort: number;
  /** Ends it, and starts it anew on the same ports with the same queues. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function startRabbit(): Promise<Rabbit> {
  const home = temporaryDirectory();
  const [mqttPort, amqpPort] = [await freePort(), await freePort()];
  const [distPort, epmdPort] = [await freePort(), await freePort()];
  const path = (...names: string[]) => join(home, ...names);
  mkdirSync(path("mnesia"));
  writeFileSync(path("enabled_plugins"), "[rabbitmq_mqtt].\n");
  const settings = [
    `listeners.tcp.local = 127.0.0.1:${amqpPort}`,
    `mqtt.listeners.tcp.local = 127.0.0.1:${mqttPort}`,
    "mqtt.allow_anonymous = false",
    `default_user = ${rabbitUser}`,
    `default_pass = ${rabbitToken}`,
  ];
  writeFileSync(path("rabbitmq.conf"), `${settings.join("\n")}\n`);
  const env = {
    HOME: home,
    RABBITMQ_NODENAME: `skyscan${amqpPort}@localhost`,
    RABBITMQ_NODE_PORT: `${amqpPort}`,
    RABBITMQ_DIST_PORT: `${distPort}`,
    RABBITMQ_CONFIG_FILE: path("rabbitmq.conf"),
    RABBITMQ_ENABLED_PLUGINS_FILE: path("enabled_plugins"),
    RABBITMQ_MNESIA_BASE: path("mnesia"),
    RABBITMQ_LOG_BASE: path("log"),
    RABBITMQ_PID_FILE: path("pid"),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1}",
    ERL_EPMD_PORT: `${epmdPort}`,
    ERL_EPMD_ADDRESS: "127.0.0.1",
  };
  let running: Running;
  const launch = async () => {
    running = start([server], env);
    let ended: string | undefined;
    running.exited.then(({ stdout, stderr }) => {
      ended = `rabbitmq ended: ${stdout} ${stderr}`;
    });
    for (const port of [amqpPort, mqttPort])
      await until(
        "RabbitMQ to listen",
        async () => {
          if (ended !== undefined) throw new Error(ended);
          return await listens(port);
        },
        120,
      );
  };
  const end = async () => {
    running.process.kill("SIGTERM");
    // On a busy machine its own way down takes longer than a test may: the node, which its script waits for, is then killed.
    const patience = setTimeout(() => {
      const pid = Number(readFileSync(path("pid"), "utf8"));
      if (pid > 0) process.kill(pid, "SIGKILL");
    }, 30_000);
    await running.exited;
    clearTimeout(patience);
  };
  await launch();
  return {
    amqpPort,
    mqttPort,
    async restart() {
      await end();
      await launch();
    },
    async stop() {
      await end();
      // Erlang's port mapper stays behind otherwise.
      spawnSync("epmd", ["-port", `${epmdPort}`, "-kill"]);
      rmSync(home, { recursive: true, force: true });
    },
  };
}
