/** Whole scans in EWMS: our server under SkyDriver, RabbitMQ's quorum queues, pilots with clients of one fit each. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventName } from "../../src/event/event.ts";
import { loadEvent } from "../../src/event/load.ts";
import { packed } from "../../src/ewms/envelope.ts";
import { readFitAnswer } from "../../src/ewms/messages.ts";
import { readResult } from "../../src/result/files.ts";
import { readJson } from "../../src/result/json.ts";
import type { SkyScanResult } from "../../src/result/result.ts";
import { oneFit, type Pilot, type RunTask, send, startPilot } from "../ewms/pilot.ts";
import { testFolder } from "../folder.ts";
import { fitsDoneIn, manifestIn, simulatedEvent, skyscan, start, until } from "../programs.ts";
import { hasRabbit, type Rabbit, rabbitToken, rabbitUser, startRabbit } from "../rabbit.ts";
import { hasShared, shared } from "../shared.ts";
import { type Fake, startFakeSkyDriver } from "../skydriver/fake.ts";

const directory = testFolder();
const path = (...names: string[]) => join(directory, ...names);
const tokens = { system: "the-servers-token", user: "a-users-token" };
let rabbit: Rabbit;
const fakes: Fake[] = [];

beforeAll(async () => {
  if (hasRabbit) rabbit = await startRabbit();
}, 150_000);
afterAll(async () => {
  for (const fake of fakes) fake.stop();
  if (hasRabbit) await rabbit.stop();
}, 60_000);

/** A scan's world: SkyDriver, the workflow's queues, what SkyDriver starts the server with. */
function launch(name: string, reco: string) {
  const space = path(name, "common-space");
  mkdirSync(space, { recursive: true });
  const event = JSON.parse(readFileSync(simulatedEvent, "utf8"));
  const fake = startFakeSkyDriver({ event, tokens });
  fakes.push(fake);
  const queue = (kind: string) => ({
    name: `${name}-${kind}`,
    auth_token: rabbitToken,
    broker_type: "rabbitmq",
    broker_address: `${rabbitUser}@127.0.0.1:${rabbit.amqpPort}`,
  });
  const queues = { toclient: queue("toclient"), fromclient: queue("fromclient") };
  const file = join(space, "ewms.json");
  writeFileSync(file, JSON.stringify(queues));
  const startup = join(space, "startup.json");
  const server = skyscan(
    [
      ...["server", "--reco-algo", reco, "--cache-dir", space, "--client-startup-json", startup],
      ...["--nsides", "1:0", "2:4", "--simulated-event", "--predictive-scanning-threshold", "1.0"],
    ],
    {
      SKYSCAN_SKYDRIVER_ADDRESS: fake.address,
      SKYSCAN_SKYDRIVER_AUTH: tokens.system,
      SKYSCAN_SKYDRIVER_SCAN_ID: fake.scanId,
      SKYSCAN_EWMS_JSON: file,
      SKYSCAN_DATA_SOURCE: "none",
      SKYSCAN_MINI_TEST_VARIATIONS: "1",
      SKYSCAN_PROGRESS_INTERVAL_SEC: "1",
      SKYSCAN_RESULT_INTERVAL_SEC: "2",
      SKYSCAN_SEED: "5",
    },
  );
  const pilots: Pilot[] = [];
  return {
    ...{ fake, server, space, startup, queues },
    async pilot(run: RunTask = oneFit({})) {
      await until("startup.json", () => existsSync(startup) || server.process.exitCode !== null);
      pilots.push(await startPilot(queues, startup, path(name, `pilot-${pilots.length}`), run));
      return pilots.at(-1)!;
    },
    async end() {
      const outcome = await server.exited;
      for (const pilot of pilots) await pilot.stop();
      if (outcome.code !== 0) console.error(outcome.stderr);
      const [output] = readdirSync(space).filter((entry) => entry.startsWith("run"));
      return { ...outcome, output: join(space, output!) };
    },
  };
}

const npzIn = (folder: string) =>
  join(folder, readdirSync(folder).find((name) => name.endsWith(".npz"))!);

describe.skipIf(!hasRabbit)("in EWMS", () => {
  let calm: SkyScanResult;

  test("our server and our clients of one fit: SkyDriver has the map that lies on the disk", async () => {
    const scan = launch("calm", "splinempe");
    await scan.pilot();
    await scan.pilot();
    const { code, output } = await scan.end();
    expect(code).toBe(0);
    const { fake } = scan;
    expect(fake.refused).toEqual([]);
    const { skyscan_result, is_final } = JSON.parse(fake.results.at(-1)!);
    expect(is_final).toBe(true);
    const delivered = readJson(JSON.stringify(skyscan_result), "delivered");
    calm = await readResult(npzIn(output));
    expect(delivered).toEqual(calm);
    expect([...delivered.nsides.keys()]).toEqual([1, 2]);
    // The first report comes before any fit, and says nothing of rates: that would count as results.
    const stats = fake.reports.map(
      ({ progress }) =>
        (progress as { processing_stats: Record<string, unknown> }).processing_stats,
    );
    expect(stats[0]).not.toHaveProperty("rate");
    expect(stats.at(-1)).toHaveProperty("rate");
    expect(stats.at(-1)).toMatchObject({ finished: true });
    expect(fake.log.some((line) => line.includes("/ewms/workforce"))).toBe(true);
  }, 240_000);

  test("RabbitMQ restarted in mid-scan, a pilot that goes, nonsense and answers that come twice: the same map", async () => {
    const scan = launch("stormy", "splinempe");
    let answer: string | undefined;
    const leaving = await scan.pilot(async (infile, outfile, hub) => {
      const code = await oneFit({})(infile, outfile, hub);
      answer ??= readFileSync(outfile, "utf8");
      return code;
    });
    const name = `${eventName((await loadEvent(simulatedEvent)).metadata)}`;
    await until("some fits", () => fitsDoneIn(join(scan.space, name)) > 5, 60);
    await leaving.stop();
    await rabbit.restart();
    const { fromclient } = scan.queues;
    await send(fromclient, new TextEncoder().encode("nonsense"));
    await send(
      fromclient,
      packed({ reco_pixel_variation_pkl_b64: "Y29zCnN5c3RlbQou", runtime: 1 }),
    );
    await send(fromclient, packed(JSON.parse(answer!)));
    await scan.pilot();
    const { code, stderr, output } = await scan.end();
    expect(code).toBe(0);
    expect(stderr).toMatch(/message ignored: .*"os\.system".*refused/);
    expect(scan.fake.refused).toEqual([]);
    expect((await readResult(npzIn(output))).nsides).toEqual(calm.nsides);
    expect(manifestIn(output).messages).toMatchObject({ malformed: 2 });
    expect(manifestIn(output).messages.duplicates).toBeGreaterThan(0);
  }, 300_000);

  test.skipIf(!hasShared)(
    "the original's client does the fits of our server",
    async () => {
      const scan = launch("mixed", "millipede_wilks");
      const recorded = shared("oracle/task_files/millipede_wilks/GOLD/out.json");
      const original = join(import.meta.dir, "../ewms/original.py");
      await scan.pilot(async (infile, outfile) => {
        const python = start(["/usr/bin/python3", original, "fit", infile, recorded, outfile]);
        const { code, stderr } = await python.exited;
        if (code !== 0) console.error(stderr);
        return code;
      });
      const { code, output } = await scan.end();
      expect(code).toBe(0);
      const { llh, E_tot, x, y, z, time } = readFitAnswer(
        JSON.parse(readFileSync(recorded, "utf8")),
      ).result;
      const pixels = (await readResult(npzIn(output))).nsides.get(1)!;
      expect(pixels.map(({ pixel }) => pixel)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
      for (const pixel of pixels) expect(pixel).toMatchObject({ llh, E_tot, x, y, z, time });
    },
    120_000,
  );
});
