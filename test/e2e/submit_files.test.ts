import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { testFolder } from "../folder.ts";

const scripts = resolve(import.meta.dir, "../../scripts");
const condor = join(scripts, "condor");
const directory = testFolder();

/**
 * HTCondor's submit language, as far as our files use it: comments, `name = value`, `if defined`, one `queue`.
 * What HTCondor itself makes of them is for `make test-condor` to say.
 * @param given set on the command line
 */
function parseSubmit(text: string, given: Readonly<Record<string, string>> = {}) {
  const values = new Map(Object.entries(given));
  /** Of our own variables: whether a comment stands above. */
  const explained = new Map<string, boolean>();
  const conditions: boolean[] = [];
  let queue: string | undefined;
  let isCommented = false;
  for (const [n, line] of text
    .split("\n")
    .map((l) => l.trim())
    .entries()) {
    if (line === "") isCommented = false;
    if (line === "" || line.startsWith("#")) {
      isCommented ||= line !== "";
      continue;
    }
    const condition = /^if (! )?defined (\w+)$/.exec(line);
    if (condition) {
      const [, not, name] = condition;
      if (not) explained.set(name!, isCommented);
      conditions.push(values.has(name!) === (not === undefined));
    } else if (line === "else") conditions.push(!conditions.pop());
    else if (line === "endif") conditions.pop();
    else if (!conditions.includes(false)) {
      if (queue !== undefined) throw new Error(`line ${n + 1}: something after queue`);
      const pair = /^(\+?\w+)\s*=\s*(.*)$/.exec(line);
      if (pair) values.set(pair[1]!, pair[2]!);
      else if (line.startsWith("queue ")) queue = line.slice("queue ".length);
      else throw new Error(`line ${n + 1}: neither comment nor "name = value": ${line}`);
    }
  }
  if (conditions.length > 0) throw new Error("an if without its endif");
  const expand = (value: string, depth = 0): string => {
    if (depth > 20) throw new Error(`endless: ${value}`);
    const next = value
      .replace(/\$BASENAME\((\w+)\)/g, (_, name) => get(name).split("/").at(-1)!)
      .replace(/\$Ff\((\w+)\)/g, (_, name) => resolve("/submitted/from", get(name)))
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
    settings: [...explained.entries()],
    value: (name: string) => expand(get(name)),
    queue: queue === undefined ? undefined : expand(queue),
  };
}

describe("submit files", () => {
  const files = readdirSync(condor).filter((name) => name.endsWith(".submit"));
  const read = (name: string) => readFileSync(join(condor, name), "utf8");

  test.each(files)("%s parses, every macro is defined, every setting explained", (name) => {
    const submit = parseSubmit(read(name));
    for (const key of submit.names) expect(() => submit.value(key)).not.toThrow();
    for (const setting of submit.settings) expect(setting).toEqual([setting[0], true]);
    expect(submit.queue).toMatch(/^\d+$/);
    for (const needed of ["executable", "arguments", "log", "request_memory"])
      expect(submit.names).toContain(needed);
    const words = submit.value("arguments");
    expect(words).toMatch(/^".*"$/);
    expect(words).not.toContain("$(");
  });

  test.each(files)(
    "%s takes nothing from the environment: the token would be in the job's ad",
    (name) => {
      expect(read(name)).not.toMatch(/^\s*(getenv|environment)\s*=|\$ENV\(/im);
    },
  );

  test("what the command line sets wins over the file", () => {
    const given = { jobs: "3", workers: "2", broker: "b:1", workdir: "/data/my scan" };
    const clients = parseSubmit(read("clients.submit"), given);
    expect(clients.queue).toBe("3");
    expect(clients.value("request_memory")).toBe("150 + 150 * 2");
    expect(clients.value("transfer_input_files")).toBe("/data/my scan/startup/startup.json, token");
    expect(clients.value("arguments")).toBe(
      "\"client --startup-json 'startup.json' --broker b:1 --auth-token-file 'token' --workers 2 --timeout-to-clients 600 --idle-ok \"",
    );
    const packed = parseSubmit(read("clients.submit"), { packed: "dist/skyscan.zst" });
    expect(packed.value("executable")).toBe("unpack.sh");
    expect(packed.value("arguments")).toStartWith("\"'skyscan.zst' client ");
  });

  test("the DAG names files that are there", () => {
    const lines = readFileSync(join(condor, "scan.dag"), "utf8")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => line.split(/\s+/));
    const nodes = lines.filter(([word]) => word === "JOB" || word === "FINAL");
    expect(nodes.map(([, name]) => name)).toEqual(["prepare", "server", "clients", "plot"]);
    for (const [, , file] of nodes) expect(files).toContain(file!);
    for (const line of lines)
      for (const word of line.filter((w) => w.startsWith("./")))
        expect(existsSync(join(condor, word))).toBe(true);
  });

  test.each([
    ["there", "0", 0],
    ["there", "1", 0],
    ["not yet", "0", 62],
    ["not any more, the server has failed", "1", 1],
  ])("clients_may_start.sh: startup.json is %s (%s nodes failed): %i", (where, failed, code) => {
    const file = where === "there" ? import.meta.path : join(directory, "nothing");
    const { status } = spawnSync(join(condor, "clients_may_start.sh"), [file, failed]);
    expect(status).toBe(code);
  });
});

describe("spawn_condor_clients.sh", () => {
  const spawnScript = join(condor, "spawn_condor_clients.sh");
  const startup = join(directory, "startup", "startup.json");
  mkdirSync(dirname(startup));
  writeFileSync(startup, "{}");
  const token = join(directory, "a token");
  writeFileSync(token, "secret", { mode: 0o600 });
  const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    spawnSync(spawnScript, args, {
      cwd: directory,
      env: { ...process.env, WAIT_FOR_STARTUP_JSON: "0", ...env },
    });
  const submitted = (scratch: string) =>
    parseSubmit(readFileSync(join(directory, scratch, "condor"), "utf8"));
  const good = [
    ...["--jobs", "7", "--memory", "500MB", "--startup-json", startup, "--dryrun"],
    ...["--executable", process.execPath, "--scratch", "scratch", "--auth-token-file", token],
    ...["--client-args", "broker:mqtts://b.example.org:8883", "workers:2"],
  ];

  test("--dryrun writes the submit file and submits nothing", () => {
    const { status, stderr } = run([...good, "--accounting-group", "1_week"]);
    expect({ status, stderr: stderr.toString() }).toMatchObject({ status: 0 });
    const submit = submitted("scratch");
    expect(submit.queue).toBe("7");
    expect(submit.value("request_memory")).toBe("500MB");
    expect(submit.value("request_cpus")).toBe("2");
    expect(submit.value("arguments")).toBe(
      "\"client --startup-json 'startup.json' --broker mqtts://b.example.org:8883 --auth-token-file 'a token' --workers 2 --timeout-to-clients 600 --idle-ok \"",
    );
    expect(submit.value("+AccountingGroup")).toMatch(/^"1_week\.\w+"$/);
    expect(submit.value("periodic_hold")).toBe("(NumJobStarts > 10) && (JobStatus == 1)");
    // A relative --scratch is where the script was called.
    expect(submit.value("log")).toBe(join(realpathSync(directory), "scratch/clients.log"));
  });

  test("--flag=value, the original's --client-startup-json, memory by workers, words with blanks and quotes", () => {
    const { status, stderr } = run([
      ...["--jobs=2", `--client-startup-json=${startup}`, "--dryrun", "--scratch=other"],
      ...[`--executable=${process.execPath}`, `--auth-token-file=${token}`],
      ...["--client-args", "broker:b", 'photon-tables:it\'s "a dir"', "idle-ok:"],
    ]);
    expect({ status, stderr: stderr.toString() }).toMatchObject({ status: 0 });
    const submit = submitted("other");
    expect(submit.queue).toBe("2");
    expect(submit.value("request_memory")).toBe("150 + 150 * 1");
    expect(submit.value("more")).toBe("--photon-tables 'it''s \"\"a dir\"\"' --idle-ok");
  });

  test("SKYSCAN_AUTH_TOKEN becomes a file of its owner's", () => {
    const args = good.filter((_, n) => ![11, 12].includes(n)).with(10, "by variable");
    const { status } = run(args, { SKYSCAN_AUTH_TOKEN: "by variable" });
    expect(status).toBe(0);
    const file = join(directory, "by variable", "token");
    expect(readFileSync(file, "utf8")).toBe("by variable\n");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(submitted("by variable").value("token")).toBe(realpathSync(file));
  });

  test.each([
    ["no jobs", ["--memory", "1GB"], /--jobs/],
    ["no such flag", ["--jobs", "1", "--colour", "blue"], /unknown flag --colour/],
    ["the token as argument", [...good, "auth-token:secret"], /--auth-token-file/],
    ["another startup.json", [...good, "startup-json:x"], /use --startup-json/],
    ["no startup.json in time", good.with(5, join(directory, "none")), /waited 0 seconds/],
    ["no broker", good.slice(0, -3), /broker:URL is missing/],
    ["no token file", good.with(12, join(directory, "none")), /none: cannot be read/],
  ])("%s: refused", (_, args, message) => {
    const { status, stderr } = run(args);
    expect(status).toBe(2);
    expect(stderr.toString()).toMatch(message);
  });
});

describe("wait_for_startup_json.sh", () => {
  const waiting = (env: Readonly<Record<string, string>>) =>
    spawnSync(join(scripts, "launch_scripts/wait_for_startup_json.sh"), [directory], {
      env: { ...process.env, ...env },
    });
  test.each([["0"], ["0 seconds"], ["1 second ago"]])(
    "WAIT_FOR_STARTUP_JSON=%s, in vain",
    (limit) => {
      const { status, stdout } = waiting({ WAIT_FOR_STARTUP_JSON: limit });
      expect({ status, stdout: stdout.toString() }).toMatchObject({ status: 62 });
    },
  );
});

test("the Kubernetes Job's failure policy is one its API takes", () => {
  const job = Bun.YAML.parse(readFileSync(join(scripts, "kubernetes/clients.yaml"), "utf8")) as {
    spec: { podFailurePolicy: { rules: Rule[] }; template: { spec: { restartPolicy: string } } };
  };
  interface Rule {
    action: string;
    onExitCodes?: { operator: string; values: number[] };
    onPodConditions?: { type: string; status?: string }[];
  }
  // As the API's reference has it: each rule one of the two, status required, 0 no exit code of a failure.
  expect(job.spec.template.spec.restartPolicy).toBe("Never");
  const { rules } = job.spec.podFailurePolicy;
  for (const { action, onExitCodes, onPodConditions } of rules) {
    expect(["FailJob", "FailIndex", "Ignore", "Count"]).toContain(action);
    expect([onExitCodes, onPodConditions].filter((x) => x !== undefined)).toHaveLength(1);
    for (const { status } of onPodConditions ?? []) expect(status).toBe("True");
    if (onExitCodes?.operator === "In") expect(onExitCodes.values).not.toContain(0);
  }
  const actionOf = (code: number) =>
    rules.find(({ onExitCodes }) => onExitCodes?.values.includes(code))?.action;
  expect([2, 6].map(actionOf)).toEqual(["FailJob", "Count"]);
});

test("shell scripts are sound, YAML has no tabs", () => {
  for (const name of readdirSync(scripts, { recursive: true }) as string[]) {
    const file = join(scripts, name);
    const shell = name.endsWith(".sh") ? "sh" : name.endsWith(".sbatch") ? "bash" : undefined;
    if (shell) expect([name, spawnSync(shell, ["-n", file]).status]).toEqual([name, 0]);
    if (name.endsWith(".yaml")) expect(readFileSync(file, "utf8")).not.toContain("\t");
  }
});
