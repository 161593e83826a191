import { beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseAddress } from "../../src/mq/address.ts";
import { connect } from "../../src/mq/connection.ts";
import { makeCertificate } from "../certificate.ts";
import { endsWell, openBroker, openServer, type Server } from "../distributed.ts";
import { testFolder } from "../folder.ts";
import {
  freePort,
  hasMosquitto,
  type Mosquitto,
  manifestIn,
  mapIn,
  program,
  simulatedEvent,
  skyscan,
  start,
  startMosquitto,
  until,
} from "../programs.ts";

const scripts = resolve(import.meta.dir, "../../scripts");
const token = "correct-horse-battery-staple";
const directory = testFolder();
const path = (...names: string[]) => join(directory, ...names);

const nsides = ["--nsides", "2:0", "8:12"];
const dummy = ["--reco-algo", "dummy", "--seed", 7];

/** Starts a server whose files go below a name. */
const serve = (
  name: string,
  broker: string,
  args: readonly (string | number)[] = [],
  env: Record<string, string> = {},
): Promise<Server> =>
  openServer(path(name), [...dummy, ...nsides, "--broker", broker, ...args], env);
const slow = { SKYSCAN_DUMMY_SECONDS: "0.03,0.06" };
const quick = { SKYSCAN_DUMMY_SECONDS: "0,0.002" };

let reference: Buffer;
beforeAll(async () => {
  const output = path("reference");
  await endsWell(skyscan(["scan", simulatedEvent, ...dummy, ...nsides, "-o", output], quick));
  reference = mapIn(output);
}, 120_000);

describe.skipIf(!hasMosquitto)("over Mosquitto, with passwords and access rules", () => {
  let broker: Mosquitto;
  let url: (user: string) => string;
  beforeAll(async () => {
    const passwords = path("passwords");
    const acl = path("acl.conf");
    cpSync(join(scripts, "mosquitto/acl.conf"), acl);
    for (const [n, user] of ["server", "client", "status"].entries())
      spawnSync("mosquitto_passwd", ["-b", ...(n === 0 ? ["-c"] : []), passwords, user, token]);
    for (const file of [passwords, acl]) chmodSync(file, 0o644);
    broker = await startMosquitto([
      "allow_anonymous false",
      `password_file ${passwords}`,
      `acl_file ${acl}`,
    ]);
    url = (user) => `mqtt://${user}@127.0.0.1:${broker.port}`;
  });
  const secret = { SKYSCAN_AUTH_TOKEN: token };

  test("clients die, the server is killed and the broker restarted: the same map, and the token is nowhere", async () => {
    const args = [url("client"), "--workers", 1, "--timeout-to-clients", 60];
    const client = (how: (string | number)[]) =>
      skyscan(["client", "--broker", ...args, ...how], { ...slow, ...secret });
    let server = await serve("all", url("server"), [], secret);
    const debug = path("debug");
    const first = client(["--startup-json", server.startup, "--log", "DEBUG"]);
    const parts = dirname(server.startup);
    const clients = [
      client(["--mq-basename", server.basename, "--debug-directory", debug]),
      client([
        ...["--mq-basename", server.basename, "--baseline-gcd-file"],
        ...[join(parts, "baseline_GCD_file.txt"), "--gcdqp-packet-json"],
        join(parts, "GCDQp_packet.json"),
      ]),
    ];
    await until("some fits", () => server.fitsDone() > 10);
    await until("all three clients", () => server.manifest().clients.connected === 3);

    const status = skyscan(
      ["status", "--broker", url("status"), "--mq-basename", server.basename],
      secret,
    );
    const shown = await status.exited;
    expect(shown.code).toBe(0);
    expect(shown.stdout).toMatch(/dummy {2}open\n {2}fits \d+ done, \d+ sent/);
    expect(shown.stdout).toMatch(/3 clients with 3 workers/);
    const arguments_ = spawnSync("ps", ["-eo", "args"]).stdout.toString();
    expect(arguments_).toContain("fit-process");
    expect(arguments_).not.toContain(token);

    first.process.kill("SIGKILL");
    const before = server.fitsDone();
    server.process.kill("SIGKILL");
    await server.exited;
    const { basename } = server;
    server = await serve("all", url("server"), [], secret);
    expect(server.basename).toBe(basename);
    await until("more fits", () => server.fitsDone() > before + 5);
    await broker.restart();
    const { stderr } = await endsWell(server);
    expect(stderr).toMatch(/resumed: \d+ fits are done already/);
    const logs = [stderr, (await first.exited).stderr];
    for (const client of clients) logs.push((await endsWell(client)).stderr);
    expect(server.map().equals(reference)).toBe(true);
    const { progress, messages, leases } = server.manifest();
    expect(progress.recos.done).toBe(progress.recos.sent);
    expect(messages.malformed).toBe(0);
    expect(messages.foreign).toBe(0);
    expect(leases.failed_attempts).toBe(0);

    expect(logs.join("\n")).not.toContain(token);
    const files = readdirSync(debug);
    expect(files.some((file) => file.endsWith("-in-control.json"))).toBe(true);
    expect(files.some((file) => file.endsWith("-out-result.json"))).toBe(true);
    expect(spawnSync("grep", ["-rl", token, debug, path("all")]).stdout.toString()).toBe("");
  }, 90_000);

  test("the access rules keep a client to its own", async () => {
    const heard: string[] = [];
    const party = (user: string, clientId: string, subscriptions: string[]) =>
      connect(
        parseAddress(url(user), { authToken: token }),
        { clientId, subscriptions, patience: 5 },
        { onMessage: (topic, payload) => void heard.push(`${topic} ${Buffer.from(payload)}`) },
      );
    const server = await party("server", "srv", ["skyscan/s/client/+/status", "skyscan/s/result"]);
    const other = await party("client", "other", ["skyscan/s/client/other/task"]);
    const client = await party("client", "me", ["skyscan/s/client/me/task"]);
    const status = await party("status", "st", ["skyscan/s/control"]);
    client.publish("skyscan/s/client/other/status", "forged");
    client.publish("skyscan/s/client/other/task", "forged");
    client.publish("skyscan/s/control", "forged");
    status.publish("skyscan/s/result", "forged");
    await status.close();
    client.publish("skyscan/s/client/me/status", "mine");
    client.publish("skyscan/s/result", "mine");
    server.publish("skyscan/s/client/other/task", "for other");
    await until("all of them", () => heard.length >= 3);
    // Nobody reads another's tasks: Mosquitto grants the subscription and delivers nothing.
    const spy = await party("client", "spy", ["skyscan/s/client/other/task", "skyscan/s/result"]);
    server.publish("skyscan/s/client/other/task", "for other again");
    await until("the last", () => heard.length >= 4);
    for (const connection of [server, client, other, spy]) await connection.close();
    expect(heard.sort()).toEqual([
      "skyscan/s/client/me/status mine",
      "skyscan/s/client/other/task for other",
      "skyscan/s/client/other/task for other again",
      "skyscan/s/result mine",
    ]);
  }, 60_000);

  test("a wrong token, and no token, end with code 3", async () => {
    for (const env of [{ SKYSCAN_AUTH_TOKEN: "wrong" }, {}] as Record<string, string>[]) {
      const run = skyscan(["client", "--broker", url("client"), "--mq-basename", "abc"], env);
      const { code, stderr } = await run.exited;
      expect(code).toBe(3);
      expect(stderr).toMatch(/the broker mqtt:\/\/127.0.0.1:\d+ refuses us/);
    }
  }, 60_000);
});

describe.skipIf(!hasMosquitto)("over TLS with a private authority", () => {
  test("mqtts and wss-less clients trust --ca-file and nothing else", async () => {
    makeCertificate(directory);
    for (const file of ["b.key", "b.pem", "ca.pem"]) chmodSync(path(file), 0o644);
    const secure = [
      "allow_anonymous true",
      `certfile ${path("b.pem")}`,
      `keyfile ${path("b.key")}`,
    ];
    const sockets = await freePort();
    const broker = await startMosquitto([
      ...secure,
      `listener ${sockets} 127.0.0.1`,
      "protocol websockets",
      ...secure.slice(1),
    ]);
    const trust = ["--ca-file", path("ca.pem")];
    const server = await serve("tls", `mqtts://localhost:${broker.port}`, trust);
    const distrustful = skyscan([
      ...["client", "--broker", `mqtts://localhost:${broker.port}`, "--mq-basename", "abc"],
    ]);
    const client = skyscan(
      [
        "client",
        "--broker",
        `wss://localhost:${sockets}`,
        ...trust,
        "--startup-json",
        server.startup,
      ],
      quick,
    );
    const refused = await distrustful.exited;
    expect(refused.code).toBe(3);
    expect(refused.stderr).toMatch(/cannot reach the broker mqtts:.*certificate/);
    await endsWell(client);
    await endsWell(server);
    expect(server.map().equals(reference)).toBe(true);
    await broker.stop();
  }, 120_000);
});

describe("over the embedded broker as a process", () => {
  let url: string;
  beforeAll(async () => {
    ({ url } = await openBroker());
  }, 60_000);

  test("the launch scripts run server and client end to end", async () => {
    const env = { SKYSCAN: path("skyscan"), SKYSCAN_BROKER: url, ...quick };
    await Bun.write(
      path("skyscan"),
      `#!/bin/sh\nexec ${program.map((word) => `'${word}'`).join(" ")} "$@"\n`,
    );
    chmodSync(path("skyscan"), 0o755);
    const launch = join(scripts, "launch_scripts");
    await Bun.write(path("scripts", "startup", ".keep"), "");
    const server = start(
      [
        ...[join(launch, "launch_server.sh"), ...dummy.map(String), ...nsides],
        ...["-e", simulatedEvent, "-c", path("scripts", "cache"), "-o", path("scripts", "out")],
        ...["--startup-json-dir", path("scripts", "startup")],
      ],
      env,
    );
    const wait = start([join(launch, "wait_for_startup_json.sh"), path("scripts", "startup")], {
      SKYSCAN_STARTUP_INTERVAL_SEC: "1",
    });
    const waited = await wait.exited;
    expect(waited.code).toBe(0);
    expect(waited.stdout).toContain("Success! 'startup.json' file found:");
    const client = start(
      [
        join(launch, "launch_client.sh"),
        "--startup-json",
        path("scripts", "startup", "startup.json"),
      ],
      env,
    );
    await endsWell(client);
    await endsWell(server);
    expect(mapIn(path("scripts", "out")).equals(reference)).toBe(true);
  }, 120_000);

  test("waiting for startup.json has the codes of the original", async () => {
    const wait = join(scripts, "launch_scripts/wait_for_startup_json.sh");
    const vain = { SKYSCAN_STARTUP_TIMEOUT_SEC: "0", SKYSCAN_STARTUP_INTERVAL_SEC: "1" };
    expect((await start([wait]).exited).code).toBe(1);
    expect((await start([wait, path("nowhere")]).exited).code).toBe(2);
    await Bun.write(path("empty", "x"), "");
    expect((await start([wait, path("empty")], vain).exited).code).toBe(62);
  }, 60_000);

  test("SIGTERM: a client finishes what it has begun and gives back the rest; another ends the scan", async () => {
    const server = await serve("drain", url);
    const args = ["client", "--broker", url, "--startup-json", server.startup];
    const first = skyscan([...args, "--workers", 2], { SKYSCAN_DUMMY_SECONDS: "0.1,0.2" });
    await until("some fits", () => server.fitsDone() > 4);
    first.process.kill("SIGTERM");
    const left = await first.exited;
    expect(left.code).toBe(0);
    expect(left.stderr).toMatch(/finishing 2 fits, handing back the rest/);
    expect(left.stderr).toMatch(/\d+ fits done, 0 attempts failed: drained/);
    const connected = () => server.manifest().clients.connected;
    await until("its leave", () => connected() === 0);
    const hung = skyscan(args, { SKYSCAN_DUMMY_SECONDS: "1000,1000" });
    await until("its fit", () => connected() === 1);
    hung.process.kill("SIGTERM");
    await Bun.sleep(600);
    hung.process.kill("SIGTERM");
    expect((await hung.exited).code).toBe(130);
    const second = skyscan(args, quick);
    await endsWell(server);
    await endsWell(second);
    const manifest = server.manifest();
    expect(manifest.leases.failed_attempts).toBe(0);
    expect(manifest.messages.duplicates).toBe(0);
    expect(server.map().equals(reference)).toBe(true);
  }, 120_000);

  test("no results in time: the server saves what there is, says what is missing, and leaves with 4; so do idle clients", async () => {
    const server = await serve("late", url, ["--timeout-from-clients", 2]);
    const client = skyscan(
      ["client", "--broker", url, "--startup-json", server.startup, "--reco-timeout", 60],
      { SKYSCAN_DUMMY_SECONDS: "30,40" },
    );
    const { code, stderr } = await server.exited;
    expect(code).toBe(4);
    expect(stderr).toMatch(/no results for 2 s; 48 of 48 fits sent are missing/);
    const manifest = server.manifest();
    expect(manifest.scan).toMatchObject({ state: "failed", is_complete: false });
    expect(manifest.missing.count).toBe(48);
    await client.exited;
    const idle = skyscan([
      "client",
      "--broker",
      url,
      "--mq-basename",
      "nobody-here",
      "--timeout-to-clients",
      1,
    ]);
    const left = await idle.exited;
    expect(left.code).toBe(4);
    expect(left.stderr).toMatch(/no server found under this --mq-basename within 1 s/);
  }, 120_000);

  test("crashing and hanging fits are run again elsewhere: the same map", async () => {
    const env = { ...quick, _SKYSCAN_CI_CRASH_DUMMY_PROBABILITY: "0.15" };
    const run = skyscan(
      [
        ...["scan", simulatedEvent, "--reco-algo", "crash_dummy", "--seed", 7, ...nsides],
        ...["--workers", 4, "--reco-timeout", 1, "--max-failures", 100, "-o", path("crash")],
      ],
      env,
    );
    await endsWell(run);
    expect(mapIn(path("crash")).equals(reference)).toBe(true);
    expect(manifestIn(path("crash")).leases.failed_attempts).toBeGreaterThan(0);
  }, 120_000);

  test("a fit that fails everywhere becomes NaN, with its reasons, and the scan ends", async () => {
    const run = skyscan(
      [
        ...["scan", simulatedEvent, "--reco-algo", "crash_dummy", "--nsides", "1:0"],
        ...["--workers", 2, "--reco-timeout", 0.3, "--max-failures", 1, "-o", path("hopeless")],
      ],
      { ...quick, _SKYSCAN_CI_CRASH_DUMMY_PROBABILITY: "1" },
    );
    const { code, stdout } = await run.exited;
    expect(code).toBe(0);
    expect(stdout).toMatch(/^no fit succeeded, 12 fits/);
    const { failed } = manifestIn(path("hopeless"));
    expect(failed.given_up).toBe(12);
    expect(failed.fits[0].reasons).toHaveLength(1);
  }, 120_000);

  test("nobody listens: code 3 and the address", async () => {
    const nowhere = `127.0.0.1:${await freePort()}`;
    const run = skyscan(["client", "--broker", nowhere, "--mq-basename", "abc"]);
    const { code, stderr } = await run.exited;
    expect(code).toBe(3);
    expect(stderr).toContain(`cannot reach the broker mqtt://${nowhere}`);
  }, 60_000);
});
