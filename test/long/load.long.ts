import { describe, expect, test } from "bun:test";
import { runLoad } from "../load.ts";
import { hasMosquitto } from "../programs.ts";

describe.skipIf(!hasMosquitto)("one server under load", () => {
  test("2000 clients on one Mosquitto", async () => {
    const outcome = await runLoad({ clients: 2000, nside: 64, fitSeconds: [0.3, 0.6], want: 2 });
    console.table(outcome);
    expect(outcome.results).toBeGreaterThanOrEqual(12 * 64 ** 2);
    expect(outcome.serverMemoryMb).toBeLessThan(500);
    // The cost per result does not grow with what is done already; noise aside.
    expect(outcome.lateCost).toBeLessThan(2 * outcome.earlyCost);
  }, 600_000);
});
