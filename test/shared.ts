import { describe, test } from "bun:test";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

/** The folder of reference numbers and real alerts, kept beside the repository; absent in a bare clone. */
const folder = resolve(import.meta.dir, "../../shared");
export const hasShared = existsSync(folder);

/** Path of a file below the shared folder. */
export const shared = (...path: string[]): string => join(folder, ...path);

/** describe(), or one skipped test and a clear message when the shared folder is missing. */
export function describeShared(name: string, body: () => void): void {
  if (hasShared) {
    describe(name, body);
    return;
  }
  console.warn(`skipped, needs ../shared: ${name}`);
  // Not describe.skip: it runs the body to collect its tests, and bodies read shared files.
  test.skip(name, () => {});
}
