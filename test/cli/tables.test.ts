import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { uniformNumbers } from "../../src/config/random.ts";
import { writeTable } from "../../src/native/spline_table.ts";
import { fromSource, program } from "../programs.ts";
import { shared } from "../shared.ts";

const notFits = resolve(import.meta.dir, "../../bin/skyscan.ts");

/** Runs `skyscan tables ...`: from source, since an executable unpacks its core where tests here send the tables. */
async function tables(args: string[], input = "", env: Record<string, string> = {}) {
  const child = Bun.spawn([...fromSource, "tables", ...args], {
    env: { ...process.env, ...env },
    stdin: new Blob([input]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { out, err, code };
}
const lines = (out: string) =>
  out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

describe("skyscan tables", () => {
  const path = shared("oracle", "splines", "table_3d.fits");
  const { points, convolved } = JSON.parse(
    readFileSync(shared("oracle", "splines", "table_3d.ref.json"), "utf8"),
  );

  test("eval: a line in, a line out, null outside", async () => {
    const { out, code } = await tables(
      ["eval", path],
      points.map(({ x }: { x: number[] }) => `${JSON.stringify(x)}\n`).join(""),
    );
    expect(code).toBe(0);
    expect(lines(out)).toHaveLength(points.length);
    lines(out).forEach((line, i) => {
      const { ok, value64, exact, exact_gradient } = points[i];
      if (!ok) {
        expect(line).toEqual({ value: null });
        return;
      }
      expect(line.value).toBeCloseTo(exact ?? value64, 9);
      line.gradient.forEach((slope: number, k: number) => {
        expect(slope).toBeCloseTo(exact_gradient[k], 8);
      });
    });
  });
  test("eval --convolve", async () => {
    const sigma = convolved.kernel_knots[2] / 2;
    const { out } = await tables(
      ["eval", "--convolve", `${convolved.dim}:${sigma}`, path],
      convolved.points.map(({ x }: { x: number[] }) => `${JSON.stringify(x)}\n`).join(""),
    );
    expect(lines(out)).toHaveLength(convolved.points.length);
    lines(out).forEach((line, i) => {
      const { ok, value64, gradient64 } = convolved.points[i];
      if (!ok) {
        expect(line).toEqual({ value: null });
        return;
      }
      expect(line.value).toBeCloseTo(value64, 9);
      line.gradient.forEach((slope: number, k: number) => {
        expect(slope).toBeCloseTo(gradient64[k + 1], 9);
      });
    });
  });
  test("info", async () => {
    const { out } = await tables(["info", path]);
    expect(out).toContain("axis 0: order 3, 14 coefficients, extent 0 to 500");
    expect(out).toContain("NGROUP = 1.35634");
    const [info] = lines((await tables(["info", "--json", path])).out);
    expect(info.axes[1]).toMatchObject({ order: 2, coefficients: 11, extent: [0, 180] });
  });
  test.each([
    [["eval", path], "[1,2]\n", /line 1 of the input: expected 3, received 2/],
    [["eval", path], "[1,2,\n", /line 1 of the input is not JSON/],
    [["eval", "--convolve", "7:2", path], "", /axis 7 to convolve is not one of 0 to 2/],
    [["eval", "--convolve", "2:-1", path], "", /--convolve 2:-1: expected AXIS:SIGMA/],
    [["info", "none.fits"], "", /none\.fits: cannot be opened/],
    [["info", notFits], "", /not a FITS file|expected a FITS file/],
  ])("%j: one clear line, exit code 2", async (args, input, message) => {
    const { out, err, code } = await tables(args, input);
    expect(code).toBe(2);
    expect(out).toBe("");
    expect(err).toMatch(message);
  });
});

/** Sums of /proc/PID/smaps over the mappings whose line matches, in bytes. */
function memoryOf(pid: number, mapping: RegExp) {
  const sums = { Rss: 0, Pss: 0, Private_Clean: 0, Private_Dirty: 0, Anonymous: 0 };
  let isWanted = false;
  for (const line of readFileSync(`/proc/${pid}/smaps`, "utf8").split("\n")) {
    if (/^[0-9a-f]+-[0-9a-f]+ /.test(line)) isWanted = mapping.test(line);
    const [, name, kilobytes] = /^(\w+): +(\d+) kB/.exec(line) ?? [];
    if (isWanted && name && name in sums)
      sums[name as keyof typeof sums] += 1024 * Number(kilobytes);
  }
  return { ...sums, own: sums.Private_Clean + sums.Private_Dirty };
}

/** `skyscan tables eval`, asked line by line while it lives. */
function evaluator(path: string, env: Record<string, string>) {
  const child = Bun.spawn([...program, "tables", "eval", path], {
    env: { ...process.env, ...env },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const reader = child.stdout.getReader();
  let text = "";
  return {
    pid: child.pid,
    async ask(points: readonly (readonly number[])[]): Promise<number[]> {
      child.stdin.write(points.map((x) => `${JSON.stringify(x)}\n`).join(""));
      child.stdin.flush();
      const values: number[] = [];
      while (values.length < points.length) {
        const { value, done } = await reader.read();
        if (done) throw new Error("the evaluation ended early");
        const lines = (text + new TextDecoder().decode(value)).split("\n");
        text = lines.pop()!;
        for (const line of lines) values.push(JSON.parse(line).value);
      }
      return values;
    },
    async end() {
      child.stdin.end();
      expect(await child.exited).toBe(0);
    },
  };
}

describe("processes with a big table", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "skyscan-share-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test("find the shared copy a place, and sweep away what nobody uses", async () => {
    const path = join(folder, "ten-megabytes.fits");
    const knots = [1602, 1702].map((length) => Array.from({ length }, (_, i) => i));
    writeTable(path, {
      ...{ orders: [1, 1], knots },
      extents: [
        [1, 1600],
        [1, 1700],
      ],
      samples: new Float32Array(1600 * 1700),
      samplesAre: "coefficients",
    });
    const copyOf = async (TMPDIR: string): Promise<string> =>
      lines((await tables(["info", "--json", path], "", { TMPDIR })).out)[0].coefficients;
    const prefix = join(folder, `skyscan-table-${process.getuid!()}-`);
    const [old, recent] = [`${prefix}0123456789abcdef`, `${prefix}fedcba9876543210`];
    writeFileSync(old, "");
    writeFileSync(recent, "");
    const longAgo = Date.now() / 1000 - 8 * 24 * 3600;
    utimesSync(old, longAgo, longAgo);
    const copy = await copyOf(folder);
    expect(copy).toStartWith(prefix);
    expect(existsSync(copy)).toBe(true);
    expect(existsSync(old)).toBe(false);
    expect(existsSync(recent)).toBe(true);
    // No such directory: the next one.
    const elsewhere = await copyOf(join(folder, "none"));
    expect(elsewhere).toMatch(/^\/(var\/tmp|dev\/shm)\/skyscan-table-/);
    rmSync(elsewhere);
  });

  test("keep it in memory once, not once each", async () => {
    // A timing table of muons in size and shape: distance, azimuth, time, zenith, depth.
    const sizes = [34, 14, 40, 22, 66];
    const orders = [2, 2, 3, 2, 2];
    const knots = sizes.map((size, k) =>
      Array.from({ length: size + orders[k]! + 1 }, (_, i) => i + 0.2 * Math.sin(1.3 * i)),
    );
    const extents = knots.map((axis, k): [number, number] => [axis[orders[k]!]!, axis[sizes[k]!]!]);
    const path = join(folder, "big.fits");
    const size = 4 * sizes.reduce((a, b) => a * b, 1);
    expect(size).toBeGreaterThan(100e6);
    writeTable(path, {
      ...{ orders, knots, extents },
      samples: new Float32Array(size / 4).map((_, i) => i % 1009),
      samplesAre: "coefficients",
    });
    const random = uniformNumbers(1);
    const points = Array.from({ length: 12_000 }, () =>
      extents.map(([low, high]) => low + (high - low) * (0.001 + 0.998 * random())),
    );
    const workers = [0, 1].map(() => evaluator(path, { TMPDIR: folder }));
    // Before: the program itself and the table's header.
    const first = await Promise.all(workers.map(({ ask }) => ask(points.slice(0, 1))));
    const before = workers.map(({ pid }) => memoryOf(pid, /./));
    // Both at once, each in its own order: blocks are made by whoever comes first.
    const [a, b] = await Promise.all([
      workers[0]!.ask(points),
      workers[1]!.ask(points.toReversed()),
    ]);
    expect(first[0]).toEqual(first[1]!);
    expect(b).toEqual(a.toReversed());

    const table = workers.map(({ pid }) => memoryOf(pid, /skyscan-table-/));
    const after = workers.map(({ pid }) => memoryOf(pid, /./));
    const original = workers.map(({ pid }) => memoryOf(pid, /big\.fits/));
    for (const [i, { Rss, own, Anonymous }] of table.entries()) {
      // Each sees (nearly) all of it, and none of that is its own.
      expect(Rss).toBeGreaterThan(0.9 * size);
      expect(own).toBeLessThan(0.02 * size);
      expect(Anonymous).toBe(0);
      // The file itself is let go of, but for what the kernel maps unasked around a page. Which of the two has
      // such a page mapped alone is chance: clean pages of a file are the page cache's, not the process's.
      expect(original[i]!.Rss).toBeLessThan(0.1 * size);
      expect(original[i]!.Anonymous).toBe(0);
      // Nor has a copy grown elsewhere, in the heap or in anonymous memory.
      expect(after[i]!.own - before[i]!.own).toBeLessThan(0.5 * size);
      expect(after[i]!.Anonymous - before[i]!.Anonymous).toBeLessThan(0.5 * size);
    }
    // Together they hold it once (and its padding).
    const together = table.reduce((sum, { Pss }) => sum + Pss, 0);
    expect(together).toBeGreaterThan(0.9 * size);
    expect(together).toBeLessThan(1.15 * size);
    await Promise.all(workers.map(({ end }) => end()));
  }, 120_000);
});
