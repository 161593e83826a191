import { afterAll } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A new folder that is there for the tests of the calling file. */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "skyscan-test-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
