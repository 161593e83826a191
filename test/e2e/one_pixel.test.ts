/** The client of one fit, as an EWMS pilot starts it. */
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readFitAnswer } from "../../src/ewms/messages.ts";
import { openBroker } from "../distributed.ts";
import { taskFiles, writeTask } from "../ewms/task_files.ts";
import { testFolder } from "../folder.ts";
import { ownMounts } from "../machine.ts";
import { program, simulatedEvent, skyscan, start, until } from "../programs.ts";
import { describeShared, shared } from "../shared.ts";

const directory = testFolder();
const path = (...names: string[]) => join(directory, ...names);

const original = join(import.meta.dir, "../ewms/original.py");
const offline = { SKYSCAN_DATA_SOURCE: "none" };
const json = (file: string) => JSON.parse(readFileSync(file, "utf8"));
const lastLine = (text: string) => text.trimEnd().split("\n").at(-1);

interface Described {
  readonly class: string;
  readonly members: [string, string][];
  readonly values: Record<string, string>;
}

/** What CPython's pickle makes of outfiles. */
async function unpickled(files: readonly string[]): Promise<Described[]> {
  const { code, stdout, stderr } = await start(["/usr/bin/python3", original, "answer", ...files])
    .exited;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout);
}

describeShared("the original's tasks, with the built-in light and detector", () => {
  test("an answer to each, of the original's types in its order", async () => {
    const hub = path("hub");
    mkdirSync(hub);
    const env = { ...offline, EWMS_TASK_DATA_HUB_DIR: hub };
    for (const [name] of taskFiles) {
      const files = (file: string) => shared("oracle/task_files", name, file);
      const task = ["--infile", files("in.json"), "--client-startup-json", files("startup.json")];
      const outfile = path(`${name.replace("/", "-")}.json`);
      const { code, stderr } = await skyscan(["client", ...task, "--outfile", outfile], env).exited;
      expect({ code, last: lastLine(stderr) }).toMatchObject({ code: 0 });
    }
    const ours = await unpickled(taskFiles.map(([name]) => path(`${name.replace("/", "-")}.json`)));
    const theirs = await unpickled(
      taskFiles.map(([name]) => shared("oracle/task_files", name, "out.json")),
    );
    for (const [i, [, fit]] of taskFiles.entries()) {
      expect(ours[i]!.class).toBe("RecoPixelVariation");
      expect(ours[i]!.members).toEqual(theirs[i]!.members);
      const { id_tuple, energy, reco_losses_total } = ours[i]!.values;
      expect(id_tuple).toBe(`(${fit.nside}, ${fit.pixel}, ${fit.posvar})`);
      expect(energy).toBe("nan");
      // Other light, other numbers; but numbers where the original has some.
      expect(reco_losses_total === "nan").toBe(theirs[i]!.values.reco_losses_total === "nan");
      expect(Number(ours[i]!.values.llh)).toBeGreaterThan(0);
    }
    // Each event is prepared once for each algorithm.
    expect(readdirSync(join(hub, "skyscan-cache")).length).toBe(taskFiles.length);
  }, 120_000);
});

describe("a task", () => {
  const quick = { ...offline, SKYSCAN_DUMMY_SECONDS: "0,0" };
  const answerIn = (name: string) => readFitAnswer(json(path(name, "out.json"))).result;

  test("from the pilot's variables alone; the second takes the prepared event, and makes the same", async () => {
    await writeTask(path("plain"), "splinempe");
    const hub = path("plain");
    const run = async (outfile: string) => {
      const env = {
        ...offline,
        EWMS_TASK_INFILE: path("plain", "in.json"),
        EWMS_TASK_OUTFILE: path("plain", outfile),
        EWMS_TASK_DATA_HUB_DIR: hub,
      };
      const { code, stdout } = await skyscan(["client"], env).exited;
      expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
      return readFitAnswer(json(path("plain", outfile))).result;
    };
    const first = await run("out.json");
    const [kept, ...more] = readdirSync(join(hub, "skyscan-cache"));
    expect(more).toEqual([]);
    expect(await run("again.json")).toEqual(first);
    // One that is damaged is made anew.
    const file = join(hub, "skyscan-cache", kept!);
    const whole = readFileSync(file);
    writeFileSync(file, whole.subarray(0, whole.length / 2));
    expect(await run("mended.json")).toEqual(first);
    expect(readFileSync(file).equals(whole)).toBe(true);
  }, 60_000);

  test("many at once with one data hub", async () => {
    const flags = await writeTask(path("many"), "splinempe");
    const outfiles = ["a", "b", "c", "d"].map((name) => path("many", `${name}.json`));
    const runs = outfiles.map((outfile) =>
      skyscan(["client", ...flags, "--outfile", outfile], offline),
    );
    for (const { exited } of runs) expect((await exited).code).toBe(0);
    const [first, ...others] = outfiles.map((file) => readFitAnswer(json(file)).result);
    for (const other of others) expect(other).toEqual(first!);
    expect(readdirSync(path("many", "skyscan-cache")).length).toBe(1);
  }, 60_000);

  const broken: [what: string, change: (name: string) => void, says: RegExp][] = [
    [
      "an outfile that is there",
      (name) => writeFileSync(path(name, "out.json"), "theirs"),
      /^InputError: .*out\.json: is there already$/,
    ],
    [
      "an infile that is not there",
      (name) => rmSync(path(name, "in.json")),
      /^InputError: .*in\.json: cannot be read \(ENOENT\)$/,
    ],
    [
      "an infile cut short",
      (name) => {
        const text = readFileSync(path(name, "in.json"), "utf8");
        writeFileSync(path(name, "in.json"), text.slice(0, 300));
      },
      /^InputError: .*in\.json: no JSON/,
    ],
    [
      "a pickle that would run a command",
      (name) => {
        const pickle = Buffer.from("cos\nsystem\n(S'true'\ntR.").toString("base64");
        const document = { ...json(path(name, "in.json")), pframe_pkl_b64: pickle };
        writeFileSync(path(name, "in.json"), JSON.stringify(document));
      },
      /^InputError: .*in\.json: pframe_pkl_b64: .*"os\.system".*refused/,
    ],
    [
      "an algorithm nobody knows",
      (name) => {
        const document = { ...json(path(name, "in.json")), reco_algo: "crystal_ball" };
        writeFileSync(path(name, "in.json"), JSON.stringify(document));
      },
      /^InputError: unknown reconstruction algorithm "crystal_ball"/,
    ],
    [
      "a start-up file without event",
      (name) => writeFileSync(path(name, "startup.json"), '{"baseline_GCD_file":""}'),
      /^InputError: .*startup\.json: GCDQp_packet/,
    ],
  ];
  test.each(broken)(
    "%s: code 2, a last line that names it, no answer",
    async (what, change, says) => {
      const name = what.replaceAll(/\W/g, "-");
      const flags = await writeTask(path(name), "dummy");
      change(name);
      const { code, stderr } = await skyscan(["client", ...flags], quick).exited;
      expect({ code, last: lastLine(stderr) }).toEqual({
        code: 2,
        last: expect.stringMatching(says),
      });
      const left = path(name, "out.json");
      if (existsSync(left)) expect(readFileSync(left, "utf8")).toBe("theirs");
    },
  );

  test("with the tables and the baseline it is told to take, or another machine is to try", async () => {
    const flags = await writeTask(path("strict"), "splinempe");
    const strict = ["--photon-tables", path("strict")];
    const { code, stderr } = await skyscan(["client", ...flags, ...strict], offline).exited;
    expect({ code, last: lastLine(stderr) }).toEqual({
      code: 6,
      last: expect.stringMatching(/^MachineError: no photon table/),
    });
  });

  test("killed in mid-fit: no answer", async () => {
    const flags = await writeTask(path("killed"), "dummy");
    const slow = { ...offline, SKYSCAN_DUMMY_SECONDS: "600,600" };
    const running = skyscan(["client", ...flags], slow);
    await until("the fit to begin", () => existsSync(path("killed", "skyscan-cache")));
    running.process.kill("SIGTERM");
    expect((await running.exited).code).not.toBe(0);
    expect(existsSync(path("killed", "out.json"))).toBe(false);
  });

  test.skipIf(ownMounts === undefined)(
    "on a full disk: no answer, and a line that says so",
    async () => {
      const flags = await writeTask(path("full"), "dummy");
      mkdirSync(path("full", "disk"));
      const script = `mount -t tmpfs -o size=4k tmpfs "$DISK" && head -c 4096 /dev/zero > "$DISK/ballast" || exit 99
      "$@"; code=$?; ls "$DISK"; exit $code`;
      const task = [...program, "client", ...flags, "--outfile", path("full", "disk", "out.json")];
      const env = { ...quick, DISK: path("full", "disk") };
      const { code, stdout, stderr } = await start(
        [...ownMounts!, "sh", "-c", script, "sh", ...task],
        env,
      ).exited;
      expect({ code, stdout, last: lastLine(stderr) }).toEqual({
        code: 2,
        stdout: "ballast\n",
        last: expect.stringMatching(
          /^InputError: .*out\.json: cannot be written, the disk is full/,
        ),
      });
    },
  );

  test("that is a broker's client: it stays until the scan is over, and sums up in the outfile", async () => {
    const broker = ["--broker", (await openBroker()).url];
    const startup = path("batch", "startup.json");
    mkdirSync(path("batch"));
    const server = skyscan(
      [
        ...["server", "--reco-algo", "dummy", "--seed", "1", "--nsides", "1:0", ...broker],
        ...["-e", simulatedEvent, "-c", path("batch", "cache"), "-o", path("batch", "out")],
        ...["--client-startup-json", startup],
      ],
      quick,
    );
    await until("startup.json", () => existsSync(startup));
    const outfile = path("batch", "out.json");
    const env = { ...quick, EWMS_TASK_INFILE: path("batch", "none"), EWMS_TASK_OUTFILE: outfile };
    const task = ["client", "--batch", ...broker, "--startup-json", startup];
    expect((await skyscan(task, env).exited).code).toBe(0);
    expect((await server.exited).code).toBe(0);
    expect(json(outfile)).toEqual({
      batch: { fits: expect.any(Number), failures: 0, why: "the scan is done" },
    });
    // A second one finds it there, and leaves it.
    const { code, stderr } = await skyscan(task, env).exited;
    expect({ code, last: lastLine(stderr) }).toEqual({
      code: 2,
      last: expect.stringMatching(/^InputError: .*out\.json: is there already$/),
    });
  }, 120_000);

  test("answered for the original's server", async () => {
    await writeTask(path("dummy"), "dummy").then(
      (flags) => skyscan(["client", ...flags], quick).exited,
    );
    const [answer] = await unpickled([path("dummy", "out.json")]);
    expect(answer!.values.id_tuple).toBe("(8, 321, 2)");
    expect(answerIn("dummy").llh).toBe(Number(answer!.values.llh));
  });
});
