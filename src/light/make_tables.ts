import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { groupIndex, speedOfLight } from "../geometry/constants.ts";
import { cascadeLight, type LightModel, muonLight, muonLowEnergyFactor } from "../native/light.ts";
import { fitSites, openTable, writeTable } from "../native/spline_table.ts";
import { openEmbeddedLight } from "./light.ts";

/**
 * How well a table stands for the model it was made from, at points spread evenly between its extents where
 * there is light: at least 0.001 PE from a 10 TeV muon or a 1 TeV cascade.
 */
export interface TableAccuracy {
  readonly path: string;
  readonly megabytes: number;
  /** What is compared: ln(amplitude), or the share of light (0 to 1) before a delay. */
  readonly quantity: "ln amplitude" | "share";
  /** Of the absolute differences. */
  readonly median: number;
  readonly rms: number;
  readonly largest: number;
}

/** Photon-yield units: photons per metre of track; metres of shower per GeV; muon at 0.01 GeV (as splinempe asks). */
const YIELD = 32582;
const CASCADE_YIELD = YIELD * 5.21;
const MUON_YIELD = YIELD * (1.172 + 0.0324 * Math.log(0.01));
/**
 * Readers of muon tables add the light of small losses themselves: 17 % and 3.24 % per e-fold of the energy (C.
 * Wiebusch 1995), where the embedded model has 22 % at all energies. The tables' bare muon is scaled so that
 * both expect the same at this energy, GeV; by 5 % less at 100 GeV, 0.5 % more at 10 TeV.
 */
const SAME_LOSSES_AT = 1000;
const READERS_LOSSES = 0.172 + 0.0324 * Math.log(SAME_LOSSES_AT);
/** Readers of muon tables smear arrival times by the triangle on ±4 ns; the model's jitter is 15 ns in all. */
const READERS_SMEARING = 4 / Math.sqrt(6);
const MUON_JITTER = Math.sqrt(15 ** 2 - READERS_SMEARING ** 2);
/** The knots are made for its 15 ns of jitter: the newer model rises more sharply than they resolve. */
const MODEL = "embedded-2026a";
/** The model grows without bound towards the source: nearer than this, in m, the tables stay level. */
const NEAREST = 1;

/** Darker than this, ln(PE per yield unit), is as dark (3e-6 PE from a 10 TeV muon): spares the splines cliffs. */
const DARKEST = -32;
/** What counts as light when agreement is judged: 0.001 PE, at these energies in GeV. */
const SEEN = 1e-3;
const MUON_ENERGY = 1e4;
const CASCADE_ENERGY = 1e3;

interface Axis {
  readonly order: number;
  /** Distinct inner knots, from the lower to the upper extent. */
  readonly inner: readonly number[];
}

const steps = (low: number, high: number, count: number, at = (u: number) => u): number[] =>
  Array.from({ length: count + 1 }, (_, i) => low + (high - low) * at(i / count));

const square = (u: number): number => u * u;
const axis = (inner: readonly number[]): Axis => ({ order: 2, inner });
/** Inner part of an axis in steps of its own, then coarser ones to where a track may still pass an array of DOMs. */
const extended = (inner: readonly number[], ends: readonly number[]): readonly number[] =>
  [...inner, ...ends].toSorted((a, b) => a - b);

/** The axes of all tables. */
function axesOf(resolution: number) {
  const count = (full: number): number => Math.max(3, Math.round(full * resolution));
  // Knots every 7.5 ns around the sharp rise, then every distance a quarter more than the one before.
  const knots = steps(-60, 60, count(16));
  const growth = 1 + 0.25 / resolution;
  for (let step = 120 / count(16); knots.at(-1)! < 7000; step *= growth)
    knots.push(knots.at(-1)! + step);
  knots[knots.length - 1] = 7000;
  const time: Axis = { order: 3, inner: knots };

  // At the finest every 10 m, as thick as the ice's layers.
  const depths = (layers: number): Axis =>
    axis(
      extended(steps(-700, 700, count(layers)), [-2200, -1400, -1000, -800, 800, 1000, 1400, 2200]),
    );
  const distances = (full: number): Axis =>
    axis(extended(steps(0, 500, count(full), square), [600, 750, 950, 1250, 1700]));
  // POINTSOURCE in spherical coordinates, INFINITEMUON in cylindrical ones.
  const cascade = (angles: number, zeniths: number, layers: number): readonly Axis[] => [
    distances(16),
    axis(steps(0, 180, count(angles))),
    axis(steps(-1, 1, count(8))),
    axis(steps(0, 180, count(zeniths))),
    depths(layers),
  ];
  const muon = (angles: number, zeniths: number, layers: number): readonly Axis[] => [
    distances(20),
    axis(steps(0, Math.PI, count(angles))),
    axis(steps(0, 180, count(zeniths))),
    depths(layers),
  ];
  // Timing tables are larger by far.
  return {
    muon: { amplitude: muon(24, 36, 140), timing: muon(10, 15, 70), time },
    cascade: { amplitude: cascade(6, 10, 140), timing: cascade(5, 6, 70), time },
  };
}

/** Inner knots continued outwards, at their own distances mirrored. */
function knotsOf({ order, inner }: Axis): number[] {
  const [low, high] = [inner[0]!, inner.at(-1)!];
  const before = inner.slice(1, order + 1).map((knot) => 2 * low - knot);
  const after = inner.slice(-1 - order, -1).map((knot) => 2 * high - knot);
  return [...before.reverse(), ...inner, ...after.reverse()];
}

/** Points (all combinations of the axes' abscissae, last axis fastest). */
function* grid(axes: readonly (readonly number[])[]): Generator<number[]> {
  const [first, ...rest] = axes;
  if (!first) yield [];
  else for (const x of first) for (const tail of grid(rest)) yield [x, ...tail];
}

/** Light at a point of the tables' coordinates: ln(amplitudes) and the share of light before each delay. */
interface Sample {
  readonly amplitudes: readonly number[];
  readonly shares: readonly number[];
}
type Model = (x: readonly number[], delays: readonly number[]) => Sample;

/** Where light coming at an angle about the axis of a source (coming from `zenith`, azimuth 0) ends up. */
function offset(zenith: number, along: number, across: number, angle: number): number[] {
  const [s, c] = [Math.sin(zenith), Math.cos(zenith)];
  const [up, side] = [across * Math.cos(angle), across * Math.sin(angle)];
  return [-s * along - c * up, side, -c * along + s * up];
}

const logYield = (pe: number | undefined, unit: number): number =>
  Math.max(Math.log((pe ?? 0) / unit), DARKEST);

const cascadeModel =
  (light: LightModel): Model =>
  ([r, azimuth, cosine, degrees, z], delays) => {
    const distance = Math.max(r!, NEAREST);
    const zenith = (degrees! * Math.PI) / 180;
    const sine = Math.sqrt(Math.max(0, 1 - cosine! * cosine!));
    const [dx, dy, dz] = offset(
      zenith,
      distance * cosine!,
      distance * sine,
      (azimuth! * Math.PI) / 180,
    );
    const arrival = (distance * groupIndex) / speedOfLight;
    const seen = cascadeLight(
      light,
      { x: 0, y: 0, z: z!, time: 0, zenith, azimuth: 0 },
      [dx!, dy!, z! + dz!, 1],
      delays.map((delay) => arrival + delay),
    );
    return {
      amplitudes: [logYield(seen?.amplitude.value, CASCADE_YIELD)],
      shares: seen?.cumulative.map(({ value }) => value) ?? [],
    };
  };

const muonModel = (light: LightModel): Model => {
  const scale = (1 + muonLowEnergyFactor(light, SAME_LOSSES_AT)) / (1 + READERS_LOSSES);
  return ([rho, angle, degrees, z], delays) => {
    const zenith = (degrees! * Math.PI) / 180;
    const [dx, dy, dz] = offset(zenith, 0, Math.max(rho!, NEAREST), angle!);
    const seen = muonLight(
      light,
      { x: 0, y: 0, z: z!, time: 0, zenith, azimuth: 0 },
      [dx!, dy!, z! + dz!, 1],
      delays,
    );
    return {
      amplitudes: [
        logYield(seen && scale * seen.bare.value, MUON_YIELD),
        logYield(seen?.stochastic.value, MUON_YIELD),
      ],
      shares: seen?.timing.map(({ cumulative }) => cumulative.value) ?? [],
    };
  };
};

/** Numbers in [0, 1), spread evenly over all dimensions (R-sequence of Roberts: powers of a golden ratio's kin). */
function* spread(dimensions: number): Generator<number[]> {
  let ratio = 2;
  for (let i = 0; i < 30; i++) ratio = (1 + ratio) ** (1 / (dimensions + 1));
  for (let n = 1; ; n++)
    yield Array.from({ length: dimensions }, (_, k) => (0.5 + n * ratio ** -(k + 1)) % 1);
}

const TEST_POINTS = 2000;

/** Fits one source's light and writes its tables. The delay is axis `timeAxis` of the timing table. */
function makeOne(
  model: Model,
  axes: { readonly amplitude: readonly Axis[]; readonly timing: readonly Axis[]; time: Axis },
  timeAxis: number,
  keys: Record<string, number>,
  amplitudePaths: readonly string[],
  timingPath: string,
  isSeen: (sample: Sample) => boolean,
): TableAccuracy[] {
  const { time } = axes;
  const withTime = <T>(list: readonly T[], delay: T): T[] => list.toSpliced(timeAxis, 0, delay);
  const extentOf = ({ inner }: Axis): [number, number] => [inner[0]!, inner.at(-1)!];
  const extents = axes.timing.map(extentOf);
  const sitesOf = (of: Axis): number[] => fitSites(knotsOf(of), of.order);
  const product = (lengths: readonly (readonly unknown[])[]): number =>
    lengths.reduce((all, { length }) => all * length, 1);
  const write = (path: string, of: readonly Axis[], samples: Float32Array): void =>
    writeTable(path, {
      orders: of.map(({ order }) => order),
      knots: of.map(knotsOf),
      extents: of.map(extentOf),
      ...{ keys, samples, samplesAre: "values" },
    });

  const sites = axes.amplitude.map(sitesOf);
  const amplitudes = amplitudePaths.map(() => new Float32Array(product(sites)));
  let n = 0;
  for (const x of grid(sites)) {
    const sample = model(x, []);
    for (const [k, table] of amplitudes.entries()) table[n] = sample.amplitudes[k]!;
    n++;
  }
  for (const [k, path] of amplitudePaths.entries()) write(path, axes.amplitude, amplitudes[k]!);

  const places = axes.timing.map(sitesOf);
  const delays = sitesOf(time);
  const timing = new Float32Array(product(places) * delays.length);
  // The delay stands between the axes before `timeAxis` and those after it.
  const after = product(places.slice(timeAxis));
  n = 0;
  for (const x of grid(places)) {
    const start = Math.floor(n / after) * after * delays.length + (n % after);
    for (const [k, share] of model(x, delays).shares.entries()) timing[start + k * after] = share;
    n++;
  }
  write(timingPath, withTime(axes.timing, time), timing);

  const points: number[][] = [];
  const samples: Sample[] = [];
  const ends = [...extents, [-40, 1000] as const];
  for (const u of spread(ends.length)) {
    if (points.length === TEST_POINTS) break;
    const x = u.map((v, k) => ends[k]![0] + v * (ends[k]![1] - ends[k]![0]));
    const sample = model(x, [x.at(-1)!]);
    if (!isSeen(sample)) continue;
    points.push(x);
    samples.push(sample);
  }
  const accuracy = (
    path: string,
    quantity: TableAccuracy["quantity"],
    place: (x: number[]) => number[],
    truth: (sample: Sample) => number,
  ): TableAccuracy => {
    const table = openTable(path);
    const { values } = table.evaluate(Float64Array.from(points.flatMap(place)));
    table.close();
    const errors = Array.from(values, (value, i) => Math.abs(value - truth(samples[i]!)));
    return {
      path,
      megabytes: Bun.file(path).size / 1e6,
      quantity,
      median: errors.toSorted((a, b) => a - b)[errors.length >> 1]!,
      rms: Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0) / errors.length),
      largest: Math.max(...errors),
    };
  };
  return [
    ...amplitudePaths.map((path, k) =>
      accuracy(
        path,
        "ln amplitude",
        (x) => x.slice(0, -1),
        ({ amplitudes: of }) => of[k]!,
      ),
    ),
    accuracy(
      timingPath,
      "share",
      (x) => withTime(x.slice(0, -1), x.at(-1)!),
      ({ shares }) => shares[0]!,
    ),
  ];
}

/**
 * Writes the embedded light model (of 2026a) as photospline FITS tables under the official names: muons' (bare and
 * stochastic) and cascades'. What readers of tables add to them (small losses, 2 ns of smearing) is taken out;
 * the embedded timing's jitter is in them. What tables cannot say: a DOM's efficiency, which splinempe takes as 1
 * with them, and that random noise is smeared by a Gaussian of 1000 ns (readers: the triangle on ±2000 ns).
 * @param directory made when missing
 * @param resolution knots per axis, relative to the usual number
 * @returns how well they agree with the model
 */
export function makeEmbeddedTables(directory: string, resolution = 1): TableAccuracy[] {
  mkdirSync(directory, { recursive: true });
  const place = (name: string): string => join(directory, name);
  const shared = { NGROUP: groupIndex, PARITY: 0, LEVEL: 1, EFFICIEN: 0 };
  const axes = axesOf(resolution);
  const muon = openEmbeddedLight("muon", { model: MODEL, jitter: MUON_JITTER });
  const cascade = openEmbeddedLight("cascade", { model: MODEL });
  try {
    return [
      ...makeOne(
        muonModel(muon),
        axes.muon,
        2,
        { GEOMETRY: 2, GEOTYPE: 1, ...shared },
        [place("InfBareMu_mie_abs_z20a10_V2.fits"), place("InfHighEStoch_mie_abs_z20a10.fits")],
        place("InfBareMu_mie_prob_z20a10_V2.fits"),
        ({ amplitudes: [bare, stochastic] }) =>
          MUON_YIELD * (Math.exp(bare!) + MUON_ENERGY * Math.exp(stochastic!)) > SEEN,
      ),
      ...makeOne(
        cascadeModel(cascade),
        axes.cascade,
        3,
        { GEOMETRY: 1, GEOTYPE: 0, ...shared },
        [place("ems_mie_z20_a10.abs.fits")],
        place("ems_mie_z20_a10.prob.fits"),
        ({ amplitudes: [cascade] }) => CASCADE_YIELD * CASCADE_ENERGY * Math.exp(cascade!) > SEEN,
      ),
    ];
  } finally {
    muon.close();
    cascade.close();
  }
}
