import { expect, test } from "bun:test";
import { checkWorlds, interruptedSeeds } from "../system/simulation.ts";

const seeds = Array.from({ length: 1000 }, (_, n) => 10_001 + n);

test("a million events of worlds full of trouble, on a scan of three stages", async () => {
  const progression = [
    { nside: 1, extension: 0 },
    { nside: 2, extension: 6 },
    { nside: 4, extension: 12 },
  ];
  expect(await checkWorlds(seeds, progression)).toBeGreaterThan(1_000_000);
});

test("worlds that go on beyond their progression, each stopped or its server killed", async () => {
  const progression = [
    { nside: 1, extension: 0 },
    { nside: 2, extension: 6 },
  ];
  await checkWorlds(interruptedSeeds(seeds, 40), progression, true);
});
