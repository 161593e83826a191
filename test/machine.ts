/** A machine within this one: mounts, processes and network of its own, which end with it. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { type Running, start, until } from "./programs.ts";

/** Own mounts, for root and, where the system lets them, for others. */
export const ownMounts = [
  ["unshare", "--mount"],
  ["unshare", "--map-root-user", "--mount"],
].find(
  ([command, ...args]) =>
    spawnSync(command!, [...args, "mount", "-t", "tmpfs", "tmpfs", "/tmp"]).status === 0,
);
if (ownMounts === undefined)
  console.warn("skipped, needs to mount a tmpfs: tests with a full disk");

const namespaces = ["--mount", "--pid", "--net", "--uts", "--ipc", "--fork", "--kill-child"];

/** Whether this system lets us have one: as root, with leave to mount. */
export const canHaveMachines =
  process.getuid?.() === 0 &&
  spawnSync("unshare", [...namespaces, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).status === 0;

export interface Machine {
  /** Starts a command there, as `user` in `folder`, with nothing in its environment but `env`. */
  start(command: readonly string[], env?: Readonly<Record<string, string>>): Running;
  /** Runs one, and throws unless it ends with 0. @returns its stdout */
  run(command: readonly string[], env?: Readonly<Record<string, string>>): Promise<string>;
  /** The same as root. */
  asRoot(command: readonly string[]): Promise<string>;
  stop(): Promise<void>;
}

/**
 * Starts one.
 * @param boot the script that becomes its first process, and its arguments
 * @param user, folder who runs commands there, and where
 */
export async function startMachine(
  boot: readonly string[],
  { user, folder }: { user: string; folder: string },
): Promise<Machine> {
  const first = start(["unshare", ...namespaces, "--mount-proc", ...boot]);
  const parent = first.process.pid;
  const pid = await until("the machine's first process", () => {
    const children = readFileSync(`/proc/${parent}/task/${parent}/children`, "utf8").trim();
    return children === "" ? undefined : children;
  });
  const enter = ["nsenter", "--target", pid, "--all", "--root", "--wd"];
  const as = ["runuser", "-u", user, "--"];
  const clean = ["env", "-i", "-C", folder, "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/tmp"];
  const machine: Machine = {
    start: (command, env = {}) =>
      start([
        ...enter,
        ...as,
        ...clean,
        ...Object.entries(env).map((pair) => pair.join("=")),
        ...command,
      ]),
    run: (command, env) => outputOf(command, machine.start(command, env)),
    asRoot: (command) => outputOf(command, start([...enter, ...clean, ...command])),
    async stop() {
      // Its first process: all others end with it.
      process.kill(Number(pid), "SIGKILL");
      await first.exited;
    },
  };
  return machine;
}

async function outputOf(command: readonly string[], running: Running): Promise<string> {
  const { code, stdout, stderr } = await running.exited;
  if (code !== 0) throw new Error(`${command.join(" ")}: code ${code}: ${stderr}${stdout}`);
  return stdout;
}
