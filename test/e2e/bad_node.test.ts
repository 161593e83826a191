import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { testFolder } from "../folder.ts";
import { ownMounts } from "../machine.ts";
import { simulatedEvent, skyscan, start } from "../programs.ts";

/** Only the executable unpacks its native core. */
const executable =
  process.env.SKYSCAN_TEST_PROGRAM ?? resolve(import.meta.dir, "../../dist/skyscan");
const isPossible = ownMounts !== undefined && existsSync(executable);
if (!isPossible)
  console.warn("skipped, needs dist/skyscan and to mount a tmpfs: tests of TMPDIR on a bad node");

const directory = testFolder();

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
      const run = start([...ownMounts!, "sh", "-c", script, "sh", executable, ...args], {
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
