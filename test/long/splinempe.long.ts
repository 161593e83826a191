import { describe, expect, test } from "bun:test";
import { uniformNumbers } from "../../src/config/random.ts";
import { builtinDetector } from "../../src/detector/builtin.ts";
import { loadEvent } from "../../src/event/load.ts";
import type { Hypothesis } from "../../src/geometry/track.ts";
import { openLight } from "../../src/light/light.ts";
import { openSplineMpe } from "../../src/native/splinempe.ts";
import { pixelSeed } from "../../src/reco/seed.ts";
import { splinempe } from "../../src/reco/splinempe.ts";
import { present, shared } from "../shared.ts";
import { simplexMinimum } from "../simplex.ts";

/** First steps of the simplices, m. */
const STEPS = [20, 20, 20];

/** Directions all over the sky, per event: so many that chance does not decide whether 5 % are above. */
const DIRECTIONS = 120;

// The reference minimises with a simplex from every seed. A simplex of our own, started again where it
// ends until it gains nothing, is at least as good: pixels must be as low as that.
describe("splinempe on photon tables, in random directions", () => {
  const light = openLight({ reco: "muon", photonTables: shared("oracle/tables") });

  const alerts = [
    "run00136662-evt000035405932-BRONZE.pkl",
    "run00136766-evt000007637140-GOLD.pkl",
    "138632_31747601.json",
  ];
  test.each(present(alerts, (file) => `events/${file}`))(
    "ends as low as simplices from all seeds do: %s",
    async (file) => {
      const event = await loadEvent(shared("events", file));
      const detector = builtinDetector();
      const prepared = splinempe.prepare(event, detector, light);
      const doms = [...prepared.cleaned].map(([key, pulses]) => ({
        ...detector.doms.get(key)!,
        efficiency: 1,
        firstTime: pulses[0]!.time,
        charge: pulses.reduce((sum, pulse) => sum + pulse.charge, 0),
      }));
      const energy = prepared.energy!.value;
      const window = prepared.readoutWindow;
      const likelihood = openSplineMpe(light, { doms, window, energy });
      const random = uniformNumbers(20261122);
      let [worseThanOnce, worse, lower] = [0, 0, 0];
      for (let i = 0; i < DIRECTIONS; i++) {
        const zenith = Math.acos(2 * random() - 1);
        const azimuth = 2 * Math.PI * random();
        const minima = likelihood.search({ zenith, azimuth });
        let [ours, once, again] = [Infinity, Infinity, Infinity];
        for (let k = 0; k < splinempe.seeds.variations.length; k++) {
          const seed: Hypothesis = pixelSeed(prepared, splinempe.seeds, { zenith, azimuth }, k);
          ours = Math.min(ours, likelihood.fit([seed], minima).llh);
          const value = ([x, y, z]: readonly number[]) =>
            Math.max(Math.abs(x!), Math.abs(y!), Math.abs(z!)) > 2000
              ? 1e9
              : likelihood.evaluate({ ...seed, x: x!, y: y!, z: z! });
          // As the reference does, and then on and on.
          const start = [seed.x, seed.y, seed.z];
          once = Math.min(once, simplexMinimum(value, start, STEPS, 0.1, 100).value);
          let found = simplexMinimum(value, start, STEPS, 0.01, 300);
          for (let gain = Infinity; gain > 0.02; ) {
            const next = simplexMinimum(value, found.x, STEPS, 0.01, 300);
            gain = found.value - next.value;
            found = next;
          }
          again = Math.min(again, found.value);
        }
        if (ours > once + 0.1) worseThanOnce++;
        if (ours > again + 0.1) worse++;
        if (ours < once - 0.1) lower++;
      }
      likelihood.close();
      console.info(
        `${file}: of ${DIRECTIONS} directions ${worseThanOnce} above a simplex, ${worse} above repeated ones, ${lower} below`,
      );
      expect(worseThanOnce).toBeLessThanOrEqual(0.05 * DIRECTIONS);
      expect(worse).toBeLessThanOrEqual(0.1 * DIRECTIONS);
      expect(lower).toBeGreaterThan(0.25 * DIRECTIONS);
    },
  );
});
