import { afterAll, expect, test } from "bun:test";
import { builtinDetector } from "../../src/detector/builtin.ts";
import { loadEvent } from "../../src/event/load.ts";
import { formatOMKey } from "../../src/i3/omkey.ts";
import { openEmbeddedLight } from "../../src/native/light.ts";
import { millipedeData } from "../../src/reco/millipede.ts";
import { millipedeOriginal, originalUnfolding } from "../../src/reco/millipede_original.ts";
import { millipedeWilks, wilksUnfolding } from "../../src/reco/millipede_wilks.ts";
import { describeShared, shared } from "../shared.ts";

const events = [
  "138632_31747601.json",
  "run00136662-evt000035405932-BRONZE.pkl",
  "run00136766-evt000007637140-GOLD.pkl",
];

interface Oracle {
  readonly n_doms: number;
  readonly n_bins: number;
  readonly doms: Record<string, { edges: number[]; charges: number[]; valid: boolean[] }>;
}

const oracle = (algo: string, event: string): Promise<Oracle> =>
  Bun.file(shared(`oracle/llh/${algo}_llh_${event.replace(/\.(pkl|json)$/, "")}.json`)).json();

describeShared("the data vector of millipede", () => {
  const light = openEmbeddedLight("cascade");
  afterAll(() => light.close());
  for (const [reco, unfolding] of [
    [millipedeOriginal, originalUnfolding],
    [millipedeWilks, wilksUnfolding],
  ] as const)
    for (const file of events)
      test(`${reco.name}, ${file}: every DOM has the reference's bins`, async () => {
        const event = await loadEvent(shared("events", file));
        const prepared = reco.prepare(event, builtinDetector(), light);
        const { keys, core } = millipedeData(prepared, light, unfolding);
        const expected = await oracle(reco.name, file);
        expect(keys.length).toBe(expected.n_doms);
        const bins = core.bins;
        keys.forEach((key, i) => {
          const { edges, charges, valid } = expected.doms[formatOMKey(key)]!;
          expect(bins[i]).toEqual({ edges, charges, valid });
        });
        expect(bins.reduce((sum, dom) => sum + dom.charges.length, 0)).toBe(expected.n_bins);
        core.close();
      });
});
