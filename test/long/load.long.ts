import { describe, expect, test } from "bun:test";
import { runLoad } from "../load.ts";
import { hasMosquitto } from "../programs.ts";

const nside = 64;

describe.skipIf(!hasMosquitto)("one server under load", () => {
  test.each([
    // One fit a task, as of Millipede; and seven, with minima that are passed on: memory of their places too.
    ["dummy", 500],
    ["splinempe", 600],
  ] as const)(
    "2000 clients on one Mosquitto: %s",
    async (algorithm, memoryMb) => {
      const load = { algorithm, clients: 2000, nside, fitSeconds: [0.3, 0.6], want: 2 } as const;
      const outcome = await runLoad(load);
      console.log(algorithm, outcome);
      expect(outcome.results).toBeGreaterThanOrEqual(12 * nside ** 2);
      expect(outcome.serverMemoryMb).toBeLessThan(memoryMb);
      // The cost per result does not grow with what is done already; noise aside.
      expect(outcome.late.server).toBeLessThan(2 * outcome.early.server);
    },
    600_000,
  );
});
