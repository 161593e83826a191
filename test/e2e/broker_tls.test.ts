import { beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeCertificate } from "../certificate.ts";
import { endsWell, openBroker, openServer } from "../distributed.ts";
import { testFolder } from "../folder.ts";
import { skyscan } from "../programs.ts";

const directory = testFolder();
const path = (...names: string[]) => join(directory, ...names);
const token = path("token");
const env = { SKYSCAN_DUMMY_SECONDS: "0,0", SKYSCAN_AUTH_TOKEN_FILE: token };
const trust = ["--ca-file", path("ca.pem")];
let port: number;

beforeAll(async () => {
  makeCertificate(directory);
  writeFileSync(token, "a password of the test's own, quite long", { mode: 0o600 });
  ({ port } = await openBroker(["--cert", path("b.pem"), "--key", path("b.key")], env));
}, 60_000);

test("the built-in broker with a certificate carries a whole scan", async () => {
  const url = `mqtts://localhost:${port}`;
  const scan = ["--reco-algo", "dummy", "--seed", 1, "--nsides", "1:0", "-b", url, ...trust];
  const server = await openServer(directory, scan, env);
  await endsWell(skyscan(["client", "-b", url, ...trust, "--startup-json", server.startup], env));
  await endsWell(server);
  expect(server.manifest().scan.is_complete).toBe(true);
}, 120_000);

test.each([
  ["without trust in its authority", `mqtts://localhost:%d`, [], /certificate/],
  ["in the clear", `mqtt://localhost:%d`, [], /cannot reach the broker/],
  ["under another name than its own", `mqtts://127.0.0.1:%d`, trust, /certificate/],
])(
  "%s it is not spoken to",
  async (_how, url, args, problem) => {
    const asked = ["status", "--broker", url.replace("%d", String(port)), "--mq-basename", "x"];
    const { code, stderr } = await skyscan([...asked, ...args], env).exited;
    expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringMatching(problem) });
  },
  60_000,
);

test.each([
  [["--cert", "b.pem"], /--key/],
  [["--key", "b.key"], /--cert/],
  [["--cert", "b.key", "--key", "b.key"], /b\.key|certificate/],
  [["--cert", "ca.pem", "--key", "b.key"], /key/],
  [["--cert", "nowhere.pem", "--key", "b.key"], /nowhere\.pem/],
])(
  "refused before it listens: %p",
  async (flags, problem) => {
    const full = flags.map((flag) => (flag.startsWith("-") ? flag : path(flag)));
    const { code, stderr } = await skyscan(["broker", "--port", 0, ...full]).exited;
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(problem) });
  },
  30_000,
);
