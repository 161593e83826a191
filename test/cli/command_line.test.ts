import { expect, test } from "bun:test";
import { commandLine } from "../../src/cli/command_line.ts";

test("a command line is recorded as a shell takes it", () => {
  const argv = ["scan", "my alert.json", "--nsides", "8:0", "64:12", "--caption", "it's", ""];
  const line = commandLine(argv);
  expect(line).toBe(`skyscan scan 'my alert.json' --nsides 8:0 64:12 --caption 'it'\\''s' ''`);
  const { stdout } = Bun.spawnSync(["sh", "-c", `skyscan() { printf '%s\\n' "$@"; }; ${line}`]);
  expect(stdout.toString().split("\n").slice(0, -1)).toEqual(argv);
});

test.each([
  [["server", "--auth-token", "hunter2"]],
  [["server", "--auth-token=hunter2", "-b", "h"]],
  [["server", "-a", "hunter2"]],
  [["server", "-ahunter2"]],
  [["server", "-b", "mqtt://me:hunter2@broker.example.org:1883"]],
  [["server", "-b", "me:hunter2@broker.example.org"]],
  [["server", "--broker=mqtts://:hunter2@broker.example.org"]],
  [["server", "--broker", "mqtt://me:hunter2@x@broker.example.org"]],
  [["skydriver", "--token", "hunter2"]],
])("but for its secrets: %j", (argv) => {
  expect(commandLine(argv)).not.toContain("hunter2");
  expect(commandLine(argv)).toContain("…");
});

test("what is no secret stays: files of tokens, algorithms, times", () => {
  const argv = ["server", "--auth-token-file", "token", "--broker", "h:1883", "--nsides", "8:0"];
  expect(commandLine(argv)).toBe(`skyscan ${argv.join(" ")}`);
});
