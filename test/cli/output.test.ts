import { expect, test } from "bun:test";
import { program } from "../programs.ts";
import { shared } from "../reference.ts";

const alert = shared("events", "run00136662-evt000035405932-BRONZE.pkl");

test("a reader slower than the program gets all of a long output", async () => {
  // A pipe holds 64 KiB: the rest is still in the process when it has done its work.
  const script = '"$@" | { sleep 2; cat; }';
  const run = Bun.spawn(["sh", "-c", script, "sh", ...program, "event", alert, "--json"], {
    stdout: "pipe",
    stderr: "ignore",
  });
  const text = await run.stdout.text();
  expect(text.length).toBeGreaterThan(1 << 17);
  expect(JSON.parse(text).metadata.run_id).toBe(136662);
});
