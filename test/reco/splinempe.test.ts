import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { builtinDetector } from "../../src/detector/builtin.ts";
import { loadEvent } from "../../src/event/load.ts";
import type { Seed } from "../../src/geometry/track.ts";
import { openLight } from "../../src/light/light.ts";
import type { LightModel } from "../../src/native/light.ts";
import type { Fitter } from "../../src/reco/reco.ts";
import { splinempe } from "../../src/reco/splinempe.ts";
import { present, shared } from "../shared.ts";

interface LlhFile {
  readonly energy: number;
  readonly hypotheses: readonly {
    readonly pos: readonly [number, number, number];
    readonly time: number;
    readonly zenith: number;
    readonly azimuth: number;
    readonly lnL: { readonly max: number };
  }[];
}

// splinempe_llh_*.json: the reference's likelihood on its own preparation, with the synthetic tables.
describe("splinempe from alert to likelihood, on photon tables", () => {
  const closables: (LightModel | Fitter)[] = [];
  afterAll(() => {
    for (const closable of closables.toReversed()) closable.close();
  });

  const alerts = [
    "run00136662-evt000035405932-BRONZE.pkl",
    "run00136766-evt000007637140-GOLD.pkl",
    "138632_31747601.json",
  ];
  const llhOf = (file: string) => `oracle/llh/splinempe_llh_${file.replace(/\.\w+$/, "")}.json`;
  test.each(present(alerts, (file) => [`events/${file}`, llhOf(file)]))("%s", async (file) => {
    const light = openLight({ reco: "muon", photonTables: shared("oracle", "tables") });
    closables.push(light);
    expect(light.kind).toBe("tables");
    const event = await loadEvent(shared("events", file));
    const prepared = splinempe.prepare(event, builtinDetector(), light);
    const fitter = splinempe.open(prepared, light);
    closables.push(fitter);
    const { energy, hypotheses }: LlhFile = JSON.parse(readFileSync(shared(llhOf(file)), "utf8"));
    for (const { pos, time, zenith, azimuth, lnL } of hypotheses) {
      const hypothesis = { x: pos[0], y: pos[1], z: pos[2], time, zenith, azimuth };
      const { llh } = fitter.evaluate(hypothesis, { energy, exact: true });
      // As in native/splinempe.test.ts: the reference's single precision.
      expect(Math.abs(llh / -lnL.max - 1)).toBeLessThan(1e-6);
    }
  });
});

test("among minima known already, rounded on their way, the first seed that can be at the lowest serves", async () => {
  const light = openLight({ reco: "muon", choice: { light: "embedded-2026b" } });
  const event = await loadEvent(join(import.meta.dir, "../data/simulated_muon.json"));
  const fitter = splinempe.open(splinempe.prepare(event, builtinDetector(), light), light);
  let asked = 0;
  function* seedsFrom(first: Seed) {
    for (const late of [0, 50, 100, 150]) {
      asked += 1;
      yield { ...first, time: first.time + late };
    }
  }
  const rounded = (value: number, unit: number) => Math.round(value / unit) * unit;
  const azimuths = [0, 1, 2, 3, 4, 5];
  for (const azimuth of azimuths) {
    const first: Seed = { x: 0, y: 0, z: 0, time: 10_000, zenith: 1.2, azimuth };
    const whole = fitter.fitDirection!([first], []);
    const known = whole.minima.map(({ x, y, z, llh }) => ({
      ...{ x: rounded(x, 0.01), y: rounded(y, 0.01), z: rounded(z, 0.01) },
      llh: rounded(llh!, 1e-4),
    }));
    const [fit] = fitter.fitDirection!(seedsFrom(first), known).fits;
    expect(fit.time).toBe(first.time);
    expect(fit.llh).toBeCloseTo(whole.fits[0].llh, 1);
    expect(fit.llh).toBeCloseTo(fitter.evaluate({ ...first, ...fit }).llh, 9);
  }
  expect(asked).toBe(azimuths.length);
  fitter.close();
  light.close();
});
