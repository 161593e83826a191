import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { writeTable } from "../../src/native/tables.ts";
import { program } from "../programs.ts";
import { describeShared, shared } from "../shared.ts";

const notFits = resolve(import.meta.dir, "../../bin/skyscan.ts");

/** Runs `skyscan tables ...` from source. */
async function tables(args: string[], input = "") {
  const child = Bun.spawn([...program, "tables", ...args], {
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

describeShared("skyscan tables", () => {
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
    lines(out).forEach((line, i) => {
      const { ok, value64 } = convolved.points[i];
      if (ok) expect(line.value).toBeCloseTo(value64, 6);
      else expect(line).toEqual({ value: null });
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

describe("processes with a big table", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "skyscan-share-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test("keep its coefficients in memory once", async () => {
    // 20 MB: above what is kept in each process's own memory.
    const sizes = [18, 18, 124, 124];
    const orders = [1, 1, 1, 1];
    const knots = sizes.map((size) => Array.from({ length: size + 2 }, (_, i) => i));
    const path = join(folder, "big.fits");
    const count = sizes.reduce((a, b) => a * b, 1);
    writeTable(path, {
      ...{ orders, knots },
      extents: knots.map((axis, k) => [axis[1]!, axis[sizes[k]!]!]),
      samples: new Float32Array(count).map((_, i) => i % 1009),
      samplesAre: "coefficients",
    });
    // Touches every block, then reports how much of the mapped table only this process holds.
    const child = `
      import { openTable } from ${JSON.stringify(resolve(import.meta.dir, "../../src/native/tables.ts"))};
      import { readFileSync } from "node:fs";
      const table = openTable(${JSON.stringify(path)});
      let sum = 0;
      for (let a = 1; a <= 17; a++) for (let b = 1.5; b < 18; b++) for (let c = 1.5; c < 124; c += 2) for (let d = 1.5; d < 124; d += 4)
        sum += table.evaluate(Float64Array.of(a, b, c, d)).values[0];
      console.log(sum);
      for await (const _ of console) {
        const own = { Private_Dirty: 0, Private_Clean: 0, Pss: 0, Rss: 0 };
        let ours = false;
        for (const line of readFileSync("/proc/self/smaps", "utf8").split("\\n")) {
          if (/^[0-9a-f]+-/.test(line)) ours = line.includes("skyscan-table-");
          const match = /^(\\w+): +(\\d+) kB/.exec(line);
          if (ours && match && match[1] in own) own[match[1]] += Number(match[2]) * 1024;
        }
        console.log(JSON.stringify(own));
        process.exit(0);
      }`;
    const start = () =>
      Bun.spawn([process.execPath, "-e", child], {
        env: { ...process.env, TMPDIR: folder },
        stdin: "pipe",
        stdout: "pipe",
        stderr: "inherit",
      });
    const children = [start(), start()];
    const readers = children.map(({ stdout }) => {
      const reader = stdout.getReader();
      let text = "";
      return async () => {
        for (;;) {
          const end = text.indexOf("\n");
          if (end >= 0) {
            const line = text.slice(0, end);
            text = text.slice(end + 1);
            return line;
          }
          const { value, done } = await reader.read();
          if (done) throw new Error("the child ended early");
          text += new TextDecoder().decode(value);
        }
      };
    });
    const sums = await Promise.all(readers.map((line) => line()));
    expect(sums[0]).toBe(sums[1]!);
    for (const { stdin } of children) {
      stdin.write("\n");
      stdin.flush();
    }
    const reports = await Promise.all(readers.map(async (line) => JSON.parse(await line())));
    await Promise.all(children.map(({ exited }) => exited));
    const together = reports.reduce((sum, { Pss }) => sum + Pss, 0);
    for (const { Rss } of reports) expect(Rss).toBeGreaterThan(0.8 * 4 * count);
    // Both see all of it; together they hold it once (and its padding), not twice.
    expect(together).toBeLessThan(1.3 * 4 * count);
  }, 60_000);
});
