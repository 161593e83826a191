import { afterAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { simulatedEvent, skyscan, start, stopAll, temporaryDirectory } from "../programs.ts";

/** Only the executable unpacks its native core. */
const executable =
  process.env.SKYSCAN_TEST_PROGRAM ?? resolve(import.meta.dir, "../../dist/skyscan");
const own = [
  ["unshare", "--mount"],
  ["unshare", "--map-root-user", "--mount"],
].find(
  ([command, ...args]) =>
    spawnSync(command!, [...args, "mount", "-t", "tmpfs", "tmpfs", "/tmp"]).status === 0,
);
const isPossible = own !== undefined && existsSync(executable);
if (!isPossible)
  console.warn("skipped, needs dist/skyscan and to mount a tmpfs: tests of TMPDIR on a bad node");

const directory = temporaryDirectory();
afterAll(async () => {
  await stopAll();
  rmSync(directory, { recursive: true, force: true });
});

const complaint = (log: string): string[] =>
  log
    .slice(log.search(/\berror\b/i))
    .split("\n")
    .filter((line) => line.trim() !== "");

describe.skipIf(!isPossible)("a machine where the native core cannot be unpacked", () => {
  test.each([
    ["noexec", "noexec"],
    ["read-only", "ro"],
    ["full", "size=4k"],
  ])(
    "TMPDIR %s: one line, code 6",
    async (name, options) => {
      const place = join(directory, name);
      mkdirSync(place);
      const script = `mount -t tmpfs -o ${options} tmpfs "$TMPDIR" && exec "$@"`;
      const args = ["client", "-b", "127.0.0.1:1", "--mq-basename", "x"];
      const run = start([...own!, "sh", "-c", script, "sh", executable, ...args], {
        TMPDIR: place,
      });
      const { code, stderr } = await run.exited;
      expect({ code, stderr: complaint(stderr) }).toEqual({
        code: 6,
        stderr: [expect.stringContaining("cannot load the native core")],
      });
      expect(complaint(stderr)[0]).toContain("TMPDIR");
    },
    30_000,
  );
});

test("no photon tables on this machine: one line, code 6", async () => {
  const args = ["--photon-tables", directory, "-o", join(directory, "out"), "--nsides", "1:0"];
  const { code, stderr } = await skyscan(["scan", simulatedEvent, ...args]).exited;
  expect(code).toBe(6);
  expect(complaint(stderr)).toEqual([expect.stringContaining(`no photon table`)]);
}, 60_000);
