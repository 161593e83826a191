import { afterAll, describe, expect, test } from "bun:test";
import { builtinDetector } from "../../src/detector/builtin.ts";
import { instrumentedVolume, intersection } from "../../src/detector/volume.ts";
import { loadEvent } from "../../src/event/load.ts";
import type { Vertex } from "../../src/geometry/track.ts";
import { domName } from "../../src/i3/omkey.ts";
import { openEmbeddedLight, openLight } from "../../src/light/light.ts";
import { cascadeLight } from "../../src/native/light.ts";
import type { Millipede } from "../../src/native/millipede.ts";
import { momentAt, toDetector } from "../../src/native/sky.ts";
import { millipedeData } from "../../src/reco/millipede.ts";
import { millipedeOriginal, originalUnfolding } from "../../src/reco/millipede_original.ts";
import {
  millipedeWilks,
  millipedeWilksWidened,
  wilksUnfolding,
} from "../../src/reco/millipede_wilks.ts";
import type { Fitter } from "../../src/reco/reco.ts";
import { findReco, widenedName } from "../../src/reco/registry.ts";
import { pixelSeed } from "../../src/reco/seed.ts";
import { pixelCentre } from "../../src/sky/healpix.ts";
import { columnSums, llhOf, unfolding } from "../native/diagnostics.ts";
import { present, shared } from "../shared.ts";

const [bronze, gold] = [
  "run00136662-evt000035405932-BRONZE.pkl",
  "run00136766-evt000007637140-GOLD.pkl",
];
const llhFile = (algo: string, event: string) =>
  `oracle/llh/${algo}_llh_${event.replace(/\.(pkl|json)$/, "")}.json`;
const events = present(["138632_31747601.json", bronze, gold], (event) => [
  `events/${event}`,
  llhFile("millipede_original", event),
  llhFile("millipede_wilks", event),
]);

interface Oracle {
  readonly n_doms: number;
  readonly n_bins: number;
  readonly doms: Record<string, { edges: number[]; charges: number[]; valid: boolean[] }>;
}

const oracle = (algo: string, event: string): Promise<Oracle> =>
  Bun.file(shared(llhFile(algo, event))).json();

describe("the data vector of millipede", () => {
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
          const { edges, charges, valid } = expected.doms[domName(key)]!;
          expect(bins[i]).toEqual({ edges, charges, valid });
        });
        expect(bins.reduce((sum, dom) => sum + dom.charges.length, 0)).toBe(expected.n_bins);
        core.close();
      });
});

interface Hypotheses {
  readonly hypotheses: {
    readonly label: string;
    readonly spacing: "coarse" | "fine";
    readonly pos: [number, number, number];
    readonly zenith: number;
    readonly azimuth: number;
    readonly time: number;
    readonly n_sources: number;
    readonly column_sums: number[];
    readonly energies: number[];
    readonly total_energy: number;
    readonly llh_recomputed: number;
  }[];
}

/** A hypothesis of the reference's: its track, and what our light makes of it with the reference's energies. */
function unfolded(core: Millipede, h: Hypotheses["hypotheses"][number]) {
  const [x, y, z] = h.pos;
  const track = { x, y, z, time: h.time, zenith: h.zenith, azimuth: h.azimuth };
  const spacing = h.spacing === "coarse" ? 5 : 2.5;
  expect(h.energies.length).toBe(h.n_sources);
  const ours = unfolding(core, track, spacing, h.energies);
  const off = h.column_sums.map((sum, j) => Math.abs(ours.columnSums[j]! / sum - 1));
  return { track, spacing, ...ours, off };
}

describe("the likelihood of millipede, with tables", () => {
  const algorithms = [
    [millipedeOriginal, originalUnfolding],
    [millipedeWilks, wilksUnfolding],
  ] as const;
  const open = async (n: 0 | 1, file: string, singlePrecision: boolean) => {
    const [reco, settings] = algorithms[n];
    const photonTables = shared("oracle/tables");
    const light = openLight({ reco: reco.light!, photonTables, singlePrecision });
    const event = await loadEvent(shared("events", file));
    const prepared = reco.prepare(event, builtinDetector(), light);
    const { core } = millipedeData(prepared, light, settings);
    const { hypotheses } = (await oracle(reco.name, file)) as unknown as Hypotheses;
    const close = () => {
      core.close();
      light.close();
    };
    return { core, hypotheses, close };
  };
  const cases = ([0, 1] as const).flatMap((n) =>
    events.map((file) => [algorithms[n][0].name, file, n] as const),
  );

  test.each(cases)(
    "%s, %s",
    async (_name, file, n) => {
      const { core, hypotheses, close } = await open(n, file, false);
      for (const h of hypotheses.filter((_, i) => i % 3 === 0)) {
        const { given, solved, off } = unfolded(core, h);
        // The reference evaluates its splines in single precision: 1e-5 of a column, and more of
        // bins of 8 ns after most of their light, small differences of large cumulatives.
        expect(Math.max(...off)).toBeLessThan(1.5e-5);
        const narrow = n === 0;
        expect(Math.abs(given / -h.llh_recomputed - 1)).toBeLessThan(narrow ? 3e-5 : 5e-6);
        expect(solved.certificate).toBeLessThan(1e-6);
        // At least as good as the reference's energies in the same light; and in its own.
        expect(solved.llh).toBeLessThanOrEqual(given + 1e-4);
        expect(solved.llh).toBeLessThanOrEqual(-h.llh_recomputed + (narrow ? 0.03 : 1e-3));
      }
      // What these numbers are checked on is what the program evaluates.
      const { track, spacing, ...ours } = unfolded(core, hypotheses[0]!);
      const { llh, certificate } = core.evaluate(track, spacing);
      expect({ llh, certificate }).toEqual(ours.solved);
      expect(llhOf(core, track, spacing, hypotheses[0]!.energies)).toBe(ours.given);
      close();
    },
    60_000,
  );

  // Rounding is the tables' own business, and each hypothesis sends 50 000 points through them and more (cascades, DOMs
  // that see them, edges of bins): the event's own track and a pixel's seed elsewhere in the sky are enough.
  test.each(cases)(
    "%s, %s, rounded as the reference rounds",
    async (_name, file, n) => {
      const { core, hypotheses, close } = await open(n, file, true);
      const columns: number[] = [];
      for (const h of hypotheses.filter((_, i) => i % 10 === 0)) {
        const { given, solved, off } = unfolded(core, h);
        columns.push(...off);
        expect(Math.abs(given / -h.llh_recomputed - 1)).toBeLessThan(1e-6);
        expect(solved.llh).toBeLessThanOrEqual(-h.llh_recomputed + 1e-3);
      }
      // Almost every column to 1e-6; the few beyond are sums of small differences.
      expect(Math.max(...columns)).toBeLessThan(3e-6);
      expect(columns.filter((off) => off > 1e-6).length / columns.length).toBeLessThan(0.01);
      close();
    },
    120_000,
  );

  test("the gradient is that of the llh whose energies follow", async () => {
    const light = openLight({ reco: "cascade-ftp", photonTables: shared("oracle/tables") });
    const event = await loadEvent(shared("events", bronze));
    const prepared = millipedeWilks.prepare(event, builtinDetector(), light);
    const { core } = millipedeData(prepared, light, wilksUnfolding);
    const { rows } = await Bun.file(
      shared("oracle/llh/millipede_wilks_gradients_run00136662-evt000035405932-BRONZE.json"),
    ).json();
    for (const row of rows.slice(0, 3)) {
      const { pos, zenith, azimuth, time } = row.particle;
      const track = { x: pos[0], y: pos[1], z: pos[2], time, zenith, azimuth };
      const { llh, gradient } = core.evaluate(track, 5);
      expect(llh).toBeLessThanOrEqual(row.value + 1e-3);
      // The reference's energies have not quite converged, which its gradients show.
      const [t, ...rest] = row.gradient;
      [...rest, t].forEach((value: number, axis: number) => {
        expect(Math.abs(gradient[axis]! - value)).toBeLessThan(0.15 + 0.05 * Math.abs(value));
      });
      for (const [axis, name, step] of [
        [0, "x", 0.02],
        [1, "y", 0.02],
        [2, "z", 0.02],
        [3, "time", 0.05],
      ] as const) {
        const at = (sign: number) =>
          core.evaluate({ ...track, [name]: track[name] + sign * step }, 5).llh;
        const numeric = (at(1) - at(-1)) / (2 * step);
        // llh kinks where an energy reaches zero; a step across a kink shows the mean of two slopes.
        expect(Math.abs(gradient[axis]! - numeric)).toBeLessThan(0.02 + 0.01 * Math.abs(numeric));
      }
    }
    core.close();
    light.close();
  }, 60_000);

  test("what a search neglects is little, what a result neglects next to nothing", async () => {
    const light = openLight({ reco: "cascade", photonTables: shared("oracle/tables") });
    const event = await loadEvent(shared("events", bronze));
    const prepared = millipedeOriginal.prepare(event, builtinDetector(), light);
    const { keys, core } = millipedeData(prepared, light, originalUnfolding);
    const track = { ...prepared.vertex, zenith: 1.511, azimuth: 0.695 };
    const [full, scan] = (["full", "scan"] as const).map((p) => columnSums(core, track, 50, p));
    const doms = keys.map((key) => prepared.detector.doms.get(key)!);
    const { bins } = core;
    const inside = intersection(instrumentedVolume(prepared.detector), track);
    const { losses } = core.evaluate(track, 50);
    losses.forEach((cascade, j) => {
      let sum = 0;
      doms.forEach((dom, i) => {
        const { edges, valid } = bins[i]!;
        const site = [dom.x, dom.y, dom.z, dom.relativeEfficiency * dom.meanSpeCharge * 0.99];
        if (edges.length === 0 || j % 5 !== 0) return;
        const seen = cascadeLight(light, { ...track, ...cascade }, site, edges);
        if (!seen) return;
        const share =
          valid.length === 1
            ? 1
            : valid.reduce(
                (total, ok, k) =>
                  total +
                  (ok ? Math.max(0, seen.cumulative[k + 1]!.value - seen.cumulative[k]!.value) : 0),
                0,
              );
        sum += seen.amplitude.value * share;
      });
      if (j % 5 !== 0) return;
      expect(Math.abs(full![j]! / sum - 1)).toBeLessThan(1e-8);
      // A search lets dark DOMs fade out from 180 m on. Inside the array that is under 1 %; a cascade
      // well outside it has hardly a DOM nearer.
      const length = (cascade.time - track.time) * 0.299792458;
      const isInside = length > inside!.entry && length < inside!.exit;
      expect(Math.abs(scan![j]! / sum - 1)).toBeLessThan(isInside ? 0.01 : 0.15);
    });
    core.close();
    light.close();
  }, 60_000);
});

describe("fits of millipede", () => {
  test.each([
    [millipedeOriginal, 1],
    [millipedeWilks, 2],
  ] as const)(
    "$name is as good as the reference near the source",
    async (reco, count) => {
      const light = openLight({ reco: reco.light!, photonTables: shared("oracle/tables") });
      const event = await loadEvent(shared("events", bronze));
      const fitter = reco.open(reco.prepare(event, builtinDetector(), light), light);
      const { fits } = await Bun.file(
        shared(`oracle/fits/fits_${reco.name}_run00136662-evt000035405932-BRONZE.json`),
      ).json();
      for (const { seed, recopixel } of fits.slice(0, count)) {
        const [x, y, z] = seed.pos;
        const { zenith, azimuth, time } = seed;
        const fit = await fitter.fit({ x, y, z, time, zenith, azimuth });
        expect(fit.llh).toBeLessThanOrEqual(recopixel.llh + 0.1);
        expect(Math.abs(fit.E_in / recopixel.losses_inside - 1)).toBeLessThan(0.05);
        // llh is that of the vertex it comes with.
        const again = fitter.evaluate({ ...fit, zenith, azimuth }, { spacing: 2.5, exact: true });
        expect(Math.abs(again.llh - fit.llh)).toBeLessThan(1e-2);
      }
      fitter.close();
      light.close();
    },
    60_000,
  );

  test("the widened likelihood's minimum lies below it at the plain one's, and is none of a neighbour's", async () => {
    const light = openEmbeddedLight("cascade-ftp");
    const event = await loadEvent(shared("events", bronze));
    const prepared = millipedeWilks.prepare(event, builtinDetector(), light);
    const [plain, widened] = [millipedeWilks, millipedeWilksWidened].map((reco) =>
      reco.open(prepared, light),
    ) as [Fitter, Fitter];
    const { ra, dec } = pixelCentre(64, 25600);
    const direction = toDetector(ra, dec, momentAt(event.metadata.mjd));
    const seed = pixelSeed(prepared, millipedeWilks.seeds, direction, 0);
    const [from, to] = [await plain.fit(seed), await widened.fit(seed)];
    // evaluate() widens: llh with the energies solved anew.
    const llhAt = (track: Vertex) =>
      widened.evaluate({ x: track.x, y: track.y, z: track.z, time: track.time, ...direction }).llh;
    expect(to.llh).toBeLessThan(llhAt(from));
    expect(Math.abs(llhAt(to) - to.llh)).toBeLessThan(1e-4);
    // Energies in a search are true to 1e-4 in the plain llh, whose minimum they are; the widened one, which they do
    // not minimise, moves with them in first order.
    for (const step of [-4, 4])
      for (const axis of ["x", "z"] as const)
        expect(llhAt({ ...to, [axis]: to[axis] + step })).toBeGreaterThan(to.llh - 0.2);
    plain.close();
    widened.close();
    light.close();
  }, 60_000);

  test("where neighbours' minima are no tracks of this direction it is searched whole", async () => {
    const light = openEmbeddedLight("cascade-ftp");
    const event = await loadEvent(shared("events", bronze));
    const prepared = millipedeWilks.prepare(event, builtinDetector(), light);
    const fitter = millipedeWilks.open(prepared, light);
    const direction = { zenith: 1.5, azimuth: 0.7 };
    const seed = pixelSeed(prepared, millipedeWilks.seeds, direction, 0);
    // Nothing 5 km up lights the detector.
    const nowhere = { x: 0, y: 0, z: 5000, llh: Number.NaN };
    const [found, whole] = [[nowhere], []].map((starts) => fitter.fitDirection!([seed], starts));
    expect(found!.minima).toEqual(whole!.minima);
    expect(found!.fits[0].llh).toBe(whole!.fits[0].llh);
    expect(found!.fits[0].llh).not.toBeNaN();
    fitter.close();
    light.close();
  }, 60_000);

  test("--relative-uncertainty names an algorithm that has one, or is refused", () => {
    expect(widenedName("millipede_wilks")).toBe("millipede_wilks_widened");
    expect(findReco("millipede_wilks_widened").likelihood).toContain("uncertain by 100 %");
    expect(findReco("millipede_wilks").likelihood).toBe("Poisson");
    for (const name of ["splinempe", "millipede_original", "dummy"])
      expect(() => widenedName(name)).toThrow(/^--relative-uncertainty: [^\n]+$/);
  });

  test("cascades that hardly any DOM could see stay within reason", async () => {
    const light = openEmbeddedLight("cascade-ftp");
    const event = await loadEvent(shared("events", gold));
    const prepared = millipedeWilks.prepare(event, builtinDetector(), light);
    const fitter = millipedeWilks.open(prepared, light);
    const { core } = millipedeData(prepared, light, wilksUnfolding);
    // Away from the source the end of the track is dark, and energies there hardly change llh.
    for (const pixel of [3, 8, 109]) {
      const { ra, dec } = pixelCentre(8, pixel);
      const direction = toDetector(ra, dec, momentAt(event.metadata.mjd));
      const fit = await fitter.fit(pixelSeed(prepared, millipedeWilks.seeds, direction, 0));
      const track = { ...fit, ...direction };
      const dark = core.evaluate(track, 2.5).losses.map(() => 0);
      expect(fit.llh).toBeLessThan(llhOf(core, track, 2.5, dark));
      // GeV: beyond it no cosmic ray has been seen.
      expect(fit.E_tot).toBeLessThan(3e11);
    }
    core.close();
    fitter.close();
    light.close();
  }, 60_000);
});
