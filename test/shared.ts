/** Reference files in tests; see reference.ts, which also serves the benchmark. */
import { describe, test } from "bun:test";
import { hasShared } from "./reference.ts";

export { hasShared, present, shared } from "./reference.ts";

/** describe() for what needs more than the fixture holds: without ../shared one skipped test, and a message. */
export function describeShared(name: string, body: () => void): void {
  if (hasShared) {
    describe(name, body);
    return;
  }
  console.warn(`skipped, needs ../shared: ${name}`);
  // Not describe.skip: it runs the body to collect its tests, and bodies read shared files.
  test.skip(name, () => {});
}
