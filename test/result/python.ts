import { test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The system's Python with numpy, against which the formats are checked. */
const interpreter = ["/usr/bin/python3", "python3"].find(
  (python) =>
    Bun.which(python) !== null &&
    Bun.spawnSync([python, "-c", "import numpy"], { stderr: "ignore" }).exitCode === 0,
);

/** Importing numpy and healpy takes its time on a busy machine, ms. */
const START_UP = 60_000;

/** test(), skipped with a clear message where there is no Python with numpy. */
export function testWithNumpy(name: string, body: () => void | Promise<void>): void {
  if (interpreter === undefined) console.warn(`skipped, needs python3 with numpy: ${name}`);
  (interpreter === undefined ? test.skip : test)(name, body, START_UP);
}

/** Runs a Python program; returns what it printed. */
export function python(program: string, ...args: string[]): string {
  const { stdout, stderr, exitCode } = Bun.spawnSync([interpreter!, "-c", program, ...args]);
  if (exitCode !== 0) throw new Error(stderr.toString());
  return stdout.toString();
}

/** Calls body with a folder that is gone afterwards. */
export async function withFolder(body: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "skyscan-result-"));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
