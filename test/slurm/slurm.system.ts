import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import {
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { canHaveMachines, type Machine, startMachine } from "../machine.ts";
import {
  fitsDoneIn,
  mapIn,
  simulatedEvent,
  start,
  stopAll,
  temporaryDirectory,
  until,
} from "../programs.ts";

const repository = resolve(import.meta.dir, "../..");
const executable = join(repository, "dist/skyscan");
const needed = ["/usr/sbin/slurmctld", "/usr/sbin/slurmd", "/usr/bin/sbatch", "/usr/sbin/munged"];
const isPossible = canHaveMachines && [executable, ...needed].every((file) => existsSync(file));
if (!isPossible)
  console.warn(
    "skipped, needs root, leave to mount, dist/skyscan, slurmctld, slurmd and munge: Slurm",
  );

const home = temporaryDirectory();
const folder = join(home, "a scan");
const path = (...names: string[]) => join(folder, ...names);
const text = (...names: string[]) =>
  existsSync(path(...names)) ? readFileSync(path(...names), "utf8") : "";
/** Debian's user for what needs no rights. */
const nobody = 65_534;
const own = (name: string) => chownSync(name, nobody, nobody);

let cluster: Machine;
const reference = join(home, "reference");

/** One scan in a workdir of its own; slow enough to be disturbed. */
async function submit(workdir: string): Promise<string> {
  const out = await cluster.run(
    [
      "sbatch",
      "--parsable",
      "--ntasks=3",
      `--output=${workdir}.log`,
      "scan.sbatch",
      "an alert.json",
    ],
    {
      ...{ RECO: "dummy", MORE: "--nsides 8:0 --seed 1", LISTEN: "127.0.0.1" },
      ...{ SKYSCAN_DUMMY_SECONDS: "0.05,0.15", WORKDIR: path(workdir) },
      SKYSCAN_PROGRESS_INTERVAL_SEC: "1",
    },
  );
  return out.trim();
}
const state = async (job: string): Promise<string> =>
  /JobState=(\w+)/.exec(await cluster.run(["scontrol", "show", "job", job]))![1]!;
const atWork = (workdir: string) => text(`${workdir}.log`).split("1 workers, client ").length - 1;
const ends = (job: string, wanted: string) =>
  until(`job ${job} to be ${wanted}`, async () => (await state(job)) === wanted, 90);

describe.skipIf(!isPossible)("Slurm", () => {
  beforeAll(async () => {
    mkdirSync(folder);
    copyFileSync(join(repository, "scripts/slurm/scan.sbatch"), path("scan.sbatch"));
    copyFileSync(executable, path("skyscan"));
    copyFileSync(simulatedEvent, path("an alert.json"));
    for (const name of ["", ...readdirSync(folder)]) own(path(name));
    const args = ["scan", simulatedEvent, "--reco-algo", "dummy", "--seed", "1", "--nsides", "8:0"];
    const env = { SKYSCAN_DUMMY_SECONDS: "0,0" };
    await start([executable, ...args, "-o", reference], env).exited;
    cluster = await startMachine([join(import.meta.dir, "cluster.sh")], { user: "nobody", folder });
    await until(
      "an idle node",
      async () =>
        (await cluster.start(["sinfo", "-h", "-o", "%T"]).exited).stdout.trim() === "idle",
      60,
    );
  }, 120_000);
  afterEach(async () => {
    await cluster.run(["scancel", "--user=nobody"]);
  });
  afterAll(async () => {
    await cluster?.stop();
    await stopAll();
    rmSync(home, { recursive: true, force: true });
  });

  test("a scan beside another, each with a broker of its own; a stale startup.json leads nobody astray", async () => {
    mkdirSync(path("one/startup"), { recursive: true });
    writeFileSync(path("one/startup/startup.json"), '{"mq_basename":"the last scan"}');
    for (const name of ["one", "one/startup", "one/startup/startup.json"]) own(path(name));
    const jobs = await Promise.all([submit("one"), submit("two")]);
    for (const job of jobs) await ends(job, "COMPLETED");
    for (const workdir of ["one", "two"]) {
      expect(text(`${workdir}.log`)).toMatch(/best fit RA .*, 768 fits in/);
      expect(mapIn(path(workdir, "out")).equals(mapIn(reference))).toBe(true);
      expect(statSync(path(workdir, "token")).mode & 0o777).toBe(0o600);
      expect(text(`${workdir}.log`)).not.toContain(text(workdir, "token"));
    }
    expect(await cluster.run(["scontrol", "show", "job", jobs[0]!])).not.toContain(
      text("one", "token"),
    );
  }, 180_000);

  test("queued again: it goes on, and its log with it; cancelled: what is done is saved, and the next job goes on", async () => {
    const job = await submit("again");
    await until("fits done", () => fitsDoneIn(path("again", "out")) > 0, 60);
    await cluster.run(["scontrol", "requeue", job]);
    await until("its second start", () => atWork("again") === 6, 120);
    expect(text("again.log")).toMatch(/resumed: \d+ fits are done already/);
    // As Slurm does a minute before the time is over.
    await cluster.run(["scancel", "--signal=TERM", "--batch", job]);
    await until("being saved", () => text("again.log").includes("interrupted"), 30);
    await until("its end", async () => !/RUNNING|COMPLETING/.test(await state(job)), 60);
    const partial = JSON.parse(text("again", "out", "scan-manifest.json"));
    expect(partial.scan.state).toBe("interrupted");

    await ends(await submit("again"), "COMPLETED");
    expect(mapIn(path("again", "out")).equals(mapIn(reference))).toBe(true);
  }, 300_000);

  test("an alert that cannot be read ends the job at once, with the server's code", async () => {
    writeFileSync(path("no alert.json"), "{}");
    const out = await cluster.run(
      ["sbatch", "--parsable", "--ntasks=1", "--output=bad.log", "scan.sbatch", "no alert.json"],
      { LISTEN: "127.0.0.1", WORKDIR: path("bad") },
    );
    await ends(out.trim(), "FAILED");
    expect(await cluster.run(["scontrol", "show", "job", out.trim()])).toContain("ExitCode=2:0");
  }, 120_000);
});
