import { afterAll, expect, test } from "bun:test";
import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { openStore, type StoredResult } from "../../src/store/store.ts";
import { temporaryDirectory } from "../programs.ts";

const directory = temporaryDirectory();
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const result = (pixel: number): StoredResult => ({
  nside: 512,
  pixel,
  posvar: 3,
  llh: 1 / 3,
  x: -0.1,
  y: 1e-300,
  z: 2 ** 53 - 1,
  time: 12345.678901234567,
  energy: Number.NaN,
  E_in: Number.NaN,
  E_tot: Number.POSITIVE_INFINITY,
  seconds: 0.25,
  roundTrip: 0.5,
  evaluations: 42,
  at: 1.7e9,
});

test("results come back exactly, in the order in which they were stored", () => {
  const path = join(directory, "exact.sqlite");
  const store = openStore(path, "a");
  const failed = { ...result(5), llh: Number.NaN, reason: "broken\nbroken again" };
  store.append([result(9), failed]);
  store.append([result(2)]);
  store.set("basename", "b");
  store.close();
  const again = openStore(path, "a");
  expect([...again.results()]).toEqual([result(9), failed, result(2)]);
  expect(again.count).toBe(3);
  expect(again.get("basename")).toBe("b");
  expect(again.get("nothing")).toBeUndefined();
  expect(statSync(path).mode & 0o077).toBe(0);
  again.close();
});

test("a batch is stored whole or not at all", () => {
  const store = openStore(":memory:", "a");
  store.append([result(1)]);
  expect(() => store.append([result(2), result(1)])).toThrow();
  expect([...store.results()].map(({ pixel }) => pixel)).toEqual([1]);
  store.close();
});

test("the store of another scan, or one in use, is refused", () => {
  const path = join(directory, "refused.sqlite");
  const store = openStore(path, "a");
  expect(() => openStore(path, "a")).toThrow("another server is running this scan");
  store.close();
  expect(() => openStore(path, "b")).toThrow("the store of another scan");
});

test("a file that is no store, or a place that cannot be written, is named", async () => {
  const path = join(directory, "text.sqlite");
  await Bun.write(path, "no database at all, but long enough to look at it twice".repeat(20));
  expect(() => openStore(path, "a")).toThrow(path);
  expect(() => openStore("/proc/x/scan.sqlite", "a")).toThrow("/proc/x/scan.sqlite");
});

test("what was stored before a kill -9 is there after it", async () => {
  const path = join(directory, "killed.sqlite");
  const module = new URL("../../src/store/store.ts", import.meta.url).pathname;
  const code = `
    import { openStore } from ${JSON.stringify(module)};
    const store = openStore(${JSON.stringify(path)}, "a");
    const nan = Number.NaN;
    for (let pixel = 0; ; pixel++) {
      store.append([{ nside: 8, pixel, posvar: 0, llh: pixel, x: 0, y: 0, z: 0, time: 0, energy: nan,
        E_in: nan, E_tot: nan, seconds: 0, roundTrip: 0, evaluations: 1, at: 0 }]);
      process.stdout.write(pixel + "\\n");
    }`;
  const run = Bun.spawn([process.execPath, "-e", code], { stdout: "pipe" });
  let stdout = "";
  for await (const chunk of run.stdout) {
    stdout += Buffer.from(chunk).toString();
    if (stdout.length > 2000) run.kill("SIGKILL");
  }
  // The last line may be cut.
  const claimed = Number(stdout.split("\n").at(-2));
  expect(claimed).toBeGreaterThan(0);
  const store = openStore(path, "a");
  const pixels = [...store.results()].map(({ pixel }) => pixel);
  expect(pixels.length).toBeGreaterThan(claimed);
  expect(pixels).toEqual(pixels.map((_, n) => n));
  store.close();
});
