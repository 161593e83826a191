import { afterAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { temporaryDirectory } from "../programs.ts";

const scripts = resolve(import.meta.dir, "../../scripts");
const condor = join(scripts, "condor");
const directory = temporaryDirectory();
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** HTCondor's submit language, as far as our files use it: comments, `name = value`, one `queue`. */
function parseSubmit(text: string) {
  const values = new Map<string, string>();
  const macros = new Map<string, boolean>();
  let queue: string | undefined;
  let isCommented = false;
  for (const [n, line] of text.split("\n").entries()) {
    if (line.trim() === "") {
      isCommented = false;
      continue;
    }
    if (line.startsWith("#")) {
      isCommented = true;
      continue;
    }
    if (queue !== undefined) throw new Error(`line ${n + 1}: something after queue`);
    const queued = /^queue\s*(.*)$/i.exec(line);
    if (queued) {
      queue = queued[1]!;
      continue;
    }
    const pair = /^(\+?\w+)\s*=\s*(.*)$/.exec(line);
    if (!pair) throw new Error(`line ${n + 1}: neither comment nor "name = value": ${line}`);
    if (values.has(pair[1]!)) throw new Error(`line ${n + 1}: ${pair[1]} twice`);
    values.set(pair[1]!, pair[2]!);
    macros.set(pair[1]!, isCommented);
  }
  const expand = (value: string, depth = 0): string => {
    if (depth > 20) throw new Error(`endless: ${value}`);
    const next = value
      .replace(/\$ENV\((\w+)\)/g, (_, name) => process.env[name] ?? `$${name}`)
      .replace(/\$BASENAME\((\w+)\)/g, (_, name) => get(name).split("/").at(-1)!)
      .replace(/\$\((\w+)\)/g, (_, name) =>
        ["ClusterId", "ProcId"].includes(name) ? "0" : get(name),
      );
    return next === value ? value : expand(next, depth + 1);
  };
  const get = (name: string): string => {
    const value = values.get(name);
    if (value === undefined) throw new Error(`$(${name}) is defined nowhere`);
    return value;
  };
  return {
    names: [...values.keys()],
    isCommented: (name: string) => macros.get(name) === true,
    value: (name: string) => expand(get(name)),
    queue: queue === undefined ? undefined : expand(queue),
  };
}

/** Commands of the submit language that our files may use. */
const commands = new Set(
  `universe executable arguments getenv should_transfer_files when_to_transfer_output transfer_executable
  transfer_input_files transfer_output_files request_memory request_cpus request_disk requirements on_exit_remove
  periodic_hold periodic_hold_reason kill_sig job_max_vacate_time log output error notification +AccountingGroup`.split(
    /\s+/,
  ),
);

describe("submit files", () => {
  const files = readdirSync(condor).filter((name) => name.endsWith(".submit"));

  test.each(files)("%s parses, every macro is defined and explained", (name) => {
    const submit = parseSubmit(readFileSync(join(condor, name), "utf8"));
    for (const key of submit.names) {
      expect(() => submit.value(key)).not.toThrow();
      // A variable of our own says what it is for, in the comment above it or above its group.
      if (!commands.has(key) && key !== "startup_json")
        expect([key, submit.isCommented(key)]).toEqual([key, true]);
    }
    expect(submit.queue).toMatch(/^\d+$/);
    for (const needed of ["executable", "arguments", "log", "request_memory"])
      expect(submit.names).toContain(needed);
    const words = submit.value("arguments");
    expect(words).toMatch(/^".*"$/);
    expect(words).not.toContain("$(");
    expect(words).not.toMatch(/token/i);
  });

  test("the DAG names files that are there", () => {
    const lines = readFileSync(join(condor, "scan.dag"), "utf8")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"));
    const jobs = new Set<string>();
    for (const line of lines) {
      const words = line.split(/\s+/);
      if (words[0] === "JOB") {
        jobs.add(words[1]!);
        expect(files).toContain(words[2]!);
      } else if (words[0] === "SCRIPT") {
        expect(words[1]).toBe("PRE");
        expect(existsSync(resolve(condor, words[3]!))).toBe(true);
      } else if (words[0] === "PARENT") expect(line).toBe("PARENT server CHILD plot");
      else expect(words[0]).toBe("RETRY");
    }
    expect([...jobs]).toEqual(["server", "clients", "plot"]);
  });
});

describe("spawn_condor_clients.sh", () => {
  const spawnScript = join(condor, "spawn_condor_clients.sh");
  const startup = join(directory, "startup", "startup.json");
  mkdirSync(dirname(startup));
  writeFileSync(startup, "{}");
  const run = (...args: string[]) =>
    spawnSync(spawnScript, args, { env: { ...process.env, SKYSCAN_STARTUP_TIMEOUT_SEC: "0" } });
  const good = [
    ...["--jobs", "7", "--memory", "500MB", "--startup-json", startup, "--dryrun"],
    ...["--executable", process.execPath, "--scratch", join(directory, "scratch")],
    ...["--client-args", "broker:mqtts://b.example.org:8883", "workers:2"],
  ];

  test("--dryrun writes the submit file and submits nothing", () => {
    const { status, stderr } = run(...good, "--accounting-group", "1_week");
    expect({ status, stderr: stderr.toString() }).toMatchObject({ status: 0 });
    const submit = parseSubmit(readFileSync(join(directory, "scratch", "condor"), "utf8"));
    expect(submit.queue).toBe("7");
    expect(submit.value("request_memory")).toBe("500MB");
    expect(submit.value("arguments")).toBe(
      '"client --broker mqtts://b.example.org:8883 --workers 2 --startup-json startup.json"',
    );
    expect(submit.value("+AccountingGroup")).toMatch(/^"1_week\.\w+"$/);
    for (const key of submit.names) expect(commands).toContain(key);
  });

  test.each([
    ["no jobs", ["--memory", "1GB"], /--jobs/],
    ["no such flag", ["--jobs", "1", "--colour", "blue"], /unknown flag --colour/],
    ["the token as argument", [...good, "auth-token:secret"], /SKYSCAN_AUTH_TOKEN/],
    ["another startup.json", [...good, "startup-json:x"], /use --startup-json/],
    ["no startup.json in time", good.with(5, join(directory, "none")), /waited/],
  ])("%s: refused", (_, args, message) => {
    const { status, stderr } = run(...args);
    expect(status).toBe(2);
    expect(stderr.toString()).toMatch(message);
  });
});

test("shell scripts are sound, YAML has no tabs", () => {
  for (const name of readdirSync(scripts, { recursive: true }) as string[]) {
    const file = join(scripts, name);
    const shell = name.endsWith(".sh") ? "sh" : name.endsWith(".sbatch") ? "bash" : undefined;
    if (shell) expect([name, spawnSync(shell, ["-n", file]).status]).toEqual([name, 0]);
    if (name.endsWith(".yaml")) expect(readFileSync(file, "utf8")).not.toContain("\t");
  }
});
