import { expect } from "bun:test";
import { resolve } from "node:path";
import { planScan, type ScanPlan } from "../../src/server/plan.ts";
import type { Progression } from "../../src/sky/progression.ts";
import { conditionsOf, live, mapText, undisturbed } from "./world.ts";

/**
 * A scan with two fits per pixel of an event nobody looks at: the fits are made up.
 * @param isFlooding its pixels start from each other's minima, and look again
 * @param refineToContour it goes on beyond its progression
 */
export async function planOf(
  progression: Progression,
  isFlooding = false,
  refineToContour = false,
): Promise<ScanPlan> {
  const plan = await planScan({
    eventFile: resolve(import.meta.dir, "../data/simulated_muon.json"),
    ...{ isRealEvent: false, reco: "dummy", miniTest: false, progression, threshold: 1, seed: 3 },
    refineToContour,
  });
  const { variations } = plan.reco.seeds;
  const seeds = { ...plan.reco.seeds, variations: [...variations, ...variations] };
  const flood = {
    most: 2,
    margin: 1e9,
    separation: 8,
    known: 15,
    rounds: 2,
    sown: 2,
    sownWithin: 0.5,
    searched: 5,
  };
  const reco = { ...plan.reco, seeds, ...(isFlooding && { flood, freeStarts: 5 }) };
  return { ...plan, reco, event: { ...plan.event, frames: [] } };
}

/** So many of these seeds as begin with those whose server is stopped or killed; the rest of a world's troubles come along. */
export const interruptedSeeds = (seeds: readonly number[], count: number): number[] =>
  seeds
    .filter((seed) => {
      const { betweenServerKills, stopAt } = conditionsOf(seed);
      return Number.isFinite(betweenServerKills) || Number.isFinite(stopAt);
    })
    .slice(0, count);

/** So many worlds: all end, with the map of a world without trouble, and no rule is broken. */
export async function checkWorlds(
  seeds: Iterable<number>,
  progression: Progression,
  refineToContour = false,
) {
  const plan = await planOf(progression, true, refineToContour);
  const map = mapText(undisturbed(plan));
  let events = 0;
  for (const seed of seeds) {
    try {
      const course = await live(plan, seed);
      events += course.events;
      if (course.outcome) expect(mapText(course.outcome.result.nsides)).toBe(map);
    } catch (error) {
      // How to see it again: SEED=<seed> bun test ./test/system, LOG=1 for what the program says.
      console.error(`world ${seed}: ${JSON.stringify(conditionsOf(seed))}`);
      throw error;
    }
  }
  return events;
}
