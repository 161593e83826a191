import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { endsWell, openBroker } from "../distributed.ts";
import { testFolder } from "../folder.ts";
import { freePort, program, simulatedEvent, skyscan, start, until } from "../programs.ts";

const directory = testFolder();
const path = (...names: string[]) => join(directory, ...names);

const token = path("token");
writeFileSync(token, "a password of the test's own, quite long", { mode: 0o600 });
/** What others than the owner may do with a file: 0 for one that holds the event or the scan's name. */
const others = (file: string) => statSync(file).mode & 0o077;

const quick = { SKYSCAN_DUMMY_SECONDS: "0,0", SKYSCAN_AUTH_TOKEN_FILE: token };

const guarded = () => openBroker(["--auth-token-file", token]);

const serverArgs = (url: string, name: string, ...more: string[]) => [
  ...["server", "--reco-algo", "dummy", "--seed", "1", "--nsides", "1:0", "-e", simulatedEvent],
  ...["-c", path(name, "cache"), "-o", path(name, "out"), "-b", url, ...more],
];

test("the token from a file, the original's client command, and the best fit at the server's end", async () => {
  const { url } = await guarded();
  const startup = path("whole", "start up");
  mkdirSync(startup, { recursive: true });
  writeFileSync(join(startup, "startup.json"), '{"mq_basename":"the last scan\'s"}');
  const alone = path("whole", "alone.json");
  const places = ["--startup-json-dir", startup, "--client-startup-json", alone];
  const server = skyscan(serverArgs(url, "whole", ...places), quick);
  await until("the file alone, which is written last", () => existsSync(alone));
  expect(readFileSync(alone, "utf8")).toBe(readFileSync(join(startup, "startup.json"), "utf8"));

  const secrets = ["startup.json", "mq-basename.txt", "GCDQp_packet.json"];
  for (const file of [alone, ...secrets.map((name) => join(startup, name))])
    expect([file, others(file)]).toEqual([file, 0]);

  const name = readFileSync(join(startup, "mq-basename.txt"), "utf8");
  const status = await skyscan(["status", "-b", url, "--mq-basename", name], quick).exited;
  expect(status.stdout).toMatch(/dummy {2}open/);

  // As its users write it: not quoted, so that an empty file would swallow the next flag.
  const command = `"$@" client --mq-basename $(cat mq-basename.txt) \
    --baseline-gcd-file $(cat baseline_GCD_file.txt) --gcdqp-packet-json GCDQp_packet.json --broker ${url} \
    --debug-directory '${path("messages")}'`;
  const client = start(["sh", "-c", `cd "$STARTUP" && ${command}`, "sh", ...program], {
    ...quick,
    STARTUP: startup,
  });
  await endsWell(client);
  const messages = readdirSync(path("messages"), { recursive: true }).map(String);
  expect(messages.length).toBeGreaterThan(0);
  for (const message of messages)
    expect([message, others(path("messages", message))]).toEqual([message, 0]);

  const { stdout, stderr } = await endsWell(server);
  expect(stdout).toMatch(
    /^best fit RA [\d.]+° Dec -?[\d.]+°, zenith [\d.]+° azimuth [\d.]+°, llh [\d.]+, 12 fits in [\d.]+ s\n$/,
  );
  expect(stderr).toMatch(/written: .*_1\.npz, .*_1\.json, .*\.png, .*\.svg/);
  expect(stderr).toMatch(/startup\.json: of another scan, replaced/);
}, 120_000);

test("a second server is refused, and the first one's startup.json stays, also over its restart", async () => {
  const { url } = await guarded();
  const args = serverArgs(url, "twice", "--startup-json-dir", path("twice", "startup"));
  const file = path("twice", "startup", "startup.json");
  const first = skyscan(args, quick);
  await until("startup.json", () => existsSync(file));
  const written = readFileSync(file, "utf8");
  const second = await skyscan(args, quick).exited;
  expect({ code: second.code, stderr: second.stderr }).toMatchObject({ code: 2 });
  expect(readFileSync(file, "utf8")).toBe(written);

  first.process.kill("SIGKILL");
  await first.exited;
  // The broker is away: the restarted server gets no further, but clients of the same scan find their file.
  const deaf = await freePort();
  const restarted = await skyscan([...args, "-b", `127.0.0.1:${deaf}`], quick).exited;
  expect(restarted.code).toBe(3);
  expect(readFileSync(file, "utf8")).toBe(written);
}, 120_000);

test("a server that is told no place for its start-up files is refused; a client may end well without work", async () => {
  const { url } = await guarded();
  const server = await skyscan(serverArgs(url, "nowhere"), quick).exited;
  expect(server.code).toBe(2);
  expect(server.stderr).toMatch(/--startup-json-dir or --client-startup-json is needed/);
  const client = (...more: string[]) =>
    skyscan(
      ["client", "-b", url, "--mq-basename", "x", "--timeout-to-clients", "0.5", ...more],
      quick,
    ).exited;
  const [strict, patient] = await Promise.all([client(), client("--idle-ok")]);
  expect([strict.code, patient.code]).toEqual([4, 0]);
  expect(patient.stderr).toMatch(/0 fits done, 0 attempts failed: no server found/);
}, 120_000);
