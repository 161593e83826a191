import { afterEach, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startBroker } from "../../src/mq/broker.ts";
import { openBroker, openServer } from "../distributed.ts";
import { testFolder } from "../folder.ts";
import {
  fitsDoneIn,
  freePort,
  manifestIn,
  program,
  simulatedEvent,
  skyscan,
  start,
  stopAll,
  until,
} from "../programs.ts";

const folder = testFolder();
afterEach(stopAll);

const slow = { SKYSCAN_DUMMY_SECONDS: "0.3,0.3", SKYSCAN_PROGRESS_INTERVAL_SEC: "0.1" };
const quick = { SKYSCAN_DUMMY_SECONDS: "0,0" };
const dummy = ["--reco-algo", "dummy", "--nsides", "4:0"];

/** What a command says when it ends: its exit code and its lines, without blank ones. */
async function ended(run: ReturnType<typeof skyscan>) {
  const { code, stderr } = await run.exited;
  return { code, lines: stderr.split("\n").filter((line) => line.trim() !== "") };
}

describe("ends at once, and says why in one line", () => {
  test("a broker whose port is in use", async () => {
    const first = await startBroker({ host: "127.0.0.1", port: 0 });
    const { code, lines } = await ended(skyscan(["broker", "--port", first.port]));
    await first.close();
    expect(code).toBe(3);
    expect(lines).toEqual([expect.stringContaining(`cannot listen on 127.0.0.1:${first.port}`)]);
  });

  test.each<[readonly (string | number)[], number, RegExp]>([
    [["broker", "--port", 70000], 2, /'--port <n>' argument '70000' is invalid/],
    [["broker", "--host", "no.such.host.invalid", "-a", "x".repeat(20)], 2, /--host no\.such/],
    [["broker", "--host", "192.0.2.1", "-a", "x".repeat(20)], 3, /cannot listen on 192\.0\.2\.1/],
    [["broker", "--cert", "x.pem"], 2, /--cert and --key belong together/],
    [["client", "--mq-basename", "x", "-b", "mqtt://a:%zz@h"], 2, /percent-encoded/],
    [
      ["client", "--mq-basename", "x", "-b", "mqtts://h", "--ca-file", simulatedEvent],
      2,
      /--ca-file .*expected a certificate as PEM text/,
    ],
    [["nonsense"], 2, /there is no "nonsense"/],
    [["nonsense", "--help"], 2, /there is no "nonsense"/],
    [["result", "nonsense", "--help"], 2, /there is no "nonsense"/],
    [["help", "nonsense"], 2, /there is no "nonsense"/],
    [["help", "nonsense", "--help"], 2, /there is no "nonsense"/],
    [["help", "result", "nonsense"], 2, /there is no "nonsense"/],
    [["help", "toString"], 2, /there is no "toString"/],
    [["scan", simulatedEvent, "--reco-timeout", "1e300"], 2, /--reco-timeout.*"1e300"/],
    [["scan", simulatedEvent, "--workers", "1000000"], 2, /--workers.*"1000000"/],
  ])("skyscan %j", async (args, code, line) => {
    const end = await ended(skyscan(args));
    expect(end.code).toBe(code);
    expect(end.lines.filter((text) => !text.startsWith("(add --help"))).toEqual([
      expect.stringMatching(line),
    ]);
  });

  test("status with nobody there", async () => {
    const { code, lines } = await ended(
      skyscan(["status", "-b", `127.0.0.1:${await freePort()}`, "--mq-basename", "x"]),
    );
    expect(code).toBe(3);
    expect(lines).toEqual([expect.stringMatching(/cannot reach the broker .*REFUSED/)]);
  });

  test("status with less time than connecting takes", async () => {
    // It listens and never answers.
    const mute = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const run = ["status", "-b", `127.0.0.1:${mute.port}`, "--mq-basename", "x", "--timeout", 0.2];
    const { code, lines } = await ended(skyscan(run));
    mute.stop(true);
    expect(code).toBe(4);
    expect(lines).toEqual([expect.stringContaining("no scan found")]);
  });
});

test.each([
  ["skyscan:S3cr3tW0rd://h"],
  ["S3cr3tW0rd://skyscan@h"],
  ["mqtt//skyscan:S3cr3tW0rd@h"],
  ["mqtt:/skyscan:S3cr3tW0rd@h"],
  ["mqtt://skyscan:S3cr3t/W0rd@h:1"],
  ["mqtt://skyscan:S3cr3tW0rd%zz@h:1"],
  ["mqtt://h:S3cr3tW0rd"],
  ["mqtt://skyscan:S3cr3tW0rd@h:99999"],
  ["skyscan:S3cr3tW0rd"],
])("a token in %s is not said again", async (url) => {
  const { stdout, stderr } = await skyscan(["client", "-b", url, "--mq-basename", "x"]).exited;
  expect(`${stdout}${stderr}`).not.toMatch(/s3cr3t|w0rd/i);
});

describe("told to end", () => {
  test.each(["SIGTERM", "SIGHUP"] as const)("by %s a scan saves what is done", async (signal) => {
    const output = join(folder, signal);
    const run = skyscan(["scan", simulatedEvent, ...dummy, "--workers", 1, "-o", output], slow);
    await until("fits", () => fitsDoneIn(output) > 2);
    run.process.kill(signal);
    expect((await run.exited).code).toBe(130);
    expect(manifestIn(output).scan.state).toBe("interrupted");
    expect(manifestIn(output).progress.recos.done).toBeGreaterThan(2);
  });

  test.each([
    ["scan", (fifo: string) => ["scan", fifo, ...dummy, "-o", join(folder, "fifo-scan")]],
    [
      "server",
      (fifo: string) => [
        ...["server", "-e", fifo, ...dummy, "-b", "127.0.0.1:9", "-o", join(folder, "fifo-server")],
        ...["-c", join(folder, "cache"), "--startup-json-dir", folder],
      ],
    ],
    ["client", (fifo: string) => ["client", "-b", "127.0.0.1:9", "--startup-json", fifo]],
  ])("while %s waits for its event", async (name, args) => {
    const fifo = join(folder, `${name}.fifo`);
    spawnSync("mkfifo", [fifo]);
    const run = skyscan(args(fifo));
    // It is in open(2) of the pipe: wchan names it; without wchan the sweep of signals must do.
    await until("its opening", () => isOpening(run.process.pid), 5).catch(() => {});
    run.process.kill("SIGTERM");
    expect(await ended(run)).toEqual({
      code: 130,
      lines: [expect.stringContaining("interrupted")],
    });
  });

  test("client and server of a broker that has gone mute", async () => {
    const broker = await openBroker();
    const server = await openServer(join(folder, "mute"), [...dummy, "-b", broker.url], slow);
    const client = skyscan(["client", "-b", broker.url, "--startup-json", server.startup], slow);
    await until("fits", () => server.fitsDone() > 2);
    broker.process.kill("SIGSTOP");
    const told = performance.now();
    for (const { process } of [client, server]) process.kill("SIGTERM");
    const codes = (await Promise.all([client.exited, server.exited])).map(({ code }) => code);
    expect(codes).toEqual([0, 130]);
    expect(performance.now() - told).toBeLessThan(10_000);
    broker.process.kill("SIGKILL");
  });
});

/** Whether one of a process's threads waits for a pipe's other end. */
function isOpening(pid: number): boolean {
  const { stdout } = spawnSync("sh", ["-c", `cat /proc/${pid}/task/*/wchan`]);
  return /fifo|pipe/.test(String(stdout));
}

test.each([
  ["its log", "2>&-"],
  ["its log, a pipe nobody reads", "2> >(exec true)"],
])("a scan that loses %s is finished all the same", async (_what, redirection) => {
  const output = join(folder, `closed${redirection.length}`);
  const words = [...program, "scan", simulatedEvent, "--reco-algo", "dummy", "--nsides", "2:0"];
  const command = [...words, "-o", output].map((word) => `'${word}'`).join(" ");
  const { code, stdout } = await start(["bash", "-c", `${command} ${redirection}`], quick).exited;
  expect(code).toBe(0);
  expect(stdout).toStartWith("best fit");
  expect(JSON.parse(readFileSync(join(output, "scan-manifest.json"), "utf8")).scan.state).toBe(
    "done",
  );
});
