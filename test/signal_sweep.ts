/** Signals at any moment of any subcommand's life. */

import { expect } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { startBroker } from "../src/mq/broker.ts";
import { program, simulatedEvent, skyscan, temporaryDirectory, until } from "./programs.ts";

/** STOP: and CONT after it, then TERM. */
export const signals = ["TERM", "INT", "HUP", "STOP"] as const;
export type Sent = (typeof signals)[number];

/** Within so long every process has to be gone, s: the kindest batch systems kill after it. */
const deadline = 10;

const slow = { SKYSCAN_DUMMY_SECONDS: "0.5,0.5" };

/** A scan that goes on for as long as the sweep, its broker, and what the subcommands are started with. */
export async function openStage() {
  const folder = temporaryDirectory();
  const broker = await startBroker({ host: "127.0.0.1", port: 0 });
  const url = `127.0.0.1:${broker.port}`;
  let number = 0;
  const fresh = (name: string) => join(folder, `${name}${number++}`);
  const serverArgs = (startup: string) => [
    ...["server", "--reco-algo", "dummy", "-e", simulatedEvent, "--nsides", "4:0", "-b", url],
    ...["-c", fresh("cache"), "-o", fresh("out"), "--startup-json-dir", startup],
  ];
  const startup = fresh("startup");
  const server = skyscan(serverArgs(startup), slow);
  await until("the server", () => existsSync(join(startup, "startup.json")));
  const basename = readFileSync(join(startup, "mq-basename.txt"), "utf8");
  const fifo = join(folder, "fifo");
  spawnSync("mkfifo", [fifo]);
  const named = ["-b", url, "--mq-basename", basename];
  const scan = ["--reco-algo", "dummy", "--nsides", "1:0", "--workers", "1"];
  const subcommands: Record<string, () => (string | number)[]> = {
    scan: () => ["scan", simulatedEvent, ...scan, "-o", fresh("out")],
    "scan of a pipe nobody writes to": () => ["scan", fifo, ...scan, "-o", fresh("out")],
    server: () => serverArgs(fresh("startup")),
    client: () => ["client", ...named],
    broker: () => ["broker", "--port", 0],
    status: () => ["status", ...named, "--follow"],
    "reco that waits for lines": () => ["reco", simulatedEvent, "-a", "dummy", "--jsonl"],
    "event of a pipe nobody writes to": () => ["event", fifo],
  };
  const started = performance.now();
  await skyscan(["--version"]).exited;
  return {
    subcommands: Object.keys(subcommands),
    /** What loading the program takes here and now, ms. */
    loading: performance.now() - started,
    /** Sends one signal so many ms after a subcommand's start, and expects its end. */
    async send(subcommand: string, signal: Sent, ms: number): Promise<void> {
      const process_ = Bun.spawn([...program, ...subcommands[subcommand]!().map(String)], {
        stdin: "pipe",
        stdout: "ignore",
        stderr: "ignore",
        env: { ...process.env, ...slow },
      });
      await Bun.sleep(ms);
      process_.kill(`SIG${signal}`);
      if (signal === "STOP") {
        await Bun.sleep(100);
        process_.kill("SIGCONT");
        process_.kill("SIGTERM");
      }
      const ended = await Promise.race([process_.exited, Bun.sleep(1000 * deadline)]);
      process_.kill("SIGKILL");
      const how = ended === undefined ? `alive after ${deadline} s` : "ended";
      expect(`${subcommand}, ${signal} after ${ms} ms: ${how}`).toEndWith(": ended");
      // Interrupted, or ended by the signal before there was anything to save (Bun.spawn: 128 and its number).
      expect([0, 130, 129, 143]).toContain(ended as number);
    },
    async close() {
      server.process.kill("SIGKILL");
      await server.exited;
      await broker.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
