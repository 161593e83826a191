import { beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadEvent } from "../../src/event/load.ts";
import { findOf } from "../../src/event/objects.ts";
import { trueDirection } from "../../src/event/online.ts";
import { TRUE_TRACK } from "../../src/event/truth.ts";
import { readCalibration } from "../../src/result/calibration.ts";
import { writeNpz } from "../../src/result/npz.ts";
import { resultFromScan } from "../../src/result/result.ts";
import { pixelAt } from "../../src/sky/healpix.ts";
import { endsWell, openBroker } from "../distributed.ts";
import { testFolder } from "../folder.ts";
import { type Running, simulatedEvent, skyscan, until } from "../programs.ts";
import { pixel } from "../result/examples.ts";

const directory = testFolder();
const path = (name: string) => join(directory, name);
const map = path("map.npz");

const calibrate = (out: string, ...more: (string | number)[]) => [
  ...["calibrate", simulatedEvent, map, "--experiments", 10, "--out", path(out), ...more],
];
const written = (out: string) => JSON.parse(readFileSync(path(out), "utf8"));
const linesIn = (file: string): number =>
  existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n").length : 0;

/** A map of one pixel, the true direction's, with the true vertex: all that a calibration takes of a map. */
beforeAll(async () => {
  const event = await loadEvent(simulatedEvent);
  const { ra, dec } = trueDirection(event)!;
  const { pos, time } = findOf(event, TRUE_TRACK, "I3Particle")!;
  const [x, y, z] = pos;
  const best = pixel(512, pixelAt(512, ra, dec), { x, y, z, time, llh: 500 });
  const recoAlgo = { reco_algo: "splinempe" };
  const result = resultFromScan(new Map([[512, [best]]]), event.metadata, true, recoAlgo);
  writeFileSync(map, writeNpz(result));
});

/** Two machines of a pool. */
function clientsOf(broker: string, name: string): Running[] {
  const args = ["client", "--broker", broker, "--mq-basename", name, "--workers", 1];
  return [0, 1].map(() => skyscan([...args, "--timeout-to-clients", 60, "--log", "INFO"]));
}

describe("skyscan calibrate", () => {
  test("finds an event's levels on this machine, and the map takes them", async () => {
    const { stdout } = await endsWell(skyscan(calibrate("here.json", "--workers", 2)));
    expect(stdout).toMatch(/90 %/);
    const { experiments, levels } = await readCalibration(path("here.json"));
    expect(experiments).toBeGreaterThanOrEqual(8);
    expect(levels.map(({ percent }) => percent)).toEqual([50, 68, 90, 99]);
    // Drawn from the world the fits do not know, they are of the order of Wilks', 1.4 and 4.6, and rise with the share.
    expect(levels[0]!.level).toBeGreaterThan(0.2);
    expect(levels[2]!.level).toBeGreaterThan(levels[0]!.level);
    expect(levels[2]!.level).toBeLessThan(40);
    const info = ["result", "info", map, "--calibration", path("here.json")];
    expect((await skyscan(info).exited).stdout).toMatch(/calibrated, \d+ pseudo-experiments/);
    expect(existsSync(path("here.json.partial"))).toBe(false);
  }, 240_000);

  test("finds the same on a pool, stopped and started again, whoever runs which experiment", async () => {
    const { url: broker } = await openBroker();
    const onPool = calibrate("pool.json", "--broker", broker, "--mq-basename", "levels");
    const first = skyscan(onPool);
    const clients = clientsOf(broker, "levels");
    const kept = path("pool.json.partial");
    await until("three experiments", () => linesIn(kept) > 3, 120);
    first.process.kill("SIGINT");
    expect((await first.exited).code).toBe(130);
    // The clients stay, for its return.
    await endsWell(skyscan(onPool));
    const ends = await Promise.all(clients.map(({ exited }) => exited));
    const done = ends.map(({ code, stderr }) => {
      expect(code).toBe(0);
      return Number(/(\d+) fits done.*the calibration is done/.exec(stderr)?.[1]);
    });
    for (const fits of done) expect(fits).toBeGreaterThan(0);
    // What was kept is not done again; what the stop found under way may be.
    expect(done[0]! + done[1]!).toBeLessThanOrEqual(10 + 4);
    expect(written("pool.json")).toEqual(written("here.json"));
  }, 240_000);

  test("is about the map's own event, and needs a light", async () => {
    const other = path("other.npz");
    const metadata = { runId: 5, eventId: 6, eventType: "x", mjd: 6e4, isRealEvent: false };
    writeFileSync(other, writeNpz(resultFromScan(new Map([[1, [pixel(1, 0)]]]), metadata, true)));
    for (const [args, message] of [
      [[simulatedEvent, other], "a map of run 5 event 6"],
      [[simulatedEvent, map, "--reco-algo", "dummy"], "nothing to calibrate"],
      [[simulatedEvent, map, "--mq-basename", "x"], "--mq-basename needs --broker"],
      [[simulatedEvent, path("none.npz")], "none.npz"],
    ] as const) {
      const { code, stderr } = await skyscan(["calibrate", ...args]).exited;
      expect(code).toBe(2);
      expect(stderr).toContain(message);
    }
  }, 60_000);
});
