/** A server as SkyDriver starts it, against a strict SkyDriver, with clients of a broker of ours. */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readResult } from "../../src/result/files.ts";
import { readJson } from "../../src/result/json.ts";
import { openBroker } from "../distributed.ts";
import { testFolder } from "../folder.ts";
import { mapIn, simulatedEvent, skyscan, until } from "../programs.ts";
import { type Fake, startFakeSkyDriver } from "../skydriver/fake.ts";

const directory = testFolder();
const fakes: Fake[] = [];
afterAll(async () => {
  for (const fake of fakes) fake.stop();
});

const tokens = { system: "the-servers-token", user: "a-users-token" };
const event = JSON.parse(readFileSync(simulatedEvent, "utf8"));

/** SkyDriver, a broker, and how to start server and client. */
async function launch(name: string, token = tokens.system) {
  const space = join(directory, name);
  mkdirSync(space);
  const fake = startFakeSkyDriver({ event, tokens });
  fakes.push(fake);
  const { url } = await openBroker();
  const env = {
    SKYSCAN_BROKER: url,
    SKYSCAN_SKYDRIVER_ADDRESS: fake.address,
    SKYSCAN_SKYDRIVER_AUTH: token,
    SKYSCAN_SKYDRIVER_SCAN_ID: fake.scanId,
    SKYSCAN_KILL_SWITCH_CHECK_INTERVAL: "0.1",
    SKYSCAN_PROGRESS_INTERVAL_SEC: "0.2",
    SKYSCAN_RESULT_INTERVAL_SEC: "0.2",
    SKYSCAN_SEED: "3",
    // Names of the original's that mean nothing to us.
    SKYSCAN_EWMS_PILOT_LOG: "WARNING",
    SKYSCAN_MQ_CLIENT_LOG: "INFO",
  };
  const startup = join(space, "startup.json");
  const args = ["server", "--reco-algo", "dummy", "--cache-dir", space];
  const server = () =>
    skyscan(
      [
        ...[...args, "--client-startup-json", startup, "--nsides", "1:0", "2:4"],
        ...["--simulated-event", "--predictive-scanning-threshold", "1.0"],
      ],
      env,
    );
  const client = async (seconds: string) => {
    await until("startup.json", () => existsSync(startup));
    return skyscan(["client", "--startup-json", startup], {
      ...{ SKYSCAN_BROKER: env.SKYSCAN_BROKER, SKYSCAN_DUMMY_SECONDS: seconds },
    });
  };
  const output = () => join(space, readdirSync(space).find((entry) => entry.startsWith("run"))!);
  return { fake, space, server, client, output };
}

const npzIn = (folder: string) =>
  join(folder, readdirSync(folder).find((name) => name.endsWith(".npz"))!);

describe("under SkyDriver", () => {
  test("the alert comes from there, and the map goes there, whatever its answers in between", async () => {
    const { fake, server, client, output } = await launch("whole");
    let reports = 0;
    fake.trouble = (what) => {
      if (!what.startsWith("PATCH") && !what.startsWith("PUT")) return undefined;
      reports++;
      if (reports % 4 === 1) return new Response("busy", { status: 503 });
      return reports % 4 === 2 ? new Response('{"cut": ') : undefined;
    };
    const running = server();
    await client("0.01,0.02");
    const { code, stdout, stderr } = await running.exited;
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stdout.trim().split("\n").length).toBe(1);
    expect(fake.refused).toEqual([]);
    const { skyscan_result, is_final } = JSON.parse(fake.results.at(-1)!);
    expect(is_final).toBe(true);
    const delivered = readJson(JSON.stringify(skyscan_result), "delivered");
    expect(delivered).toEqual(await readResult(npzIn(output())));
    expect(fake.results.filter((body) => JSON.parse(body).is_final).length).toBe(1);
  }, 120_000);

  test("deleted in mid-scan: code 130 and what is done is kept; started again it makes the same map", async () => {
    const { fake, server, client, output } = await launch("deleted");
    const first = server();
    await client("0.05,0.1");
    await until("a partial map", () => fake.results.length > 0);
    fake.isDeleted = true;
    const { code, stderr } = await first.exited;
    expect(code).toBe(130);
    expect(stderr).toMatch(/SkyDriver ends the scan: the scan was deleted/);
    expect(fake.results.some((body) => JSON.parse(body).is_final)).toBe(false);
    fake.isDeleted = false;
    const second = server();
    await client("0,0");
    const again = await second.exited;
    expect(again.code).toBe(0);
    expect(again.stderr).toMatch(/resumed: \d+ fits are done already/);
    expect(mapIn(output()).length).toBeGreaterThan(0);
    expect(JSON.parse(fake.results.at(-1)!).is_final).toBe(true);
  }, 120_000);

  test("a token that is none of the scanner's: the scan is done, the map is kept, and said so once", async () => {
    const { fake, server, client, output, space } = await launch("user", tokens.user);
    const running = server();
    await client("0,0");
    const kept = await until("the finished map on the disk", () =>
      readdirSync(space, { recursive: true }).find(
        (name) => /skydriver-\w+\.json$/.test(`${name}`) && `${name}`.startsWith("run"),
      ),
    );
    const refusals = () =>
      fake.log.filter((line) => line.startsWith("PUT") && line.endsWith("403"));
    await until("the map to be sent again", () => refusals().length > 3);
    running.process.kill("SIGTERM");
    const { code, stderr } = await running.exited;
    expect(code).toBe(130);
    expect(fake.log).toContain(`GET /scan/${fake.scanId}/i3-event 200`);
    expect(stderr.match(/the finished map is not delivered yet/g)?.length).toBe(1);
    expect(stderr).toMatch(/before SkyDriver had the map: /);
    const { skyscan_result } = JSON.parse(readFileSync(join(space, `${kept}`), "utf8"));
    const result = readJson(JSON.stringify(skyscan_result), "kept");
    expect(result).toEqual(await readResult(npzIn(output())));
  }, 120_000);

  test("half of what is needed is said, before anyone is called", async () => {
    const missing: [string[], RegExp][] = [
      [["--skydriver-address", "http://127.0.0.1:9"], /--skydriver-scan-id is needed/],
      [["--skydriver-address", "ftp://x", "--skydriver-scan-id", "a"], /expected an http\(s\) URL/],
      [[], /--event-file is needed, or --skydriver-address/],
      [["-e", simulatedEvent], /--output-dir is needed, or --skydriver-address/],
      [["-e", simulatedEvent, "-o", directory], /--broker is needed/],
      [
        ["-e", simulatedEvent, "-o", directory, "--ewms-json", "/nowhere"],
        /\/nowhere: cannot be read/,
      ],
    ];
    for (const [more, says] of missing) {
      const args = [
        "server",
        "--reco-algo",
        "dummy",
        "-c",
        directory,
        "--client-startup-json",
        "x",
      ];
      const { code, stderr } = await skyscan([...args, ...more]).exited;
      expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(says) });
    }
  }, 60_000);
});
