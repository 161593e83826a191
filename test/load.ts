import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import mqtt, { type MqttClient } from "mqtt";
import { protocolVersion } from "../src/mq/messages.ts";
import { topicsOf } from "../src/mq/topics.ts";
import {
  type Running,
  simulatedEvent,
  skyscan,
  startMosquitto,
  temporaryDirectory,
  until,
} from "./programs.ts";

export interface LoadOptions {
  readonly clients: number;
  /** Pixels of the one stage: 12 nside². */
  readonly nside: number;
  /** How long a simulated client takes over its task, s: from and to. */
  readonly fitSeconds: readonly [number, number];
  /** Tasks a client holds. */
  readonly want: number;
}

export interface LoadOutcome {
  readonly results: number;
  readonly resultsPerSecond: number;
  /** From sending a result to having the next task, ms. */
  readonly p50: number;
  readonly p99: number;
  readonly serverMemoryMb: number;
  /** CPU time of the server per result, µs: over the first and the last third of the scan. */
  readonly earlyCost: number;
  readonly lateCost: number;
}

/** CPU time (s) and memory (MB, the most so far) of a process. */
function usageOf(pid: number): { cpu: number; memory: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  // utime and stime, in ticks of 10 ms.
  const cpu = (Number(fields[11]) + Number(fields[12])) / 100;
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return { cpu, memory: Number(/VmHWM:\s+(\d+)/.exec(status)![1]) / 1024 };
}

/**
 * Many simulated clients (connections of this process, no fits) on one Mosquitto and one server: every result
 * is a message of its own, as with slow fits on many machines.
 */
export async function runLoad(options: LoadOptions): Promise<LoadOutcome> {
  const directory = temporaryDirectory();
  const broker = await startMosquitto();
  const connections: MqttClient[] = [];
  let server: Running | undefined;
  try {
    server = skyscan([
      ...["server", "--reco-algo", "dummy", "--seed", 3, "-e", simulatedEvent],
      ...["--nsides", `${options.nside}:0`, "--broker", `127.0.0.1:${broker.port}`],
      ...["-c", join(directory, "cache"), "-o", join(directory, "out")],
      ...["--startup-json-dir", join(directory, "startup")],
    ]);
    const { pid } = server.process;
    const basename = await until("the basename", () => {
      try {
        return readFileSync(join(directory, "startup", "mq-basename.txt"), "utf8");
      } catch {
        return undefined;
      }
    });
    const topics = topicsOf(basename);
    const total = 12 * options.nside ** 2;
    const waits: number[] = [];
    const marks: { done: number; cpu: number }[] = [];
    let results = 0;
    const [shortest, longest] = options.fitSeconds;
    const over = Promise.withResolvers<void>();

    const simulate = async (n: number) => {
      const id = `load${n}`;
      const client = mqtt.connect({
        ...{ protocol: "mqtt", host: "127.0.0.1", port: broker.port, clientId: id },
        ...{ protocolVersion: 4, keepalive: 60 },
      });
      connections.push(client);
      let sentAt = 0;
      const answer = (tasks: number[][], session: number) => {
        const [first, ...rest] = tasks;
        if (first === undefined) return;
        const seconds = shortest + Math.random() * (longest - shortest);
        setTimeout(() => {
          const values = [first[2]! % 1000, 1, 2, 3, 4, 5, 6, 7];
          const done = [...first.slice(0, 6), ...values, seconds, 40, null, null, null];
          sentAt = performance.now();
          results++;
          const message = {
            client: id,
            session,
            want: options.want,
            results: [done],
            failures: [],
          };
          client.publish(topics.result, JSON.stringify(message), { qos: 1 });
          answer(rest, session);
        }, seconds * 1000);
      };
      client.on("message", (topic, payload) => {
        if (topic === topics.control) {
          if (JSON.parse(payload.toString()).state !== "open") over.resolve();
          return;
        }
        if (sentAt > 0) waits.push(performance.now() - sentAt);
        sentAt = 0;
        const { tasks, session } = JSON.parse(payload.toString());
        answer(tasks, session);
      });
      await new Promise((done) => client.once("connect", done));
      await client.subscribeAsync([topics.task(id), ...(n === 0 ? [topics.control] : [])], {
        qos: 1,
      });
      return () =>
        client.publish(
          topics.status(id),
          JSON.stringify({
            ...{
              protocol: protocolVersion,
              state: "ready",
              version: "load",
              host: "load",
              workers: 1,
            },
            ...{ want: options.want, light: null, session: 0 },
          }),
          { qos: 1 },
        );
    };
    const starters: (() => void)[] = [];
    for (let n = 0; n < options.clients; n += 50)
      starters.push(
        ...(await Promise.all(
          Array.from({ length: Math.min(50, options.clients - n) }, (_, k) => simulate(n + k)),
        )),
      );
    const began = performance.now();
    for (const begin of starters) begin();
    const sampling = setInterval(() => {
      marks.push({ done: results, cpu: usageOf(pid).cpu });
    }, 250);
    let memory = 0;
    const memorySampling = setInterval(() => {
      memory = Math.max(memory, usageOf(pid).memory);
    }, 500);
    await Promise.race([over.promise, server.exited.then(() => {})]);
    clearInterval(sampling);
    clearInterval(memorySampling);
    const seconds = (performance.now() - began) / 1000;
    const cost = (from: number, to: number) => {
      const inside = marks.filter(({ done }) => done >= from * total && done <= to * total);
      const [first, last] = [inside[0], inside.at(-1)];
      if (first === undefined || last === undefined || last.done === first.done) return Number.NaN;
      return (1e6 * (last.cpu - first.cpu)) / (last.done - first.done);
    };
    waits.sort((a, b) => a - b);
    return {
      results,
      resultsPerSecond: results / seconds,
      p50: waits[Math.floor(waits.length * 0.5)] ?? Number.NaN,
      p99: waits[Math.floor(waits.length * 0.99)] ?? Number.NaN,
      serverMemoryMb: memory,
      earlyCost: cost(0.1, 0.4),
      lateCost: cost(0.6, 0.9),
    };
  } finally {
    server?.process.kill("SIGKILL");
    for (const client of connections) client.end(true);
    await broker.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}
