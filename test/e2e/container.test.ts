/** What the container image is made of, unpacked into a folder that is the whole of its file system. */
import { beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { readFitAnswer } from "../../src/ewms/messages.ts";
import { writeTask } from "../ewms/task_files.ts";
import { testFolder } from "../folder.ts";
import { ownMounts } from "../machine.ts";
import { freePort, listens, simulatedEvent, skyscan, start, until } from "../programs.ts";
import { startFakeSkyDriver } from "../skydriver/fake.ts";

const repository = resolve(import.meta.dir, "../..");
const executable = join(repository, "dist/skyscan");
const shim = join(repository, "scripts/container/python");
const directory = testFolder();
const path = (...names: string[]) => join(directory, ...names);

describe("the image's entry", () => {
  const bin = path("bin");
  beforeAll(() => {
    mkdirSync(bin);
    writeFileSync(join(bin, "skyscan"), '#!/bin/sh\necho skyscan "$@"\n', { mode: 0o755 });
  });

  test.each([
    [["-m", "skymap_scanner.server", "--reco-algo", "x"], "skyscan server --reco-algo x"],
    [["-m", "skymap_scanner.client", "--infile", "a b"], "skyscan client --infile a b"],
    [["python", "-m", "skymap_scanner.client"], "skyscan client"],
    [["--reco-algo", "x", "--cache-dir", "/c"], "skyscan server --reco-algo x --cache-dir /c"],
    [["--infile", "i", "--outfile", "o"], "skyscan client --infile i --outfile o"],
    [["--version"], "skyscan --version"],
    [["bash", "-c", "echo init"], "init"],
    [["help", "ewms"], "skyscan help ewms"],
  ])("%j is %s", (args, says) => {
    // Nobody else's "help" in the way.
    const env = { PATH: `${bin}:/bin:/usr/bin` };
    const { stdout, status } = spawnSync("/bin/sh", [shim, ...args], { env, encoding: "utf8" });
    expect({ stdout, status }).toEqual({ stdout: `${says}\n`, status: 0 });
  });

  test("another module is refused by name", () => {
    const { stderr, status } = spawnSync("/bin/sh", [shim, "-m", "http.server"], {
      encoding: "utf8",
    });
    expect(status).toBe(2);
    expect(stderr).toMatch(/no module http\.server/);
  });
});

test("Dockerfile and Apptainer definition copy the same files to the same places", () => {
  const docker = readFileSync(join(repository, "scripts/container/Dockerfile"), "utf8");
  const apptainer = readFileSync(join(repository, "scripts/container/skyscan.def"), "utf8");
  const copied = [...docker.matchAll(/^COPY (\S+) (\S+)$/gm)].map(
    ([, from, to]) => `${from} ${to}`,
  );
  expect(copied.length).toBe(2);
  for (const line of copied) expect(apptainer).toContain(`    ${line}\n`);
  for (const line of copied)
    expect(existsSync(join(repository, line.split(" ")[0]!)) || line.startsWith("dist/")).toBe(
      true,
    );
});

const canChroot = ownMounts !== undefined && existsSync(executable);
if (!canChroot)
  console.warn("skipped, needs mounts of its own and dist/skyscan: the image's files in a chroot");

describe.skipIf(!canChroot)("in a file system of just those files", () => {
  const root = path("root");
  // Every container has /proc and /dev.
  const script =
    'mount --rbind /proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" /usr/local/bin/python "$@"';
  const inside = (...command: string[]) => [...ownMounts!, "sh", "-c", script, root, ...command];
  beforeAll(() => {
    for (const folder of ["usr/local/bin", "bin", "tmp", "data", "common-space", "proc", "dev"])
      mkdirSync(join(root, folder), { recursive: true });
    copyFileSync(executable, join(root, "usr/local/bin/skyscan"));
    copyFileSync(shim, join(root, "usr/local/bin/python"));
    for (const name of ["skyscan", "python"]) chmodSync(join(root, "usr/local/bin", name), 0o755);
    // The base image's shell and C library.
    for (const program of ["/bin/sh", executable]) {
      const { stdout } = spawnSync("ldd", [program], { encoding: "utf8" });
      for (const [library] of stdout.matchAll(/\/\S+\.so\S*/g)) {
        mkdirSync(join(root, dirname(library)), { recursive: true });
        cpSync(library, join(root, library), { dereference: true });
      }
    }
    cpSync("/bin/sh", join(root, "bin/sh"), { dereference: true });
    symlinkSync("python", join(root, "usr/local/bin/python3"));
  });

  test("one fit, as a pilot's task", async () => {
    await writeTask(join(root, "data"), "splinempe");
    const task = ["--infile", "/data/in.json", "--outfile", "/data/out.json"];
    const { code, stderr } = await start(
      inside("-m", "skymap_scanner.client", ...task, "--client-startup-json", "/data/startup.json"),
      { SKYSCAN_DATA_SOURCE: "none" },
    ).exited;
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const { result } = readFitAnswer(JSON.parse(readFileSync(join(root, "data/out.json"), "utf8")));
    expect(result).toMatchObject({ nside: 8, pixel: 321, posvar: 2 });
  }, 120_000);

  test("a scan, as SkyDriver gives its arguments", async () => {
    const port = await freePort();
    skyscan(["broker", "--port", port]);
    await until("the broker", () => listens(port));
    const tokens = { system: "s", user: "u" };
    const fake = startFakeSkyDriver({
      event: JSON.parse(readFileSync(simulatedEvent, "utf8")),
      tokens,
    });
    const broker = { SKYSCAN_BROKER: `127.0.0.1:${port}`, SKYSCAN_DUMMY_SECONDS: "0,0" };
    const startup = ["--client-startup-json", "/common-space/startup.json"];
    const server = start(
      inside(
        ...["--reco-algo", "dummy", "--cache-dir", "/common-space", ...startup, "--nsides", "1:0"],
        ...["--simulated-event", "--predictive-scanning-threshold", "1.0"],
      ),
      {
        ...broker,
        SKYSCAN_SKYDRIVER_ADDRESS: fake.address,
        SKYSCAN_SKYDRIVER_AUTH: tokens.system,
        SKYSCAN_SKYDRIVER_SCAN_ID: fake.scanId,
      },
    );
    const file = join(root, "common-space/startup.json");
    await until("startup.json", () => existsSync(file) || server.process.exitCode !== null);
    skyscan(["client", "--startup-json", file], broker);
    const { code, stderr } = await server.exited;
    fake.stop();
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(fake.refused).toEqual([]);
    expect(JSON.parse(fake.results.at(-1)!).is_final).toBe(true);
  }, 120_000);
});
