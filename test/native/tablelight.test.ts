import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { builtinDetector } from "../../src/detector/builtin.ts";
import { parseDomName } from "../../src/i3/omkey.ts";
import { openLight } from "../../src/light/light.ts";
import { findTables } from "../../src/light/photon_tables.ts";
import { cascadeLight, type LightModel, muonLight } from "../../src/native/light.ts";
import { openTable, smearing } from "../../src/native/spline_table.ts";
import { present, shared } from "../shared.ts";
import { openTablePair, type TablePair, type TableSource } from "./diagnostics.ts";
import { type Precisions, photospline } from "./photospline.ts";

// Single precision is emulated number by number.
setDefaultTimeout(60_000);

const radians = Math.PI / 180;
const kinds = ["muon", "electromagnetic", "hadronic"] as const;
const json = (...path: string[]) => JSON.parse(readFileSync(shared(...path), "utf8"));
const table = (name: string) => shared("oracle", "tables", name);

/** What divided differences lose of smeared tables in double precision: of shares and densities (1/ns). */
const LOST: Record<string, number> = { mean: 0, quantile: 5e-9, density: 1e-9 };

const within = (a: number, b: number, relative: number, absolute: number): boolean =>
  Math.abs(a - b) <= absolute + relative * Math.abs(b);

/**
 * What the reference light service makes of a pair of tables, in single precision as it does and in double.
 * Coordinates: the pair's, without time.
 */
function preciseTables(
  amplitudeName: string,
  timingName: string,
  source: "muon" | "cascade",
  sigma: number,
) {
  const axis = source === "muon" ? 2 : 3;
  const kernel = sigma > 0 ? smearing(axis, sigma) : undefined;
  const [abs, plain] = [openTable(table(amplitudeName)), openTable(table(timingName))];
  const smeared = openTable(table(timingName), kernel);
  const { extent } = smeared.info.axes[axis]!;
  const [amplitude, timing] = [photospline(abs), photospline(plain, kernel)];
  const axes = plain.info.axes.length;
  for (const opened of [abs, plain, smeared]) opened.close();
  const at = (coordinates: readonly number[], delay: number) =>
    coordinates.slice(0, axes - 1).toSpliced(axis, 0, delay);
  const same = (value: number): Precisions => ({ single: value, rounded: value, exact: value });
  const share = (coordinates: readonly number[], delay: number): Precisions | undefined => {
    if (delay <= extent[0]) return same(0);
    return delay > extent[1] ? same(1) : timing(at(coordinates, delay));
  };
  return {
    amplitude: (coordinates: readonly number[]) => amplitude(coordinates.slice(0, axes - 1)),
    share,
    quantile(coordinates: readonly number[], from: number, to: number): Precisions | undefined {
      const [before, after] = [share(coordinates, from), share(coordinates, to)];
      if (!before || !after) return undefined;
      return {
        single: Math.max(0, after.single - before.single),
        rounded: Math.max(0, after.rounded - before.rounded),
        exact: Math.max(0, after.exact - before.exact),
      };
    },
    density: (coordinates: readonly number[], delay: number) =>
      timing(at(coordinates, delay), along(axes, axis)),
    /** Of ln(amplitude), along each coordinate. */
    slopes: (coordinates: readonly number[]) =>
      coordinates
        .slice(0, axes - 1)
        .map((_, k, x) => amplitude(x, along(axes - 1, k)) ?? same(Number.NaN)),
    /** Of the share, along each coordinate and along time, which comes last. */
    shareSlopes: (coordinates: readonly number[], delay: number) =>
      [...Array(axes - 1).keys()]
        .map((k) => (k < axis ? k : k + 1))
        .concat(axis)
        .map((k) =>
          delay <= extent[0] || delay > extent[1]
            ? same(0)
            : (timing(at(coordinates, delay), along(axes, k)) ?? same(Number.NaN)),
        ),
  };
}

/** The orders of a first derivative. */
const along = (axes: number, axis: number) =>
  Array.from({ length: axes }, (_, k) => (k === axis ? 1 : 0));

const moves = ["x", "y", "z", "zenith", "azimuth"] as const;

/** How a sight's coordinates, then its geometric time, change with the source: [move][coordinate]. */
function changes(pair: TablePair, from: TableSource, dom: { x: number; y: number; z: number }) {
  return moves.map((key, k) => {
    const step = k < 3 ? 1e-3 : 1e-6;
    const [low, high] = [-step, step].map((h) => {
      const seen = pair.look({ ...from, [key]: from[key] + h }, dom, Float64Array.of(0));
      return [...seen.coordinates, seen.geometricTime];
    });
    return high!.map((value, i) => (value - low![i]!) / (2 * step));
  });
}

const difference = (a: Precisions, b: Precisions): Precisions => ({
  single: a.single - b.single,
  rounded: a.rounded - b.rounded,
  exact: a.exact - b.exact,
});

/** A sum of slopes times changes, in each precision. */
const chained = (slopes: readonly Precisions[], change: readonly number[]): Precisions => {
  const sum = (of: keyof Precisions) =>
    slopes.reduce((total, slope, i) => total + slope[of] * change[i]!, 0);
  return { single: sum("single"), rounded: sum("rounded"), exact: sum("exact") };
};

type PreciseTables = ReturnType<typeof preciseTables>;

interface Row {
  om_pos: [number, number, number];
  src: { x: number; y: number; z: number; zenith_deg: number; azimuth_deg: number } & {
    E: number;
    type: 0 | 1 | 2;
  };
  meanPEs: number;
  geoTime: number;
  time_edges: number[];
  quantiles: number[];
  quantiles_with_gradients: [number[], number[][]];
  density: Record<string, number>;
  mean_gradient: number[];
}

describe("photon tables against the reference light service", () => {
  const services = json("oracle", "photonics", "photonics_service.json").services as {
    label: string;
    abs: string;
    prob: string;
    timingSigma: number;
    kind: "cascade" | "muon" | "lightsaber";
    rows: Row[];
  }[];
  for (const service of services) {
    const source = service.kind === "cascade" ? "cascade" : "muon";
    test(`${service.label}: amplitudes, times, quantiles, densities`, () => {
      const pair = openTablePair(
        table(service.abs),
        table(service.prob),
        source,
        service.timingSigma,
      );
      const precise = preciseTables(service.abs, service.prob, source, service.timingSigma);
      const wrong: unknown[] = [];
      const compare = (what: string, ours: number, theirs: number, rel: number, abs: number) => {
        if (!within(ours, theirs, rel, abs)) wrong.push({ what, ours, theirs });
      };
      let count = 0;
      /** Theirs beside their arithmetic, ours beside the same in double precision. */
      const prove = (what: string, ours: number, theirs: number, both?: Precisions) => {
        if (!both) return;
        count++;
        compare(`${what}, reference`, both.single, theirs, 1e-9, 1e-12);
        compare(what, ours, both.exact, 1e-9, service.timingSigma > 0 ? LOST[what]! : 1e-12);
      };
      /** The same of a gradient, whose change of coordinates is numeric. */
      const chain = (
        what: string,
        ours: number,
        theirs: number,
        both: Precisions,
        absolute: number,
      ) => {
        if (Number.isNaN(both.exact)) return;
        count++;
        compare(`${what}, reference`, both.single, theirs, 1e-6, absolute);
        compare(what, ours, both.exact, 1e-6, absolute);
      };
      for (const row of service.rows) {
        const from: TableSource = {
          ...row.src,
          kind: kinds[row.src.type],
          energy: row.src.E,
          zenith: row.src.zenith_deg * radians,
          azimuth: row.src.azimuth_deg * radians,
        };
        const [x, y, z] = row.om_pos;
        const delays = Object.keys(row.density).map(Number);
        const sight = pair.look(
          from,
          { x, y, z },
          Float64Array.from([...row.time_edges, ...delays]),
        );
        expect(sight.inside).toBe(true);
        const change = service.kind === "cascade" ? changes(pair, from, { x, y, z }) : undefined;
        const logarithm = precise.amplitude(sight.coordinates)!;
        const unit = sight.mean / Math.exp(logarithm.exact);
        const light = (ln: number) => unit * Math.exp(ln);
        const { single, rounded, exact } = logarithm;
        prove("mean", sight.mean, row.meanPEs, {
          ...{ single: light(single), rounded: light(rounded), exact: light(exact) },
        });
        // The service of the lightsaber tables takes another geometric time; the delays are the same.
        if (service.kind !== "lightsaber")
          compare("geometric time", sight.geometricTime, row.geoTime, 1e-12, 1e-9);
        const edgeSlopes = change
          ? row.time_edges.map((edge) => precise.shareSlopes(sight.coordinates, edge))
          : [];
        row.quantiles.forEach((quantile, i) => {
          const [before, after] = [sight.timing[i]!, sight.timing[i + 1]!];
          const share = precise.quantile(
            sight.coordinates,
            row.time_edges[i]!,
            row.time_edges[i + 1]!,
          );
          prove("quantile", Math.max(0, after.cumulative - before.cumulative), quantile, share);
          // Its muon gradients mix up the axes (they change along the track); see the next test.
          if (service.kind !== "cascade") return;
          const slopes = [edgeSlopes[i]!, edgeSlopes[i + 1]!];
          const theirs = row.quantiles_with_gradients[1][i]!;
          const gradient = after.gradient.map((value, k) => value - before.gradient[k]!);
          const expected = change!.map((by) => {
            // At a fixed moment: a later geometric time is a shorter delay.
            const [low, high] = slopes.map((of) => chained(of, [...by.slice(0, -1), -by.at(-1)!]));
            return difference(high!, low!);
          });
          const moment = difference(slopes[1]!.at(-1)!, slopes[0]!.at(-1)!);
          expected.splice(3, 0, chained([moment], [-1]));
          // Beyond the extents the share is 0 or 1, whatever the density.
          const rate = ({ cumulative, density }: typeof after) =>
            cumulative === 0 || cumulative === 1 ? 0 : density;
          gradient.splice(3, 0, rate(before) - rate(after));
          gradient.forEach((value, k) => {
            const scale = k > 3 ? 1e-8 : 1e-10;
            chain(`quantile gradient ${k}`, value, theirs[k]!, expected[k]!, scale);
          });
        });
        delays.forEach((delay, i) => {
          const { density } = sight.timing[row.time_edges.length + i]!;
          const theirs = row.density[String(delay)] ?? row.density[`${delay}.0`]!;
          prove("density", density, theirs, precise.density(sight.coordinates, delay));
        });
        if (service.kind !== "cascade") continue;
        const slopes = precise.slopes(sight.coordinates);
        row.mean_gradient.slice(0, 5).forEach((theirs, k) => {
          const { single, rounded, exact } = chained(slopes, change![k]!);
          const expected = {
            single: light(logarithm.single) * single,
            rounded: light(logarithm.rounded) * rounded,
            exact: light(logarithm.exact) * exact,
          };
          const scale = (k < 3 ? 1e-7 : 1e-5) * row.meanPEs;
          chain(`mean gradient ${k}`, sight.meanGradient[k]!, theirs, expected, scale);
        });
      }
      pair.close();
      expect(wrong.slice(0, 5)).toEqual([]);
      expect(count).toBeGreaterThan(15 * service.rows.length);
    });

    test(`${service.label}: gradients are those of the values`, () => {
      const pair = openTablePair(
        table(service.abs),
        table(service.prob),
        source,
        service.timingSigma,
      );
      const wrong: unknown[] = [];
      for (const row of service.rows.slice(0, 15)) {
        const from: TableSource = {
          ...row.src,
          kind: kinds[row.src.type],
          energy: row.src.E,
          zenith: row.src.zenith_deg * radians,
          azimuth: row.src.azimuth_deg * radians,
        };
        const dom = { x: row.om_pos[0], y: row.om_pos[1], z: row.om_pos[2] };
        const centre = pair.look(from, dom, Float64Array.of(0, 30, 200, 900));
        const moments = [0, 30, 200, 900].map((delay) => delay + centre.geometricTime);
        const at = (changed: TableSource) => {
          const { geometricTime } = pair.look(changed, dom, Float64Array.of(0));
          return pair.look(
            changed,
            dom,
            Float64Array.from(moments, (moment) => moment - geometricTime),
          );
        };
        (["x", "y", "z", "zenith", "azimuth"] as const).forEach((key, k) => {
          const step = k < 3 ? 1e-3 : 1e-5;
          const [low, high] = [-step, step].map((h) => at({ ...from, [key]: from[key] + h }));
          const slope = (value: (sight: typeof centre) => number) =>
            (value(high!) - value(low!)) / (2 * step);
          const mean = slope((sight) => sight.mean);
          const scale = centre.mean * (k < 3 ? 1 : 100);
          if (!within(centre.meanGradient[k]!, mean, 1e-5, 1e-6 * scale))
            wrong.push([key, centre.meanGradient[k], mean]);
          // The first moment is where the table begins: a kink.
          moments.forEach((_, i) => {
            if (i === 0) return;
            const numeric = slope((sight) => sight.timing[i]!.cumulative);
            const ours = centre.timing[i]!.gradient[k]!;
            if (!within(ours, numeric, 1e-4, 1e-7 * (k < 3 ? 1 : 100)))
              wrong.push([key, i, ours, numeric]);
          });
        });
      }
      pair.close();
      expect(wrong.slice(0, 5)).toEqual([]);
    });
  }

  test("a muon's light is the pair's, whichever directions and lights take turns", () => {
    const open = () => openLight({ reco: "muon", photonTables: shared("oracle", "tables") });
    const lights = [open(), open()];
    const [abs, prob] = ["InfBareMu_mie_abs_z20a10_V2.fits", "InfBareMu_mie_prob_z20a10_V2.fits"];
    const [direct, noise] = [2, 1000].map((sigma) =>
      openTablePair(table(abs), table(prob), "muon", sigma),
    );
    const delays = Float64Array.from({ length: 150 }, (_, i) => -60 + 0.3 * i * i);
    const worst: Record<string, number> = {};
    const compare = (what: string, ours: number, theirs: number, scale = Math.abs(theirs)) => {
      worst[what] = Math.max(worst[what] ?? 0, Math.abs(ours - theirs) / scale);
    };
    for (let i = 0; i < 24; i++) {
      const track = {
        ...{ x: 40 * Math.sin(i), y: -90 + 9 * i, z: 500 * Math.cos(3 * i), time: 0 },
        ...{ zenith: [0.4, 1.5, 2.6][i % 3]!, azimuth: i },
      };
      const dom = { x: -30, y: 55, z: track.z - 20 };
      for (const light of lights)
        for (const kind of ["noise", "direct"] as const) {
          const seen = muonLight(light, track, [dom.x, dom.y, dom.z, 1], [...delays], kind)!;
          const pair = kind === "direct" ? direct! : noise!;
          const from = { ...track, kind: "muon" as const, energy: 0.01 };
          const expected = pair.look(from, dom, delays);
          expect(expected.inside).toBe(true);
          compare("bare", seen.bare.value, expected.mean);
          const steep = Math.hypot(...expected.meanGradient.slice(0, 3));
          seen.bare.gradient.forEach((g, k) => {
            compare("bare gradient", g, expected.meanGradient[k]!, steep);
          });
          compare("geometric time", seen.geometricTime.value, expected.geometricTime, 1);
          seen.timing.forEach(({ cumulative, density }, k) => {
            compare("cumulative", cumulative.value, expected.timing[k]!.cumulative, 1);
            compare("density", density.value, expected.timing[k]!.density, 1e-3);
            // The pair's is at a fixed moment, the light's at a fixed delay.
            const isOpen = cumulative.value !== 0 && cumulative.value !== 1;
            cumulative.gradient.forEach((g, axis) => {
              const later = isOpen ? density.value * seen.geometricTime.gradient[axis]! : 0;
              compare("cumulative gradient", g - later, expected.timing[k]!.gradient[axis]!, 1e-2);
            });
          });
        }
    }
    for (const opened of [...lights, direct!, noise!]) opened.close();
    for (const [what, difference] of Object.entries(worst))
      if (!(difference < 1e-11)) throw new Error(`${what} differs by ${difference}`);
  });

  test("a muon's light does not change along the track", () => {
    const light = openLight({ reco: "muon", photonTables: shared("oracle", "tables") });
    const track = { x: 10, y: -40, z: -120, time: 0, zenith: 1.9, azimuth: 0.7 };
    const along = [-Math.sin(1.9) * Math.cos(0.7), -Math.sin(1.9) * Math.sin(0.7), -Math.cos(1.9)];
    const seen = muonLight(light, track, [60, 30, -150, 1], [20, 100, 700])!;
    const slope = ({ gradient }: { gradient: readonly number[] }) =>
      gradient.reduce((sum, g, k) => sum + g * along[k]!, 0);
    expect(slope(seen.bare) / seen.bare.value).toBeCloseTo(0, 12);
    expect(slope(seen.stochastic) / seen.stochastic.value).toBeCloseTo(0, 12);
    for (const { density, cumulative } of seen.timing) {
      expect(slope(density)).toBeCloseTo(0, 14);
      expect(slope(cumulative)).toBeCloseTo(0, 12);
    }
    light.close();
  });
});

interface ReferenceDom {
  meanPEs: number;
  geoTime: number;
  tres: number;
  pdf: number;
  cdf: number;
  pdf_after: number | null;
}
interface ReferenceTrack {
  particle: { pos: [number, number, number]; time: number; zenith: number; azimuth: number };
  doms: Record<string, { bare: ReferenceDom; stoch: ReferenceDom; noise: ReferenceDom }>;
}

describe("muon light, DOM by DOM, as splinempe's reference sees it", () => {
  let light: LightModel;
  beforeAll(() => {
    light = openLight({ reco: "muon", photonTables: shared("oracle", "tables") });
  });
  afterAll(() => light.close());
  const { doms } = builtinDetector();
  const names = ["InfBareMu_mie_abs_z20a10_V2.fits", "InfBareMu_mie_prob_z20a10_V2.fits"] as const;
  const stochastic = "InfHighEStoch_mie_abs_z20a10.fits";
  const perDom = (event: string) => `oracle/llh/splinempe_perdom_${event}.json`;
  for (const event of present(["138632_31747601", "run00136662-evt000035405932-BRONZE"], perDom))
    test(event, () => {
      const wrong: unknown[] = [];
      let [count, proven] = [0, 0];
      const [muon, noisy] = [2, 1000].map((sigma) =>
        preciseTables(names[0], names[1], "muon", sigma),
      ) as [PreciseTables, PreciseTables];
      const losses = preciseTables(stochastic, names[1], "muon", 0);
      const pair = openTablePair(table(names[0]), table(names[1]), "muon");
      const reference = json(perDom(event));
      for (const { particle, doms: seen } of Object.values<ReferenceTrack>(reference.tracks)) {
        const [x, y, z] = particle.pos;
        const track = {
          ...{ x, y, z, time: particle.time },
          ...{ zenith: particle.zenith, azimuth: particle.azimuth },
        };
        for (const [key, { bare, stoch, noise }] of Object.entries(seen)) {
          const dom = doms.get(parseDomName(key))!;
          const site = [dom.x, dom.y, dom.z, 1];
          const direct = muonLight(light, track, site, [bare.tres]);
          const random = muonLight(light, track, site, [bare.tres, bare.tres - 2000], "noise");
          const compare = (
            what: string,
            ours: number,
            theirs: number,
            rel: number,
            abs: number,
          ) => {
            if (!within(ours, theirs, rel, abs)) wrong.push({ key, what, ours, theirs });
          };
          if (!(bare.meanPEs > 0)) {
            if (direct) wrong.push({ key, what: "inside", theirs: bare });
            continue;
          }
          if (!direct || !random) {
            wrong.push({ key, what: "outside", theirs: bare });
            continue;
          }
          count++;
          const { coordinates } = pair.look(
            { ...track, kind: "muon", energy: 1 },
            { x: dom.x, y: dom.y, z: dom.z },
            Float64Array.of(0),
          );
          // Theirs beside their arithmetic, ours beside the same in double precision.
          const prove = (
            what: string,
            ours: number,
            theirs: number,
            both: Precisions | undefined,
            lost = 1e-12,
          ) => {
            if (!both) return;
            proven++;
            compare(`${what}, reference`, both.single, theirs, 1e-9, 1e-12);
            compare(what, ours, both.exact, 1e-9, lost);
          };
          const yields = (ours: number, { single, rounded, exact }: Precisions): Precisions => {
            const unit = ours / Math.exp(exact);
            const [s, r] = [unit * Math.exp(single), unit * Math.exp(rounded)];
            return { single: s, rounded: r, exact: ours };
          };
          const [ownBare, ownStochastic] = [direct.bare.value, direct.stochastic.value];
          prove("bare", ownBare, bare.meanPEs, yields(ownBare, muon.amplitude(coordinates)!));
          prove(
            "stochastic",
            ownStochastic,
            stoch.meanPEs,
            yields(ownStochastic, losses.amplitude(coordinates)!),
          );
          compare("geometric time", direct.geometricTime.value, bare.geoTime, 0, 1e-6);
          const { tres } = bare;
          const timing = [
            ["", direct.timing[0]!, muon, tres, bare.pdf, bare.cdf],
            ["noise ", random.timing[0]!, noisy, tres, noise.pdf, noise.cdf],
            ["after-pulses ", random.timing[1]!, noisy, tres - 2000, noise.pdf_after, null],
          ] as const;
          for (const [of, { density, cumulative }, tables, delay, pdf, cdf] of timing) {
            if (pdf !== null)
              prove(
                `${of}density`,
                density.value,
                pdf,
                tables.density(coordinates, delay),
                LOST.density,
              );
            if (cdf !== null)
              prove(
                `${of}cumulative`,
                cumulative.value,
                cdf,
                tables.share(coordinates, delay),
                LOST.quantile,
              );
          }
        }
      }
      expect(wrong.slice(0, 5)).toEqual([]);
      expect(count).toBeGreaterThan(100);
      pair.close();
      expect(proven).toBeGreaterThan(6 * count);
    });
});

describe("tables that do not fit", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "skyscan-tables-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** A copy of a table with one header card of its primary HDU changed. */
  function edited(name: string, key: string, value: string): string {
    const bytes = readFileSync(table(name));
    const at = bytes.indexOf(`${key.padEnd(8)}=`);
    bytes.write(`${key.padEnd(8)}= ${value.padStart(20)}`, at, "latin1");
    const path = join(folder, `${key}-${name}`);
    writeFileSync(path, bytes);
    return path;
  }
  const [abs, prob] = ["ems_mie_z20_a10.abs.fits", "ems_mie_z20_a10.prob.fits"];

  test.each([
    ["GEOMETRY", "2", /prob.*GEOMETRY is 2, but the amplitude table .*abs\.fits has 1/],
    ["NGROUP", "1.34", /prob.*NGROUP is 1.34, but the amplitude table .* has 1.35634/],
    ["PARITY", "1", /prob.*PARITY is 1, but the amplitude table .* has 0/],
    ["GEOTYPE", "1", /prob.*GEOTYPE is 1; expected 0 \(point source\)/],
    ["PARITY", "7", /prob.*PARITY is 7; expected 0 \(even\) or 1 \(odd\)/],
  ])("%s %s", (key, value, message) => {
    expect(() => openTablePair(table(abs), edited(prob, key, value), "cascade")).toThrow(message);
  });
  test("muon tables for cascades, amplitude for timing", () => {
    const muon = table("InfBareMu_mie_abs_z20a10_V2.fits");
    expect(() => openTablePair(muon, table(prob), "cascade")).toThrow(/GEOTYPE is 1; expected 0/);
    expect(() => openTablePair(table(abs), table(abs), "cascade")).toThrow(/NAXIS is 5/);
  });
  test("a directory without them, and one with effective-distance tables", () => {
    expect(() => findTables("muon", folder)).toThrow(/no photon table InfBareMu_mie_abs/);
    const ftp = join(folder, "ftp");
    mkdirSync(ftp);
    const name = "cascade_effectivedistance_spice_ftp-v1_z20.eff.fits";
    for (const file of ["abs", "prob.v2"].map(
      (kind) => `cascade_single_spice_ftp-v1_flat_z20_a5.${kind}.fits`,
    ))
      copyFileSync(table(file), join(ftp, file));
    writeFileSync(join(ftp, name), "");
    expect(findTables("cascade-ftp", ftp)?.unused).toEqual([join(ftp, name)]);
  });
});

describe("cascade light from tables", () => {
  const cascade = { x: 20, y: -30, z: -140, time: 1000, zenith: 1.2, azimuth: 2.1 };
  const site = [70, 10, -170, 1.2];
  const edges = [-Infinity, 1100, 1350, 1500, 2500, Infinity];

  test("is the pair's, and its gradients are those of the values", () => {
    const light = openLight({ reco: "cascade", photonTables: shared("oracle", "tables") });
    const centre = cascadeLight(light, cascade, site, edges)!;
    const pair = openTablePair(
      table("ems_mie_z20_a10.abs.fits"),
      table("ems_mie_z20_a10.prob.fits"),
      "cascade",
    );
    const [x, y, z] = site as [number, number, number, number];
    const source = { ...cascade, kind: "electromagnetic" as const, energy: 1 };
    const { geometricTime } = pair.look(source, { x, y, z }, Float64Array.of(0));
    const seen = pair.look(
      source,
      { x, y, z },
      Float64Array.from(edges, (edge) => edge - 1000 - geometricTime),
    );
    pair.close();
    expect(centre.amplitude.value).toBeCloseTo(1.2 * seen.mean, 12);
    expect(centre.cumulative[0]!.value).toBe(0);
    expect(centre.cumulative.at(-1)!.value).toBe(1);
    centre.cumulative.forEach(({ value }, i) => {
      expect(value).toBeCloseTo(seen.timing[i]!.cumulative, 12);
    });
    (["x", "y", "z", "time"] as const).forEach((key, k) => {
      const [low, high] = [-1e-3, 1e-3].map(
        (h) => cascadeLight(light, { ...cascade, [key]: cascade[key] + h }, site, edges)!,
      );
      expect(centre.amplitude.gradient[k]! / centre.amplitude.value).toBeCloseTo(
        (high!.amplitude.value - low!.amplitude.value) / 2e-3 / centre.amplitude.value,
        7,
      );
      centre.cumulative.forEach(({ gradient }, i) => {
        const numeric = (high!.cumulative[i]!.value - low!.cumulative[i]!.value) / 2e-3;
        expect(gradient[k]!).toBeCloseTo(numeric, 8);
      });
    });
    light.close();
  });
});
