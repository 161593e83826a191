import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../src/config/errors.ts";
import { randomIntegers } from "../../src/config/random.ts";
import type { StoredResult } from "../../src/store/row.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { testFolder } from "../folder.ts";

const directory = testFolder();

const result = (pixel: number): StoredResult => ({
  nside: 512,
  pixel,
  posvar: 3,
  count: 4,
  round: 0,
  llh: 1 / 3,
  x: -0.1,
  y: 1e-300,
  z: 2 ** 53 - 1,
  time: 12345.678901234567,
  energy: Number.NaN,
  E_in: Number.NaN,
  E_tot: Number.NaN,
  seconds: 0.25,
  roundTrip: 0.5,
  evaluations: 42,
  at: 1.7e9,
});

test("results come back exactly, in the order in which they were stored", () => {
  const path = join(directory, "exact.sqlite");
  const store = openStore(path, "a");
  const failed: StoredResult = {
    ...{ ...result(5), llh: Number.NaN, minima: [[1, 2.25, -3, 4.5]] },
    direction: { ra: 1 / 3, dec: -0.5, ee: 1e-5, en: Number.NaN, nn: 0 },
    failures: [[3, "broken\nbroken again"]],
  };
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

test("a store of the last version is named as such", () => {
  const path = join(directory, "old.sqlite");
  const old = new Database(path);
  old.run("CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID");
  old.run(
    "CREATE TABLE result (number INTEGER PRIMARY KEY, nside INTEGER, pixel INTEGER, posvar INTEGER)",
  );
  old.close();
  expect(() => openStore(path, "a")).toThrow("the store of another version of skyscan");
});

test("the store of version 0.1.0 is refused by that name", () => {
  const path = join(directory, "0.1.0.sqlite");
  const old = new Database(path);
  old.run("CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT, checksum INTEGER) WITHOUT ROWID");
  old.run(
    "CREATE TABLE result (number INTEGER PRIMARY KEY, nside INTEGER, pixel INTEGER, posvar INTEGER, reason TEXT, checksum INTEGER)",
  );
  const identity = JSON.stringify([2, JSON.stringify({ version: "0.1.0", protocol: 1 })]);
  old.run("INSERT INTO about VALUES ('identity', ?, 0)", [identity]);
  old.close();
  expect(() => openStore(path, "a")).toThrow("the store of another version of skyscan, 0.1.0;");
});

test("flipped bits lose fits, and make none up", () => {
  const path = join(directory, "sound.sqlite");
  const store = openStore(path, "a");
  const written = Array.from({ length: 2000 }, (_, n) => ({ ...result(n), llh: n / 7 }));
  for (let n = 0; n < 2000; n += 100) store.append(written.slice(n, n + 100));
  store.close();
  const bytes = readFileSync(path);
  const random = randomIntegers(11);
  const copy = join(directory, "flipped.sqlite");
  let lost = 0;
  for (let round = 0; round < 30; round++) {
    const damaged = Buffer.from(bytes);
    for (let flips = 0; flips < 1 + (round % 8); flips++)
      damaged[random() % damaged.length]! ^= 1 << (random() % 8);
    for (const beside of ["", "-wal", ".damaged"]) rmSync(copy + beside, { force: true });
    writeFileSync(copy, damaged);
    let again: Store;
    try {
      again = openStore(copy, "a");
    } catch (error) {
      // The first page says that this is a store at all, and whose.
      expect(error).toBeInstanceOf(InputError);
      continue;
    }
    const fits = [...again.results()];
    lost += written.length - fits.length;
    for (const fit of fits) expect(fit).toEqual(written[fit.pixel]!);
    // What is lost can be stored again.
    const known = new Set(fits.map(({ pixel }) => pixel));
    again.append(written.filter(({ pixel }) => !known.has(pixel)));
    expect(again.count).toBe(2000);
    again.close();
  }
  expect(lost).toBeGreaterThan(0);
});

test("a power cut leaves a beginning of what was stored", () => {
  const path = join(directory, "cut.sqlite");
  const store = openStore(path, "a");
  const written = Array.from({ length: 200 }, (_, n) => result(n));
  for (const fit of written) store.append([fit]);
  const [base, log] = [readFileSync(path), readFileSync(`${path}-wal`)];
  store.close();
  const copy = join(directory, "after.sqlite");
  const kept: number[] = [];
  for (const length of [...Array(Math.ceil(log.length / 20_011)).keys()]
    .map((step) => step * 20_011)
    .concat(log.length)) {
    for (const beside of ["", "-wal"]) rmSync(copy + beside, { force: true });
    writeFileSync(copy, base);
    writeFileSync(`${copy}-wal`, log.subarray(0, length));
    const again = openStore(copy, "a");
    const fits = [...again.results()];
    expect(fits).toEqual(written.slice(0, fits.length));
    kept.push(fits.length);
    again.close();
  }
  // The more of the log, the more fits; the whole of it, all of them.
  expect(kept).toEqual(kept.toSorted((a, b) => a - b));
  expect(kept.at(-1)).toBe(written.length);
});

test("a disk that fails at any write loses nothing that was stored, and says which file", async () => {
  const module = new URL("../../src/store/store.ts", import.meta.url).pathname;
  const code = (path: string) => `
    import { openStore } from ${JSON.stringify(module)};
    let stored = 0;
    try {
      const store = openStore(${JSON.stringify(path)}, "a");
      const fit = ${JSON.stringify({ ...result(0), energy: 0, E_in: 0, E_tot: 0 })};
      for (let pixel = 0; pixel < 300; pixel++) {
        store.append([{ ...fit, pixel }]);
        stored++;
      }
    } catch (error) {
      console.log(error.message);
    }
    console.log(stored);`;
  // Kilobytes a file may grow to: the failing write is another one each time.
  for (const size of [4, 12, 40, 80, 200]) {
    const path = join(directory, `limited${size}.sqlite`);
    const run = Bun.spawn(
      [
        "bash",
        "-c",
        `trap "" XFSZ; ulimit -f ${size}; exec "$0" -e "$1"`,
        process.execPath,
        code(path),
      ],
      { stdout: "pipe", stderr: "pipe" },
    );
    const [message, stored] = (await run.stdout.text()).trim().split("\n");
    expect(message).toContain(path);
    const store = openStore(path, "a");
    expect(store.count).toBeGreaterThanOrEqual(Number(stored));
    expect([...store.results()].map(({ pixel }) => pixel)).toEqual(
      Array.from({ length: store.count }, (_, n) => n),
    );
    store.close();
  }
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
