import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readNpz } from "../../src/result/npz.ts";
import { provenanceOf } from "../../src/result/provenance.ts";
import { endsWell } from "../distributed.ts";
import { testFolder } from "../folder.ts";
import { fitsDoneIn, manifestIn, mapIn, simulatedEvent, skyscan, until } from "../programs.ts";

const directory = testFolder();

const quick = { SKYSCAN_DUMMY_SECONDS: "0,0.002" };
const nsides = ["--nsides", "2:0", "8:12"];

const dummy = ["scan", simulatedEvent, "--reco-algo", "dummy", "--seed", 7, ...nsides];

/** Child processes of a process. */
const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);

describe("skyscan scan", () => {
  let reference: Buffer;

  test("writes map, pictures and manifest, and prints the best fit last", async () => {
    const output = join(directory, "one");
    const run = skyscan([...dummy, "--workers", 1, "-o", output], quick);
    const { stdout } = await endsWell(run);
    const lines = stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /^best fit RA \d+\.\d{4}° Dec -?\d+\.\d{4}°, zenith \d+\.\d{4}° azimuth \d+\.\d{4}°, llh [\d.e-]+, \d+ fits in \d+\.\d s$/,
    );
    const files = readdirSync(output)
      .map((file) => file.replace(/^.*_2_8/, ""))
      .sort();
    expect(files).toEqual([
      ".circular.txt",
      ".contour_50.txt",
      ".contour_90.txt",
      ".contours.geojson",
      ".contours.reg",
      ".json",
      ".manifest.json",
      ".moc.fits",
      ".npz",
      ".png",
      ".skymap_probdensity_multiorder.fits.gz",
      ".svg",
      "scan-manifest.json",
    ]);
    const manifest = manifestIn(output);
    expect(manifest.scan).toMatchObject({ state: "done", is_complete: true, reco_algo: "dummy" });
    expect(manifest.progress.recos.done).toBe(manifest.progress.recos.sent);
    expect(manifest.missing.count).toBe(0);
    const [file] = readdirSync(output).filter((name) => name.endsWith(".npz"));
    const map = readNpz(readFileSync(join(output, file!)), file!);
    const sha256 = createHash("sha256").update(readFileSync(simulatedEvent)).digest("hex");
    expect(provenanceOf(map)).toEqual({
      levels: "statistical 50=1.39 90=4.61 99.73=11.83",
      recoAlgo: "dummy",
      detector: expect.stringContaining("IC86"),
      version: manifest.scan.version,
      eventSha256: sha256,
      commandLine: ["skyscan", ...dummy, "--workers", 1, "-o", output].join(" "),
    });
    expect(manifest.event.sha256).toBe(sha256);
    expect(manifest.scan.command_line).toBe(provenanceOf(map).commandLine!);
    reference = mapIn(output);
  }, 120_000);

  test("four workers make the same map, byte for byte", async () => {
    const output = join(directory, "four");
    const run = skyscan([...dummy, "--workers", 4, "-o", output], quick);
    await endsWell(run);
    expect(mapIn(output).equals(reference)).toBe(true);
  }, 120_000);

  test("so do workers of which one after another is killed", async () => {
    const output = join(directory, "killed");
    const run = skyscan([...dummy, "--workers", 3, "-o", output], {
      SKYSCAN_DUMMY_SECONDS: "0.02,0.05",
      SKYSCAN_PROGRESS_INTERVAL_SEC: "0.1",
    });
    const { pid } = run.process;
    await until("some fits", () => fitsDoneIn(output) > 3);
    for (let kills = 0; kills < 3; kills++) {
      const [victim] = await until("workers", () => {
        const children = childrenOf(pid);
        return children.length === 3 ? children : undefined;
      });
      process.kill(victim!, "SIGKILL");
      await until("its death", () => !childrenOf(pid).includes(victim!));
    }
    await endsWell(run);
    expect(mapIn(output).equals(reference)).toBe(true);
  }, 120_000);

  test("splinempe refined to its contour, by one worker, and by three, interrupted there: the same map", async () => {
    const scan = ["scan", simulatedEvent, "--nsides", "1:0", "2:2", "--refine-to-contour"];
    const whole = join(directory, "refined");
    await endsWell(skyscan([...scan, "--workers", 1, "-o", whole]));
    expect(manifestIn(whole).scan).toMatchObject({
      ...{ refine_to_contour: true, nsides: "1:0 2:2" },
      light: expect.stringContaining("embedded"),
    });
    const [map] = readdirSync(whole).filter((name) => name.endsWith(".npz"));
    expect(map).toMatch(/_1_2_4_8_16_[\d_]+\.npz$/);
    const { nsides } = readNpz(readFileSync(join(whole, map!)), map!);
    expect(map).toContain(`_${[...nsides.keys()].join("_")}.npz`);

    const output = join(directory, "refined-again");
    const dirs = ["-o", output, "--cache-dir", join(directory, "refined-cache"), "--workers", 3];
    const first = skyscan([...scan, ...dirs], {
      SKYSCAN_PROGRESS_INTERVAL_SEC: "0.1",
      SKYSCAN_RESULT_INTERVAL_SEC: "0.1",
    });
    const isBeyond = () => fitsDoneIn(output) > 0 && 8 in manifestIn(output).progress.by_nside;
    await until("a stage beyond", isBeyond);
    first.process.kill("SIGINT");
    expect((await first.exited).code).toBe(130);
    await endsWell(skyscan([...scan, ...dirs]));
    // Nothing is left under the names it has outgrown.
    const kept = readdirSync(output).filter((name) =>
      /\.npz$|(?<!scan-)manifest\.json$/.test(name),
    );
    expect(kept.sort()).toEqual([map!.replace(/npz$/, "manifest.json"), map!]);
    expect(mapIn(output).equals(mapIn(whole))).toBe(true);
  }, 120_000);

  test("with a cache, Ctrl-C saves, and the same command goes on to the same map", async () => {
    const output = join(directory, "resumed");
    const dirs = ["-o", output, "--cache-dir", join(directory, "cache"), "--workers", 2];
    const first = skyscan([...dummy, ...dirs], {
      SKYSCAN_DUMMY_SECONDS: "0.05,0.1",
      SKYSCAN_PROGRESS_INTERVAL_SEC: "0.2",
    });
    await until("some fits", () => fitsDoneIn(output) > 5);
    // Twice at once, as timeout(1) does: one wish.
    first.process.kill("SIGINT");
    first.process.kill("SIGTERM");
    const stopped = await first.exited;
    expect(stopped.code).toBe(130);
    expect(stopped.stdout).toBe("");
    expect(stopped.stderr).toMatch(/interrupted; \d+ of 48 fits sent are missing/);
    const second = await endsWell(skyscan([...dummy, ...dirs], quick));
    expect(second.stderr).toMatch(/resumed: \d+ fits are done already/);
    expect(mapIn(output).equals(reference)).toBe(true);
  }, 120_000);
});

describe("bad usage ends with one line and code 2, and nothing is written", () => {
  const broken = join(directory, "broken.json");
  writeFileSync(broken, '{"value": {"data"');
  const cases: [string, (string | number)[]][] = [
    ["missing file", ["/no/such/file.json"]],
    ["truncated JSON", [broken]],
    ["unknown reco", [simulatedEvent, "--reco-algo", "telepathy"]],
    ["nsides out of order", [simulatedEvent, "--nsides", "64:0", "8:12"]],
    ["unwritable output", [simulatedEvent, "-o", "/proc/nowhere"]],
    ["no number", [simulatedEvent, "--workers", "many"]],
    ["both kinds of event", [simulatedEvent, "--real-event", "--simulated-event"]],
    ["unknown log level", [simulatedEvent, "--log", "LOUD"]],
  ];
  test.concurrent.each(cases)(
    "%s",
    async (name, args) => {
      const output = join(directory, `bad ${name}`);
      const all = args.includes("-o") ? args : [...args, "-o", output];
      const { code, stdout, stderr } = await skyscan(["scan", ...all]).exited;
      expect(code).toBe(2);
      expect(stdout).toBe("");
      const lines = stderr.split("\n").filter((line) => /error/i.test(line));
      expect(lines).toHaveLength(1);
      expect(readdirSync(directory)).not.toContain(`bad ${name}`);
    },
    60_000,
  );
});
