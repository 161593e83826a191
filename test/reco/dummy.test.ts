import { afterEach, beforeEach, expect, test } from "bun:test";
import { builtinDetector } from "../../src/detector/builtin.ts";
import type { Event } from "../../src/event/event.ts";
import type { Seed } from "../../src/geometry/track.ts";
import { crashDummy } from "../../src/reco/crash_dummy.ts";
import { dummy } from "../../src/reco/dummy.ts";
import type { Fit } from "../../src/reco/reco.ts";

const event: Event = {
  metadata: { runId: 1, eventId: 2, eventType: "neutrino", mjd: 59000, isRealEvent: false },
  formatVersion: "",
  frames: [],
  message: {},
};
const seed: Seed = { x: 0, y: 0, z: 0, time: 0, zenith: 1, azimuth: 1 };
const task = { nside: 8, pixel: 5, posvar: 0 };
const prepared = dummy.prepare(event, builtinDetector(), undefined);
const fitOnce = async (options: { seed?: number }, at = task): Promise<Fit> =>
  dummy.open(prepared, undefined, options).fit(seed, at);

const environment = { ...process.env };
beforeEach(() => {
  process.env.SKYSCAN_DUMMY_SECONDS = "0,0";
});
afterEach(() => {
  process.env = { ...environment };
});

test("an event without anything has a vertex at the origin", () => {
  expect(prepared.vertex).toEqual({ x: 0, y: 0, z: 0, time: 0 });
  expect(prepared.hlc.size).toBe(0);
});

test("with a seed the values depend on seed and task alone", async () => {
  const fit = await fitOnce({ seed: 7 });
  expect(await fitOnce({ seed: 7 })).toEqual(fit);
  expect((await fitOnce({ seed: 8 })).llh).not.toBe(fit.llh);
  for (const at of [
    { ...task, nside: 16 },
    { ...task, pixel: 6 },
    { ...task, posvar: 1 },
  ])
    expect((await fitOnce({ seed: 7 }, at)).llh).not.toBe(fit.llh);
});

test("without a seed the values differ; all lie in [0, 1)", async () => {
  const fits = await Promise.all(Array.from({ length: 50 }, () => fitOnce({})));
  expect(new Set(fits.map((fit) => fit.llh)).size).toBe(50);
  for (const { evaluations, losses, reason, ...values } of fits)
    for (const value of Object.values(values)) {
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThan(1);
    }
});

test.each(["x", "1", "3,1", "-1,2", "0,1,2", "0,Infinity"])(
  "SKYSCAN_DUMMY_SECONDS=%s is refused",
  (text) => {
    process.env.SKYSCAN_DUMMY_SECONDS = text;
    expect(() => dummy.open(prepared, undefined)).toThrow(`SKYSCAN_DUMMY_SECONDS is "${text}"`);
  },
);

test("crash_dummy with probability 0 is the dummy", async () => {
  process.env._SKYSCAN_CI_CRASH_DUMMY_PROBABILITY = "0";
  const fit = await crashDummy.open(prepared, undefined, { seed: 7 }).fit(seed, task);
  expect(fit).toEqual(await fitOnce({ seed: 7 }));
});

test("crash_dummy refuses what is no probability", () => {
  process.env._SKYSCAN_CI_CRASH_DUMMY_PROBABILITY = "2";
  expect(() => crashDummy.open(prepared, undefined)).toThrow("from 0 to 1");
});

test("crash_dummy with probability 1 ends its process, or hangs it for ever", async () => {
  const script = `
    import { crashDummy } from "${import.meta.dir}/../../src/reco/crash_dummy.ts";
    Math.random = () => Number(process.env.DRAW);
    const fitter = crashDummy.open(undefined, undefined, { seed: 1 });
    process.stdout.write("fitting");
    await fitter.fit(undefined, undefined);
    process.stdout.write("done");`;
  const start = (draw: string) =>
    Bun.spawn([process.execPath, "-e", script], {
      env: { ...process.env, _SKYSCAN_CI_CRASH_DUMMY_PROBABILITY: "1", DRAW: draw },
      stdout: "pipe",
      stderr: "pipe",
    });

  const crashing = start("0.1");
  expect(await crashing.exited).toBe(5);
  expect(await new Response(crashing.stdout).text()).toBe("fitting");

  const hanging = start("0.9");
  let said = "";
  for await (const chunk of hanging.stderr) {
    said += new TextDecoder().decode(chunk);
    if (said.includes("hanging on purpose")) break;
  }
  expect(hanging.exitCode).toBeNull();
  hanging.kill("SIGKILL");
  await hanging.exited;
  expect(hanging.signalCode).toBe("SIGKILL");
});
