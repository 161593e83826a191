import { expect, test } from "bun:test";
import { checkWorlds } from "../system/simulation.ts";

test("a million events of worlds full of trouble, on a scan of three stages", async () => {
  const seeds = Array.from({ length: 1000 }, (_, n) => 10_001 + n);
  const progression = [
    { nside: 1, extension: 0 },
    { nside: 2, extension: 6 },
    { nside: 4, extension: 12 },
  ];
  expect(await checkWorlds(seeds, progression)).toBeGreaterThan(1_000_000);
});
