import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe } from "bun:test";

/** The folder of reference numbers and real alerts, kept beside the repository; absent in a bare clone. */
const folder = resolve(import.meta.dir, "../../shared");
export const hasShared = existsSync(folder);

/** Path of a file below the shared folder. */
export const shared = (...path: string[]): string => join(folder, ...path);

/** describe(), skipped with a clear message when the shared folder is missing. */
export const describeShared: typeof describe.skip = hasShared
  ? describe
  : (((name: string, body: () => void) => {
      console.warn(`skipped, needs ../shared: ${name}`);
      describe.skip(name, body);
    }) as typeof describe.skip);
