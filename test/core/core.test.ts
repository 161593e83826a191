import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";

/** The core's own unit tests, each counted as a test here. `make test` builds them where doctest is installed. */
const program = join(import.meta.dir, "../../build/test-core");

function run(...args: string[]): { exitCode: number; output: string } {
  const { exitCode, stdout, stderr } = Bun.spawnSync([program, "--no-colors", ...args]);
  return { exitCode, output: stdout.toString() + stderr.toString() };
}

const names = existsSync(program)
  ? run("--list-test-cases", "--no-intro")
      .output.split("\n")
      .filter((line) => line && !line.startsWith("[doctest]") && !line.startsWith("==="))
  : [];

describe("the core, in C++", () => {
  if (names.length === 0) {
    console.warn("skipped, needs doctest-dev and `make test-core`: the core's unit tests");
    test.skip("unit tests", () => {});
    return;
  }
  // commas separate names in doctest's filters
  test.each(names)("%s", (name) => {
    const { exitCode, output } = run(`--test-case=${name.replaceAll(",", "\\,")}`);
    if (exitCode !== 0) console.error(output);
    expect(exitCode).toBe(0);
    expect(output).toMatch(/test cases: +1 \| +1 passed/);
  });
});
