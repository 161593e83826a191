import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Subprocess } from "bun";
import type { LoadClientsOptions, LoadProgress } from "./load_clients.ts";
import {
  type Running,
  simulatedEvent,
  skyscan,
  startMosquitto,
  temporaryDirectory,
  until,
} from "./programs.ts";

export interface LoadOptions {
  /** The server's algorithm: how many fits a task stands for, and what their results free. Nobody fits anything. */
  readonly algorithm: "dummy" | "splinempe";
  readonly clients: number;
  /** Pixels of the one stage: 12 nside². */
  readonly nside: number;
  /** How long a simulated client takes over its task, s: from and to. */
  readonly fitSeconds: readonly [number, number];
  /** Tasks a client holds. */
  readonly want: number;
}

/** CPU time each process spends on a result, µs. */
export interface LoadCosts {
  readonly server: number;
  readonly broker: number;
  readonly clients: number;
}

export interface LoadOutcome {
  readonly results: number;
  readonly resultsPerSecond: number;
  /** From sending a result to having the next task, ms. */
  readonly p50: number;
  readonly p99: number;
  readonly serverMemoryMb: number;
  /** Over the first and the last third of the scan. */
  readonly early: LoadCosts;
  readonly late: LoadCosts;
}

/** CPU time (s) and memory (MB, the most so far) of a process. */
function usageOf(pid: number): { cpu: number; memory: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  // utime and stime, in ticks of 10 ms.
  const cpu = (Number(fields[11]) + Number(fields[12])) / 100;
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return { cpu, memory: Number(/VmHWM:\s+(\d+)/.exec(status)![1]) / 1024 };
}

/** Where the server, the broker and the clients were when so many results had been sent. */
interface Mark {
  readonly done: number;
  /** CPU time so far, s. */
  readonly cpu: LoadCosts;
}

/** What each result has cost from one share of the scan to another. */
function costs(marks: readonly Mark[], total: number, from: number, to: number): LoadCosts {
  const inside = marks.filter(({ done }) => done >= from * total && done <= to * total);
  const [first, last] = [inside[0], inside.at(-1)];
  const each = (of: keyof LoadCosts) =>
    (1e6 * (last!.cpu[of] - first!.cpu[of])) / (last!.done - first!.done);
  if (first === undefined || last === undefined || last.done === first.done)
    return { server: Number.NaN, broker: Number.NaN, clients: Number.NaN };
  return { server: each("server"), broker: each("broker"), clients: each("clients") };
}

/**
 * Many simulated clients (a process of their own, no fits) on one Mosquitto and one server: every result is a message
 * of its own, as with slow fits on many machines.
 */
export async function runLoad({ algorithm, nside, ...load }: LoadOptions): Promise<LoadOutcome> {
  const directory = temporaryDirectory();
  const broker = await startMosquitto();
  let server: Running | undefined;
  let clients: Subprocess | undefined;
  try {
    server = skyscan([
      ...["server", "--reco-algo", algorithm, "--seed", 3, "-e", simulatedEvent],
      ...["--nsides", `${nside}:0`, "--broker", `127.0.0.1:${broker.port}`],
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
    const marks: Mark[] = [];
    let memory = 0;
    const over = Promise.withResolvers<LoadProgress>();
    clients = Bun.spawn({
      cmd: [
        ...[process.execPath, join(import.meta.dir, "load_clients.ts")],
        JSON.stringify({ ...load, basename, port: broker.port } satisfies LoadClientsOptions),
      ],
      stdio: ["ignore", "inherit", "inherit"],
      ipc(progress: LoadProgress, process_) {
        if (progress.isOver) return over.resolve(progress);
        const [ofServer, ofBroker, ofClients] = [pid, broker.pid, process_.pid].map(usageOf);
        memory = Math.max(memory, ofServer!.memory);
        marks.push({
          done: progress.results,
          cpu: { server: ofServer!.cpu, broker: ofBroker!.cpu, clients: ofClients!.cpu },
        });
      },
    });
    const ended = (which: string) => (outcome: unknown) =>
      over.reject(new Error(`the ${which} ended: ${JSON.stringify(outcome)}`));
    clients.exited.then(ended("clients"));
    server.exited.then(ended("server"));
    const { results, seconds, p50, p99 } = await over.promise;
    const total = 12 * nside ** 2;
    return {
      ...{ results, resultsPerSecond: results / seconds, p50, p99, serverMemoryMb: memory },
      early: costs(marks, total, 0.1, 0.4),
      late: costs(marks, total, 0.6, 0.9),
    };
  } finally {
    server?.process.kill("SIGKILL");
    clients?.kill("SIGKILL");
    await broker.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}
