import { afterAll } from "bun:test";
import { rmSync } from "node:fs";
import { stopAll, temporaryDirectory } from "./programs.ts";

/** A new folder for the tests of the calling file. After them what they have started and left is ended, and it goes. */
export function testFolder(): string {
  const folder = temporaryDirectory();
  afterAll(async () => {
    await stopAll();
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}
