import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { testFolder } from "../folder.ts";
import { ownMounts } from "../machine.ts";
import { mapIn, program, simulatedEvent, start } from "../programs.ts";

const directory = testFolder();
const path = (...names: string[]) => join(directory, ...names);

/** Runs a command on a disk of 2 MB on which little room is left, makes room once it complains, and runs it again. */
const script = `
  mount -t tmpfs -o size=2m tmpfs "$DISK" && head -c "$BALLAST" /dev/zero > "$DISK/ballast" || exit 99
  : > "$LOGS/first"
  "$@" 2> "$LOGS/first" &
  until grep -q "cannot be written" "$LOGS/first"; do sleep 0.05; done
  find "$DISK" -type f -printf '%f %s\\n' > "$LOGS/files"
  rm "$DISK/ballast"
  wait $!
  echo "code $?"
  rm -rf "$DISK/out"
  "$@" 2> "$LOGS/second"
  echo "code $?"
  find "$DISK" -name '*.npz' -exec cp {} "$LOGS" ';'
`;

const args = ["scan", simulatedEvent, "--reco-algo", "dummy", "--seed", "7", "--nsides", "8:0"];

async function onFullDisk(name: string, room: number, more: readonly string[]) {
  const logs = path(name);
  mkdirSync(path(name, "disk"), { recursive: true });
  const env = {
    ...{ DISK: path(name, "disk"), LOGS: logs, BALLAST: String((2 << 20) - room) },
    ...{ SKYSCAN_DUMMY_SECONDS: "0,0", TMPDIR: directory },
  };
  const run = start([...ownMounts!, "sh", "-c", script, "sh", ...program, ...args, ...more], env);
  const { code, stdout, stderr } = await run.exited;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const read = (file: string) => readFileSync(join(logs, file), "utf8");
  return {
    codes: [...stdout.matchAll(/^code (\d+)$/gm)].map(([, exit]) => Number(exit)),
    first: read("first"),
    second: read("second"),
    files: read("files"),
  };
}

/** What a log says from its first error on: one line, where there is no stack trace. */
const complaint = (log: string): string[] =>
  log
    .slice(log.search(/\berror\b/i))
    .split("\n")
    .filter((line) => line.trim() !== "");

describe.skipIf(ownMounts === undefined)("a full disk", () => {
  const told = (file: RegExp) =>
    expect.stringMatching(
      new RegExp(`/${file.source}: cannot be written, the disk is full .* make room`),
    );

  test("under the store: one line, code 2; with room the scan goes on to the same map", async () => {
    const output = path("store out");
    const cache = ["--cache-dir", path("store", "disk", "cache"), "-o", output];
    const { codes, first, second } = await onFullDisk("store", 200_000, cache);
    expect(codes).toEqual([2, 0]);
    expect(complaint(first)).toEqual([told(/scan-[0-9a-f]+\.sqlite/)]);
    expect(second).toMatch(/resumed: [1-9]\d* fits are done already/);
    expect(mapIn(output).equals(mapIn(await reference))).toBe(true);
  }, 120_000);

  test("under the result: no half a file, and saved as soon as there is room; nothing is fitted twice", async () => {
    const dirs = ["-o", path("result", "disk", "out"), "--cache-dir", path("result cache")];
    const { codes, first, second, files } = await onFullDisk("result", 70_000, dirs);
    expect(codes).toEqual([0, 0]);
    expect(first).toMatch(
      /not saved, tried again later: .*run\d+\.evt\d+\.neutrino_8\.\w+: cannot be written, the disk is full/,
    );
    expect(files).not.toMatch(/\.tmp|\.json 0|_8\.json/);
    expect(second).toMatch(/resumed: 768 fits are done already/);
    expect(mapIn(path("result")).equals(mapIn(await reference))).toBe(true);
  }, 120_000);

  /** The same scan where there is room. */
  const reference = (async () => {
    if (ownMounts === undefined) return "";
    const output = path("reference");
    const env = { SKYSCAN_DUMMY_SECONDS: "0,0" };
    const { code, stderr } = await start([...program, ...args, "-o", output], env).exited;
    if (code !== 0) throw new Error(stderr);
    return output;
  })();
});

test("output that cannot be written ends with one line and code 2", async () => {
  const command = [...program, "event", simulatedEvent, "--json"];
  const run = start(["sh", "-c", '"$@" > /dev/full', "sh", ...command]);
  const { code, stderr } = await run.exited;
  expect(code).toBe(2);
  expect(complaint(stderr)).toEqual([
    expect.stringContaining(`standard output: cannot be written`),
  ]);
}, 60_000);
