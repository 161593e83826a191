/** A scan over a broker, as its operators run it: the broker, the server with its files, and that each ends well. */
import { expect } from "bun:test";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
  fitsDoneIn,
  freePort,
  listens,
  manifestIn,
  mapIn,
  type Running,
  simulatedEvent,
  skyscan,
  until,
} from "./programs.ts";

type Args = readonly (string | number)[];
type Environment = Readonly<Record<string, string>>;

/** Waits until something is so; throws what a process said when it ends before. */
export const untilOf = (run: Running, what: string, isSo: () => boolean | Promise<boolean>) =>
  until(what, async () => {
    if (run.process.exitCode !== null) throw new Error((await run.exited).stderr);
    return await isSo();
  });

export interface Broker extends Running {
  readonly port: number;
  /** 127.0.0.1 and its port. */
  readonly url: string;
}

/** Starts the embedded broker as a process, and waits until it listens. */
export async function openBroker(args: Args = [], env: Environment = {}): Promise<Broker> {
  const port = await freePort();
  const run = skyscan(["broker", "--port", port, ...args], env);
  await untilOf(run, "the broker", () => listens(port));
  return { ...run, port, url: `127.0.0.1:${port}` };
}

export interface Server extends Running {
  /** Its startup.json, and the basename for clients that are given none. */
  readonly startup: string;
  readonly basename: string;
  readonly fitsDone: () => number;
  readonly manifest: () => ReturnType<typeof manifestIn>;
  readonly map: () => Buffer;
}

/** Starts a server of the repository's own alert, all of whose files lie below a folder, and waits until clients can come. */
export async function openServer(folder: string, args: Args, env: Environment = {}) {
  const [parts, output] = [join(folder, "startup"), join(folder, "out")];
  rmSync(parts, { recursive: true, force: true });
  const run = skyscan(
    [
      ...["server", "--event-file", simulatedEvent, "--cache-dir", join(folder, "cache")],
      ...["--output-dir", output, "--startup-json-dir", parts, ...args],
    ],
    { SKYSCAN_PROGRESS_INTERVAL_SEC: "0.2", ...env },
  );
  const startup = join(parts, "startup.json");
  await untilOf(run, startup, () => existsSync(startup));
  const server: Server = {
    ...{ ...run, startup, basename: readFileSync(join(parts, "mq-basename.txt"), "utf8") },
    fitsDone: () => fitsDoneIn(output),
    manifest: () => manifestIn(output),
    map: () => mapIn(output),
  };
  return server;
}

/** Waits for one that must end well; what it said is shown where it does not. */
export async function endsWell({ exited }: Pick<Running, "exited">) {
  const end = await exited;
  expect({ code: end.code, stderr: end.code === 0 ? "" : end.stderr }).toEqual({
    code: 0,
    stderr: "",
  });
  return end;
}
