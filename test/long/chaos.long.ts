import { describe, expect, test } from "bun:test";
import { runChaos } from "../chaos.ts";
import { hasMosquitto } from "../programs.ts";

describe.skipIf(!hasMosquitto)("chaos", () => {
  test("8 clients of which half of all fits crash or hang, one killed every 2 s, broker and server twice each: the same map", async () => {
    const { isSameMap, table } = await runChaos({
      nsides: ["4:0", "16:12"],
      clients: 8,
      probability: 0.5,
      recoTimeout: 2,
      dummySeconds: "0.05,0.1",
      killEvery: 2,
      brokerRestarts: 2,
      serverKills: 2,
      patience: 600,
    });
    console.table(table);
    expect({ isSameMap, ...table }).toMatchObject({
      isSameMap: true,
      lost: 0,
      givenUp: 0,
      brokerRestarts: 2,
      serverKills: 2,
    });
  }, 1_300_000);
});
