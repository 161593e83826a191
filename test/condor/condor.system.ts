import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import {
  chownSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { canHaveMachines, type Machine, startMachine } from "../machine.ts";
import {
  manifestIn,
  mapIn,
  simulatedEvent,
  start,
  stopAll,
  temporaryDirectory,
  until,
} from "../programs.ts";

const repository = resolve(import.meta.dir, "../..");
const executable = join(repository, "dist/skyscan");
const root = join(repository, ".cache/condor/root");
const isPossible =
  canHaveMachines && existsSync(executable) && existsSync(join(root, "etc/condor/condor_config"));
if (!isPossible)
  console.warn(
    "skipped, needs root, leave to mount, dist/skyscan and .cache/condor/root: HTCondor",
  );

const home = temporaryDirectory();
const scanner = 1000;
/** The user's folder of the scan, here and there; blanks and all. */
const folder = join(home, "a scan");
const there = "/home/scanner/a scan";
const path = (...names: string[]) => join(folder, ...names);
const token = "a-password-that-nobody-else-may-read";
const event = "an alert.json";
const settings = ["broker=127.0.0.1", "reco=dummy", "nsides=8:0", "retry_after=5", "avoid_for=10"];

/** Jobs' states as HTCondor numbers them. */
const RUNNING = 2;
const HELD = 5;

let pool: Machine;
const reference = join(home, "reference");

const own = (name: string) => chownSync(name, scanner, scanner);
const text = (...names: string[]) =>
  existsSync(path(...names)) ? readFileSync(path(...names), "utf8") : "";

interface Job {
  ClusterId: number;
  ProcId: number;
  JobStatus: number;
  ExitCode?: number;
  NumJobStarts?: number;
  HoldReasonCode?: number;
  RemoteHost?: string;
  RequestCpus?: number;
}
const jobsFrom = async (...command: string[]): Promise<Job[]> => {
  const out = await pool.run([...command, "-json"]);
  return out.trim() === "" ? [] : JSON.parse(out);
};
const queued = (cluster: number) => jobsFrom("condor_q", `${cluster}`);
const ended = (cluster: number) => jobsFrom("condor_history", `${cluster}`);

/** Submits, and returns the cluster's number. */
async function submit(file: string, ...more: string[]): Promise<number> {
  const out = await pool.run(["condor_submit", ...settings, ...more, file]);
  return Number(/submitted to cluster (\d+)/.exec(out)![1]);
}
const gone = (cluster: number, seconds = 120) =>
  until(`cluster ${cluster} to end`, async () => (await queued(cluster)).length === 0, seconds);

/** A workdir with its server, ready for clients. */
async function server(workdir: string, ...more: string[]): Promise<number> {
  mkdirSync(path(workdir), { recursive: true });
  own(path(workdir));
  return await submit(
    "server.submit",
    `workdir=${workdir}`,
    `event=${event}`,
    "more=--seed 1",
    ...more,
  );
}

describe.skipIf(!isPossible)("HTCondor", () => {
  beforeAll(async () => {
    mkdirSync(folder);
    cpSync(join(repository, "scripts/condor"), folder, { recursive: true });
    copyFileSync(executable, path("skyscan"));
    copyFileSync(simulatedEvent, path(event));
    writeFileSync(path("token"), token, { mode: 0o600 });
    for (const name of ["", ...readdirSync(folder)]) own(path(name));
    own(home);
    pool = await startMachine([join(import.meta.dir, "pool.sh"), root, home], {
      user: "scanner",
      folder: there,
    });
    const quick = { SKYSCAN_DUMMY_SECONDS: "0,0" };
    const args = ["scan", simulatedEvent, "--reco-algo", "dummy", "--seed", "1", "--nsides", "8:0"];
    await start([executable, ...args, "-o", reference], quick).exited;
    pool.start(["./skyscan", "broker", "--auth-token-file", "token"]);
    await until(
      "two execute nodes",
      async () => {
        const { stdout } = await pool.start(["condor_status", "-af", "Machine"]).exited;
        return stdout.split("\n").sort().join(" ").trim() === "bad.local pool.local";
      },
      120,
    );
  }, 180_000);
  afterEach(async () => {
    await pool.run(["condor_rm", "-all"]).catch(() => {});
    // A shadow whose starter was killed waits out its lease.
    await pool.run(["condor_rm", "-forcex", "-all"]).catch(() => {});
    await until("an empty queue", async () => (await jobsFrom("condor_q")).length === 0, 60);
  }, 90_000);
  afterAll(async () => {
    await pool?.stop();
    await stopAll();
    rmSync(home, { recursive: true, force: true });
  });

  test("clients vacated, held and released, removed, their starter killed, the server restarted: the same map", async () => {
    const workdir = "the disturbed";
    const stale = path(workdir, "startup/startup.json");
    mkdirSync(dirname(stale), { recursive: true });
    writeFileSync(stale, '{"mq_basename":"the last scan"}');
    for (const name of [dirname(stale), stale]) own(name);
    const serving = await server(workdir);
    await until(
      "its startup.json",
      () => text(workdir, "startup/startup.json").includes("GCDQp"),
      60,
    );
    const basename = text(workdir, "startup/mq-basename.txt");
    const working = await submit("clients.submit", `workdir=${workdir}`, "jobs=4");
    // The settings of the command line win over the file's own.
    expect(await queued(working)).toHaveLength(4);
    const atWork = () =>
      readdirSync(path(workdir)).filter(
        (name) => /^client.*err$/.test(name) && text(workdir, name).includes("1 workers, client "),
      );
    await until("four at work", () => atWork().length === 4, 60);

    const ads = await pool.run(["condor_q", "-all", "-long"]);
    expect(ads).toContain("--auth-token-file token");
    expect(ads).not.toContain(token);

    const name = (job: Job | undefined) => `${job!.ClusterId}.${job!.ProcId}`;
    const [vacated, held, removed, killed] = await queued(working);
    await pool.run(["condor_vacate_job", name(vacated)]);
    await pool.run(["condor_hold", name(held)]);
    await pool.run(["condor_rm", name(removed)]);
    const slot = killed!.RemoteHost!.split("@")[0]!;
    await pool.asRoot(["pkill", "-9", "-f", `condor_starter.*-a ${slot}`]);
    await until("the held one", async () =>
      (await queued(working)).some((job) => job.JobStatus === HELD && job.HoldReasonCode === 1),
    );
    await pool.run(["condor_release", name(held)]);

    await pool.run(["condor_vacate_job", `${serving}`]);
    await until(
      "the server's second start",
      async () => ((await queued(serving))[0]?.NumJobStarts ?? 0) >= 2,
      60,
    );
    expect(text(workdir, "startup/mq-basename.txt")).toBe(basename);
    await gone(serving);
    expect(text(workdir, "server.out")).toMatch(/^best fit RA .*, 768 fits in/);
    expect(mapIn(path(workdir, "out")).equals(mapIn(reference))).toBe(true);
    expect((await ended(serving))[0]?.ExitCode).toBe(0);
    expect(await pool.run(["condor_history", "-long"])).not.toContain(token);
  }, 300_000);

  test("clients without their startup.json are held, and released; a packed executable serves as well", async () => {
    writeFileSync(path("skyscan.gz"), gzipSync(readFileSync(executable), { level: 1 }));
    own(path("skyscan.gz"));
    mkdirSync(path("late"), { recursive: true });
    own(path("late"));
    const working = await submit("clients.submit", "workdir=late", "jobs=2", "packed=skyscan.gz");
    await until(
      "being held for want of a file",
      async () => (await queued(working)).some((job) => job.HoldReasonCode === 13),
      60,
    );
    const serving = await server("late");
    await gone(serving, 180);
    await gone(working);
    expect(mapIn(path("late", "out")).equals(mapIn(reference))).toBe(true);
    expect((await ended(working)).map((job) => job.ExitCode)).toEqual([0, 0]);
  }, 300_000);

  test("a node where nothing can be unpacked: code 6, then elsewhere; clients started by the original's script", async () => {
    mkdirSync(path("spawned"), { recursive: true });
    own(path("spawned"));
    const bad = ["-append", 'rank = TARGET.Machine == "bad.local"'];
    const serving = await server("spawned", ...bad);
    await until(
      "the server elsewhere",
      async () => {
        const [job] = await queued(serving);
        return (
          job?.ExitCode === 6 &&
          job.JobStatus === RUNNING &&
          job.RemoteHost?.endsWith("@pool.local")
        );
      },
      90,
    );
    const out = await pool.run(
      [
        ...[
          "./spawn_condor_clients.sh",
          "--jobs=3",
          "--scratch",
          "its logs",
          "--auth-token-file",
          "token",
        ],
        ...["--client-startup-json=spawned/startup/startup.json", "--client-args"],
        ...["broker:127.0.0.1", "workers:2", "debug-directory:it's all"],
      ],
      { WAIT_FOR_STARTUP_JSON: "1 minute" },
    );
    const working = Number(/submitted to cluster (\d+)/.exec(out)![1]);
    const [job] = await jobsFrom("condor_q", `${working}`);
    expect(job).toMatchObject({ RequestCpus: 2 });
    await gone(serving, 180);
    await gone(working);
    expect(mapIn(path("spawned", "out")).equals(mapIn(reference))).toBe(true);
    expect(text("its logs", "condor")).toContain("jobs = 3\n");
  }, 300_000);

  test("the desk asks for clients while it has scans, and gives them back; told to end, those it has", async () => {
    for (const name of ["alerts", "the desk"]) mkdirSync(path(name));
    for (const name of ["alerts", "the desk"]) own(path(name));
    const desk = pool.start(
      [
        ...["./skyscan", "serve", "--data", "the desk", "--watch", "alerts", "--workers", "0"],
        ...["--broker", "127.0.0.1", "--condor", "2", "--condor-idle", "15"],
        ...["--reco-algo", "dummy", "--nsides", "8:0", "--seed", "1"],
      ],
      { SKYSCAN_BROKER_TOKEN: token },
    );
    const clusters = async () => [
      ...new Set((await jobsFrom("condor_q")).map(({ ClusterId }) => ClusterId)),
    ];
    /** Lays an alert down. @returns the cluster its clients are */
    const alert = async (name: string, bytes: Uint8Array) => {
      writeFileSync(path(name), bytes);
      own(path(name));
      await pool.run(["mv", name, "alerts/"]);
      return await until(
        "clients to be asked for",
        async () => {
          if (desk.process.exitCode !== null) throw new Error((await desk.exited).stderr);
          return (await clusters())[0];
        },
        60,
      );
    };
    const maps = () =>
      existsSync(path("the desk/scans"))
        ? readdirSync(path("the desk/scans"))
            .map((id) => path("the desk/scans", id, "out"))
            .filter(
              (out) =>
                existsSync(join(out, "scan-manifest.json")) && manifestIn(out).scan.is_complete,
            )
        : [];
    const bytes = readFileSync(simulatedEvent);
    const first = await alert("first.json", bytes);
    const jobs = await queued(first);
    expect(jobs).toHaveLength(2);
    const ads = await pool.run(["condor_q", "-all", "-long"]);
    expect(ads).toContain("--desk");
    expect(ads).not.toContain(token);
    expect(statSync(path("the desk/condor/token")).mode & 0o777).toBe(0o600);
    const [done] = await until("its map", () => (maps().length === 1 ? maps() : undefined), 180);
    expect(mapIn(done!).equals(mapIn(reference))).toBe(true);
    await gone(first, 60);
    const REMOVED = 3;
    expect((await ended(first)).map(({ JobStatus }) => JobStatus)).toEqual([REMOVED, REMOVED]);

    // The same alert, a blank further: it is another file, and the same map.
    const second = await alert("second.json", Buffer.concat([bytes, Buffer.from("\n")]));
    expect(second).toBeGreaterThan(first);
    await until("them at work", async () =>
      (await queued(second)).every(({ JobStatus }) => JobStatus === RUNNING),
    );
    // nsenter and runuser stand between: the desk itself is told.
    await pool.run(["pkill", "-TERM", "-f", "skyscan serve"]);
    expect((await desk.exited).code).toBe(130);
    await gone(second, 60);
    expect(maps()).toHaveLength(1);
  }, 300_000);

  describe("a DAG", () => {
    /** A folder of its own for one DAG; settings by its VARS. */
    async function dag(name: string, vars: Readonly<Record<string, string>>): Promise<string> {
      const all = { broker: "127.0.0.1", reco: "dummy", nsides: "8:0", jobs: "4", ...vars };
      const settings = Object.entries(all).map(([key, value]) => `${key}="${value}"`);
      mkdirSync(path(name));
      for (const file of [
        "skyscan",
        "token",
        event,
        ...readdirSync(join(repository, "scripts/condor")),
      ])
        copyFileSync(path(file), path(name, file));
      const text = readFileSync(path(name, "scan.dag"), "utf8");
      writeFileSync(path(name, "scan.dag"), `${text}\nVARS ALL_NODES ${settings.join(" ")}\n`);
      mkdirSync(path(name, "scan/startup"), { recursive: true });
      writeFileSync(path(name, "scan/startup/startup.json"), '{"mq_basename":"the last scan"}');
      for (const file of ["", ...(readdirSync(path(name), { recursive: true }) as string[])])
        own(path(name, file));
      return await pool.run(["env", "-C", `${there}/${name}`, "condor_submit_dag", "scan.dag"]);
    }
    const end = (name: string) =>
      until(
        "the DAG to end",
        () => /EXITING WITH STATUS (\d+)/.exec(text(name, "scan.dag.dagman.out"))?.[1],
        240,
      );

    test("ends well, with the map and a picture, stale startup.json and bad node or not", async () => {
      await dag("good dag", { event, more: "" });
      expect(await end("good dag")).toBe("0");
      expect(text("good dag", "scan/server.out")).toMatch(/^best fit RA/);
      expect(readdirSync(path("good dag", "scan/out"))).toContain("map.png");
    }, 300_000);

    test("whose server cannot read its event ends badly, and soon: nobody waits for startup.json", async () => {
      writeFileSync(path("no alert.json"), "{}");
      own(path("no alert.json"));
      await dag("bad dag", { event: "../no alert.json" });
      expect(await end("bad dag")).not.toBe("0");
      expect(existsSync(path("bad dag", "scan/out/map.png"))).toBe(false);
      expect((await jobsFrom("condor_q")).length).toBe(0);
    }, 300_000);
  });
});
