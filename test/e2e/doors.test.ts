import { expect, test } from "bun:test";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { testFolder } from "../folder.ts";
import { manifestIn, simulatedEvent } from "../programs.ts";

/** The finished executable: these doors are closed when it is built. */
const executable =
  process.env.SKYSCAN_TEST_PROGRAM ?? resolve(import.meta.dir, "../../dist/skyscan");
if (!existsSync(executable)) console.warn("skipped, needs dist/skyscan (make build): doors");

const folder = testFolder();

const proof = join(folder, "PWNED");
const script = join(folder, "preload.ts");
writeFileSync(script, `require("node:fs").writeFileSync(${JSON.stringify(proof)}, "");`);
writeFileSync(join(folder, ".env"), "SKYSCAN_SEED=7\nSKYSCAN_DUMMY_SECONDS=0,0\n");
writeFileSync(join(folder, "bunfig.toml"), `preload = [${JSON.stringify(script)}]\n`);
writeFileSync(join(folder, "other.toml"), `preload = [${JSON.stringify(script)}]\n`);

async function run(args: readonly string[], env: Record<string, string> = {}) {
  const child = Bun.spawn([executable, ...args], {
    cwd: folder,
    env: { ...process.env, SKYSCAN_DUMMY_SECONDS: "0,0", ...env },
    stdout: "pipe",
    stderr: "pipe",
  });
  const stdout = await new Response(child.stdout).text();
  return { code: await child.exited, stdout };
}

const { version } = JSON.parse(
  readFileSync(resolve(import.meta.dir, "../../package.json"), "utf8"),
);

test
  .skipIf(!existsSync(executable))
  .each<Record<string, string>>([
    {},
    { BUN_BE_BUN: "1" },
    { BUN_OPTIONS: `--preload ${script}` },
    { BUN_OPTIONS: `--config=${join(folder, "other.toml")}` },
    { BUN_OPTIONS: "--revision" },
    { NODE_OPTIONS: `--require ${script}` },
  ])("in a folder with .env and bunfig.toml, with %p, the executable is itself", async (env) => {
  expect(await run(["--version"], env)).toEqual({ code: 0, stdout: `${version}\n` });
  expect(existsSync(proof)).toBe(false);
});

test.skipIf(!existsSync(executable)).each(["BUN_INSPECT_PRELOAD", "BUN_CONFIG_PRELOAD"])(
  "%s runs no code",
  async (name) => {
    await run(["--version"], { [name]: script });
    expect(existsSync(proof)).toBe(false);
  },
);

test.skipIf(!existsSync(executable))("a scan does not take its settings from .env", async () => {
  const scan = ["scan", simulatedEvent, "--reco-algo", "dummy", "--nsides", "1:0", "-o", "out"];
  expect((await run(scan)).code).toBe(0);
  expect(manifestIn(join(folder, "out")).scan.seed).toBeNull();
  // Who knows a scan's name can take part in it.
  expect(statSync(join(folder, "out/scan-manifest.json")).mode & 0o077).toBe(0);
});
