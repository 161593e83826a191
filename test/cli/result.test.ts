import { describe, expect, spyOn, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { plotCommand } from "../../src/cli/plot.ts";
import { resultCommand } from "../../src/cli/result.ts";
import { ExitCode, SkyscanError } from "../../src/config/errors.ts";
import { writeResult } from "../../src/result/files.ts";
import { example, pixel } from "../result/examples.ts";
import { withFolder } from "../result/python.ts";

/** Runs a command; what it prints and its exit code. */
async function run(...argv: string[]): Promise<{ out: string; code: number }> {
  const lines: string[] = [];
  const log = spyOn(process.stdout, "write").mockImplementation((text) => {
    lines.push(String(text).trimEnd());
    return true;
  });
  const command = argv[0] === "plot" ? plotCommand() : resultCommand();
  try {
    await command.parseAsync(argv[0] === "plot" ? argv.slice(1) : argv, { from: "user" });
    return { out: lines.join("\n"), code: ExitCode.done };
  } catch (error) {
    if (!(error instanceof SkyscanError)) throw error;
    return { out: lines.join("\n"), code: error.exitCode };
  } finally {
    log.mockRestore();
  }
}

const changed = { ...example, nsides: new Map([[64, [pixel(64, 3, { llh: 1849.5 })]]]) };
const only64 = { ...example, nsides: new Map([[64, [pixel(64, 3, { llh: 1849 })]]]) };

describe("result", () => {
  test("info, convert and compare", () =>
    withFolder(async (folder) => {
      const path = (name: string) => join(folder, name);
      await writeResult(path("a.npz"), example);
      expect(await run("convert", path("a.npz"), path("a.json"))).toEqual({ out: "", code: 0 });
      await run("convert", path("a.json"), path("again.npz"));
      expect(readFileSync(path("again.npz")).equals(readFileSync(path("a.npz")))).toBe(true);

      const text = await run("info", path("a.json"));
      expect(text.out).toContain("event           7637140");
      expect(text.out).toContain("nside 64        3 pixels, 1 failed, llh 1849.000 to");
      const json = JSON.parse((await run("info", path("a.npz"), "--json")).out);
      expect(json).toMatchObject({
        run_id: 136766,
        event_id: 7637140,
        event_type: "neutrino",
        is_real_event: true,
        complete: true,
        version: 1,
        south_first: false,
        best_fit: { nside: 64, index: 3, llh: 1849, E_in: null, X: 12.5 },
      });
      expect(json.best_fit.ra).toBeCloseTo((7 * Math.PI) / 4, 12);
      expect(json.nsides[1]).toMatchObject({ nside: 64, pixels: 3, failed: 1, llh_min: 1849 });

      expect(await run("compare", path("a.npz"), path("a.json"))).toMatchObject({ code: 0 });
      await writeResult(path("b.json"), changed);
      await writeResult(path("c.json"), only64);
      const differs = await run("compare", path("c.json"), path("b.json"));
      expect(differs.code).toBe(1);
      expect(differs.out).toContain("llh: 1 differ, most at pixel 3: 1849 and 1849.5");
      expect(
        await run("compare", path("c.json"), path("b.json"), "--rtol", "llh=1e-3"),
      ).toMatchObject({ code: 0 });
      expect(await run("compare", path("c.json"), path("b.json"), "--rtol", "1e-3")).toMatchObject({
        code: 0,
      });
      expect(
        JSON.parse((await run("compare", path("c.json"), path("b.json"), "--json")).out).close,
      ).toBe(false);
      expect((await run("compare", path("a.npz"), path("c.json"))).code).toBe(1);
      expect((await run("info", path("none"))).code).toBe(2);
      expect((await run("convert", path("a.npz"), path("a.hdf5"))).code).toBe(2);
    }));

  test("plot", () =>
    withFolder(async (folder) => {
      const [input, output] = [join(folder, "a.npz"), join(folder, "map.svg")];
      await writeResult(input, example);
      expect(await run("plot", input, "--out", output)).toEqual({ out: output, code: 0 });
      expect(readFileSync(output, "utf8")).toContain("Run 136766");
      expect((await run("plot", input, "--out", join(folder, "map.gif"))).code).toBe(2);
    }));
});
