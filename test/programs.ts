import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Subprocess } from "bun";
import { readNpz, writeNpz } from "../src/result/npz.ts";

const repository = resolve(import.meta.dir, "..");

/** The alert that is part of the repository. */
export const simulatedEvent = join(repository, "test/data/simulated_muon.json");

export const fromSource: readonly string[] = [process.execPath, join(repository, "bin/skyscan.ts")];

/** The program: from source, or, SKYSCAN_TEST_PROGRAM, an executable. */
export const program: readonly string[] = process.env.SKYSCAN_TEST_PROGRAM
  ? [process.env.SKYSCAN_TEST_PROGRAM]
  : fromSource;

/** A new directory that any user may enter (Mosquitto drops its privileges). */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "skyscan-test-"));
  chmodSync(directory, 0o755);
  return directory;
}

export interface Running {
  readonly process: Subprocess<"ignore", "pipe", "pipe">;
  readonly exited: Promise<{ code: number; stdout: string; stderr: string }>;
}

const started = new Set<Subprocess>();
/** Folders of the brokers' configurations. */
const configured = new Set<string>();

/** Starts one command; stopAll() ends what is left. */
export function start(
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Running {
  const process_ = Bun.spawn([...command], {
    cwd: tmpdir(),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, ...env },
  });
  started.add(process_);
  const output = Promise.all([
    process_.exited,
    new Response(process_.stdout).text(),
    new Response(process_.stderr).text(),
  ]);
  return {
    process: process_,
    exited: output.then(([code, stdout, stderr]) => {
      started.delete(process_);
      return { code, stdout, stderr };
    }),
  };
}

/** Starts a skyscan subcommand. */
export const skyscan = (
  args: readonly (string | number)[],
  env: Readonly<Record<string, string>> = {},
): Running => start([...program, ...args.map(String)], env);

/** Kills every process a test left behind, and clears up after its brokers. */
export async function stopAll(): Promise<void> {
  const left = [...started];
  for (const process_ of left) process_.kill("SIGKILL");
  await Promise.all(left.map((process_) => process_.exited));
  for (const directory of configured) rmSync(directory, { recursive: true, force: true });
  configured.clear();
}

/** Waits until something is true (looked at often), or throws after `seconds`: so many that only what hangs takes longer. */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  seconds = 100,
): Promise<NonNullable<T>> {
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    const value = await condition();
    if (value) return value;
    await Bun.sleep(20);
  }
  throw new Error(`waited ${seconds} s for ${what}`);
}

/**
 * The one map in an output folder as the bytes of its file: equal maps are equal files, but for the command line and
 * the algorithm by which they were made (crash_dummy's fits are dummy's).
 */
export function mapIn(output: string): Buffer {
  const [name, ...more] = readdirSync(output).filter((file) => file.endsWith(".npz"));
  if (name === undefined || more.length > 0) throw new Error(`${output}: not one map`);
  const path = join(output, name);
  const map = readNpz(readFileSync(path), path);
  const { command_line, reco_algo, ...other } = map.metadata?.other ?? {};
  return Buffer.from(writeNpz({ ...map, metadata: { ...map.metadata, other } }));
}

/** scan-manifest.json of an output folder. */
export const manifestIn = (output: string) =>
  JSON.parse(readFileSync(join(output, "scan-manifest.json"), "utf8"));

/** Fits done, as an output folder tells; 0 before it tells anything. */
export const fitsDoneIn = (output: string): number =>
  existsSync(join(output, "scan-manifest.json")) ? manifestIn(output).progress.recos.done : 0;

/** A TCP port nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

export const mosquittoPath = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"].find(existsSync);
export const hasMosquitto = mosquittoPath !== undefined;
if (!hasMosquitto) console.warn("skipped, needs mosquitto: tests against a real broker");

export interface Mosquitto {
  readonly port: number;
  readonly pid: number;
  /** Kills it and starts it anew on the same port. */
  restart(signal?: NodeJS.Signals): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts a Mosquitto of its own.
 * @param settings lines for its configuration after the listener's; default: anyone may do anything
 */
export async function startMosquitto(
  settings: readonly string[] = ["allow_anonymous true"],
  port?: number,
): Promise<Mosquitto> {
  const chosen = port ?? (await freePort());
  const directory = temporaryDirectory();
  configured.add(directory);
  const file = join(directory, "mosquitto.conf");
  writeFileSync(
    file,
    [
      `listener ${chosen} 127.0.0.1`,
      "max_queued_messages 0",
      "max_inflight_messages 0",
      ...settings,
      "",
    ].join("\n"),
  );
  chmodSync(file, 0o644);
  let running: Running;
  const launch = async () => {
    running = start([mosquittoPath!, "-c", file]);
    const attempt = running;
    let ended: string | undefined;
    attempt.exited.then(({ stderr }) => {
      ended = stderr;
    });
    await until("mosquitto to listen", async () => {
      if (ended !== undefined) throw new Error(`mosquitto: ${ended}`);
      return await listens(chosen);
    });
  };
  await launch();
  return {
    port: chosen,
    get pid() {
      return running.process.pid;
    },
    async restart(signal = "SIGKILL") {
      running.process.kill(signal);
      await running.exited;
      await launch();
    },
    async stop() {
      running.process.kill("SIGKILL");
      await running.exited;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Is somebody there? */
export async function listens(port: number): Promise<boolean> {
  try {
    const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
    socket.end();
    return true;
  } catch {
    return false;
  }
}
