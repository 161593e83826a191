import { expect, test } from "bun:test";
import { openFits, warmUp } from "../../src/client/fits.ts";
import type { FitProcess } from "../../src/client/pool.ts";
import type { FitSetup, FromFitProcess, ToFitProcess } from "../../src/client/protocol.ts";
import { Spare, startEarly } from "../../src/client/spare.ts";
import { loadEvent } from "../../src/event/load.ts";
import { startupData } from "../../src/server/startup.ts";
import { simulatedEvent } from "../programs.ts";

/** Processes that note what they are sent. */
function processes() {
  const made: { sent: ToFitProcess[]; end: () => void; exited: Promise<string> }[] = [];
  const spawn = (
    _command: readonly string[],
    _hear: (message: FromFitProcess) => void,
  ): FitProcess => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const sent: ToFitProcess[] = [];
    made.push({ sent, end: () => resolve("code 0"), exited: promise });
    const pid = made.length;
    return {
      pid,
      send: (one) => void sent.push(one),
      kill: () => resolve("killed"),
      exited: promise,
    };
  };
  return { made, spawn };
}

test("a spare process gets ready before it is asked for, and the next one when it has ended", async () => {
  const { made, spawn } = processes();
  const spare = new Spare(spawn, ["fit"]);
  expect(made.map(({ sent }) => sent)).toEqual([[{ kind: "warmUp" }]]);
  const taken = spare.spawn(["fit"], () => {});
  expect(taken.pid).toBe(1);
  expect(made).toHaveLength(1);
  made[0]!.end();
  await taken.exited;
  await Promise.resolve();
  expect(made.map(({ sent }) => sent)).toEqual([[{ kind: "warmUp" }], [{ kind: "warmUp" }]]);
});

test("fits of a process that got ready before are those of one that did not", async () => {
  const event = await loadEvent(simulatedEvent, {});
  const setup = (choice?: FitSetup["choice"]): FitSetup => ({
    ...{ startup: startupData(event, "any", undefined), reco: "splinempe", seed: 1 },
    ...{ isRealEvent: false, miniTest: false, ...(choice !== undefined && { choice }) },
  });
  const task = {
    ...{ id: 1, nside: 8, pixel: 300, posvar: 0, count: 7, round: 0 },
    ...{ parent: null, starts: null, free: null },
  };
  const values = async (given: FitSetup) => (await (await openFits(given)).fit(task)).values;
  const cold = await values(setup());
  warmUp();
  // Another ice is not what it is ready for.
  const scaled = setup({ iceScale: { scattering: 1.1, absorption: 0.9 } });
  expect(await values(scaled)).not.toEqual(cold);
  expect(await values(setup())).toEqual(cold);
  expect(await values(setup())).toEqual(cold);
});

test("processes started early are given away one by one, those that are left end, and more are started", async () => {
  const { made, spawn } = processes();
  const early = startEarly(spawn, ["fit"], { count: 3, isWarm: true });
  expect(made.map(({ sent }) => sent)).toEqual(Array(3).fill([{ kind: "warmUp" }]));
  const taken = [early.spawn(["fit"], () => {}), early.spawn(["fit"], () => {})];
  expect(taken.map(({ pid }) => pid)).toEqual([1, 2]);
  early.close();
  expect(await made[2]!.exited).toBe("killed");
  expect(early.spawn(["fit"], () => {}).pid).toBe(4);
  expect(made[3]!.sent).toEqual([]);
});

test("what a process started early says reaches who took it", () => {
  let say = (_message: FromFitProcess) => {};
  const { spawn } = processes();
  const early = startEarly(
    (command, hear) => {
      say = hear;
      return spawn(command, hear);
    },
    ["fit"],
    { count: 1, isWarm: false },
  );
  const heard: FromFitProcess[] = [];
  early.spawn(["fit"], (message) => void heard.push(message));
  say({ kind: "ready", light: null });
  expect(heard).toEqual([{ kind: "ready", light: null }]);
});
