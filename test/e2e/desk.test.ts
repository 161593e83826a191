import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { readResult } from "../../src/result/files.ts";
import { json, listened } from "../desk/service.ts";
import { endsWell } from "../distributed.ts";
import { testFolder } from "../folder.ts";
import { program, simulatedEvent, skyscan, until } from "../programs.ts";

const folder = testFolder();

/** Dummies of one seed have one value per pixel, whoever does them, whenever. */
const environment = { SKYSCAN_DUMMY_SECONDS: "0.002,0.004" };
const nsides = { "4": 0, "8": 20 };

const isOver = ({ state }: { state: string }) => ["done", "failed", "cancelled"].includes(state);

/** Starts a command whose first line is its address. */
async function serving(args: readonly string[]) {
  const child = Bun.spawn([...program, ...args], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...environment },
  });
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  afterAll(() => child.kill("SIGKILL"));
  return { child, address: new TextDecoder().decode(value).split("\n")[0]! };
}

async function submit(address: string, more: object = {}): Promise<string> {
  const alert = JSON.parse(await Bun.file(simulatedEvent).text());
  const answer = await fetch(new URL("scan", address), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ event_i3live_json: alert, reco_algo: "dummy", nsides, ...more }),
  });
  return (await json(answer)).scan_id;
}

/** Rows of scans that are over, as soon as all of these are. */
async function whenOver(address: string, ids: readonly string[]) {
  const rows = async () => {
    const { scans } = await json(await fetch(new URL("scans?limit=1000", address)));
    return scans.filter(({ id }: { id: string }) => ids.includes(id));
  };
  for await (const { event, data } of listened(await fetch(new URL("events", address)))) {
    const mayBe = event === "hello" || (event === "scan" && isOver(data.row));
    if (!mayBe) continue;
    const all = await rows();
    if (all.every(isOver)) return all;
  }
  throw new Error("the stream ended");
}

const mapOf = async (data: string, id: string) =>
  (await readResult(join(data, "scans", id, "out", `${stem}.npz`))).nsides;

const stem = "run00000001.evt000000000001.neutrino_4_8";
/** The map of the same scan without any desk. */
let map: Awaited<ReturnType<typeof mapOf>>;
beforeAll(async () => {
  const out = join(folder, "alone");
  const scan = ["scan", simulatedEvent, "--reco-algo", "dummy", "--seed", 0, "--workers", 2];
  await endsWell(skyscan([...scan, "--output-dir", out, "--nsides", "4:0", "8:20"], environment));
  map = (await readResult(join(out, `${stem}.npz`))).nsides;
}, 120_000);

describe("the desk as its operators run it", () => {
  test("twenty alerts at once on two workers: every map as alone, the urgent one first", async () => {
    const data = join(folder, "many");
    const { child, address } = await serving([
      "serve",
      "--data",
      data,
      "--port",
      "0",
      "--workers",
      "2",
    ]);
    const ids: string[] = [];
    for (let n = 0; n < 20; n++) ids.push(await submit(address));
    const urgent = await submit(address, { priority: 100 });
    const rows = await whenOver(address, [...ids, urgent]);
    expect(rows.map(({ state }: { state: string }) => state)).toEqual(Array(21).fill("done"));
    for (const id of [...ids, urgent]) expect(await mapOf(data, id)).toEqual(map);
    // Those begun before it may have ended meanwhile: one for each worker.
    const before = rows.filter(
      (row: { ended: number }) =>
        row.ended < rows.find(({ id }: { id: string }) => id === urgent).ended,
    );
    const came = rows.find(({ id }: { id: string }) => id === urgent).created;
    expect(before.filter((row: { ended: number }) => row.ended > came).length).toBeLessThanOrEqual(
      2,
    );
    child.kill();
    expect(await child.exited).toBe(130);
  }, 300_000);

  test("an alert laid into its folder: the recipe's scans, a hook and a webhook told of each", async () => {
    const told: { state: string; scan_id: string; text: string }[] = [];
    const bothTold = Promise.withResolvers<void>();
    const webhook = Bun.serve({
      ...{ hostname: "127.0.0.1", port: 0 },
      fetch: async (request) => {
        told.push(await json(new Response(request.body)));
        if (told.length === 2) bothTold.resolve();
        return new Response();
      },
    });
    const watched = join(folder, "watched");
    mkdirSync(watched);
    const recipe = join(folder, "recipe.json");
    await Bun.write(
      recipe,
      JSON.stringify({
        scans: [
          { reco_algo: "dummy", nsides: "1:0" },
          { reco_algo: "dummy", nsides: "2:0" },
          { reco_algo: "dummy", nsides: "4:0", from_energy: 1e9 },
        ],
      }),
    );
    const noted = join(folder, "noted");
    const { child, address } = await serving([
      ...["serve", "--data", join(folder, "watching"), "--port", "0", "--workers", "1"],
      ...["--watch", watched, "--recipe", recipe, "--webhook", `${webhook.url}`],
      ...["--hook", `echo "$SKYSCAN_STATE $SKYSCAN_SCAN_ID $SKYSCAN_PAGE" >> '${noted}'`],
      ...["--address", "https://desk.example.org"],
    ]);
    await Bun.write(join(watched, "alert.json"), Bun.file(simulatedEvent));
    await bothTold.promise;
    const { scans } = await json(await fetch(new URL("scans", address)));
    expect(scans.map(({ nsides }: { nsides: string }) => nsides).sort()).toEqual(["1:0", "2:0"]);
    const ids = scans.map(({ id }: { id: string }) => id).sort();
    expect(told.map(({ scan_id }) => scan_id).sort()).toEqual(ids);
    expect(told.map(({ state }) => state)).toEqual(["done", "done"]);
    expect(told[0]!.text).toContain("https://desk.example.org/e/1.1");
    await until("the hook to be run twice", async () => {
      const lines = existsSync(noted) ? (await Bun.file(noted).text()).trim().split("\n") : [];
      return lines.length === 2 && lines.every((line) => /^done \w+ https:.*e\/1\.1$/.test(line));
    });
    child.kill();
    await child.exited;
    await webhook.stop(true);
  }, 60_000);

  test("killed with clients from elsewhere, started again: it goes on, and the map is the same", async () => {
    const token = "a-broker-token-of-the-test";
    const broker = await serving(["broker", "--port", "0", "--auth-token", token]);
    const data = join(folder, "killed");
    const desk = [
      ...["serve", "--data", data, "--port", "0", "--workers", "0", "--desk", "night"],
      ...["--broker", broker.address, "--broker-token", token],
    ];
    const first = await serving(desk);
    for (let n = 0; n < 2; n++)
      skyscan(
        ["client", "--desk", "night", "--broker", broker.address, "--auth-token", token],
        environment,
      );
    const ids = [await submit(first.address), await submit(first.address)];
    for await (const { event, data: told } of listened(
      await fetch(new URL(`events?scan=${ids[0]}`, first.address)),
    ))
      if (event === "progress" && told.done > 20) break;
    first.child.kill("SIGKILL");
    await first.child.exited;

    const second = await serving(desk);
    const rows = await whenOver(second.address, ids);
    expect(rows.map(({ state }: { state: string }) => state)).toEqual(["done", "done"]);
    for (const id of ids) expect(await mapOf(data, id)).toEqual(map);
    const { clients } = await json(await fetch(new URL("queue", second.address)));
    expect(clients.map((one: { is_local: boolean }) => one.is_local)).toEqual([false, false]);
  }, 300_000);
});
