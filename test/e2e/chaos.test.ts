import { describe, expect, test } from "bun:test";
import { runChaos } from "../chaos.ts";
import { hasMosquitto } from "../programs.ts";

describe.skipIf(!hasMosquitto)("a little chaos", () => {
  test("crashing and hanging fits, killed clients, a broker restarted, a server killed: the same map", async () => {
    const { isSameMap, table } = await runChaos({
      nsides: ["2:0", "4:12"],
      clients: 3,
      probability: 0.1,
      recoTimeout: 1,
      dummySeconds: "0.01,0.02",
      killEvery: 3,
      brokerRestarts: 1,
      serverKills: 1,
      patience: 60,
    });
    expect({ isSameMap, ...table }).toMatchObject({ isSameMap: true, lost: 0, givenUp: 0 });
  }, 120_000);
});
