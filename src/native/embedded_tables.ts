import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { cascadeLight, type LightModel, muonLight, openEmbeddedLight } from "./light.ts";
import { fitSites, openTable, writeTable } from "./tables.ts";

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

/** Group index of ice at 400 nm, and the speed of light, m/ns. */
const GROUP_INDEX = 1.35634;
const SPEED_OF_LIGHT = 0.299792458;
/** Photon-yield units: photons per metre of track; metres of shower per GeV; muon at 0.01 GeV (as splinempe asks). */
const YIELD = 32582;
const CASCADE_YIELD = YIELD * 5.21;
const MUON_YIELD = YIELD * (1.172 + 0.0324 * Math.log(0.01));
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

/** Knots every 7.5 ns around the sharp rise, then every distance a quarter more than the one before. */
function timeKnots(): number[] {
  const knots = steps(-60, 60, 16);
  for (let step = 7.5; knots.at(-1)! < 7000; step *= 1.25) knots.push(knots.at(-1)! + step);
  knots[knots.length - 1] = 7000;
  return knots;
}

const square = (u: number): number => u * u;
const time: Axis = { order: 3, inner: timeKnots() };
const axis = (inner: readonly number[]): Axis => ({ order: 2, inner });
/** Every 10 m, as thick as the ice's layers; timing tables, which are larger by far, every 20 m. */
const depths = (count: number): Axis => axis(steps(-700, 700, count));
/** Photon tables' axes: POINTSOURCE in spherical coordinates, INFINITEMUON in cylindrical ones. */
const cascadeAxes = (angles: number, zeniths: number, layers: number): readonly Axis[] => [
  axis(steps(0, 500, 16, square)),
  axis(steps(0, 180, angles)),
  axis(steps(-1, 1, 8)),
  axis(steps(0, 180, zeniths)),
  depths(layers),
];
const muonAxes = (angles: number, zeniths: number, layers: number): readonly Axis[] => [
  axis(steps(0, 500, 20, square)),
  axis(steps(0, Math.PI, angles)),
  axis(steps(0, 180, zeniths)),
  depths(layers),
];

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
    const arrival = (distance * GROUP_INDEX) / SPEED_OF_LIGHT;
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

const muonModel =
  (light: LightModel): Model =>
  ([rho, angle, degrees, z], delays) => {
    const zenith = (degrees! * Math.PI) / 180;
    const [dx, dy, dz] = offset(zenith, 0, Math.max(rho!, NEAREST), angle!);
    const seen = muonLight(
      light,
      { x: 0, y: 0, z: z!, time: 0, zenith, azimuth: 0 },
      [dx!, dy!, z! + dz!, 1],
      delays,
    );
    return {
      amplitudes: [seen?.bare.value, seen?.stochastic.value].map((pe) => logYield(pe, MUON_YIELD)),
      shares: seen?.timing.map(({ cumulative }) => cumulative.value) ?? [],
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
  axes: { readonly amplitude: readonly Axis[]; readonly timing: readonly Axis[] },
  timeAxis: number,
  keys: Record<string, number>,
  amplitudePaths: readonly string[],
  timingPath: string,
  isSeen: (sample: Sample) => boolean,
): TableAccuracy[] {
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
 * Writes the embedded light model as photospline FITS tables under the official names: muons' (bare and
 * stochastic) and cascades'. The embedded timing's jitter is in them.
 * @param directory made when missing
 * @returns how well they agree with the model
 */
export function makeEmbeddedTables(directory: string): TableAccuracy[] {
  mkdirSync(directory, { recursive: true });
  const place = (name: string): string => join(directory, name);
  const shared = { NGROUP: GROUP_INDEX, PARITY: 0, LEVEL: 1, EFFICIEN: 0 };
  const muon = openEmbeddedLight("muon");
  const cascade = openEmbeddedLight("cascade");
  try {
    return [
      ...makeOne(
        muonModel(muon),
        { amplitude: muonAxes(12, 18, 140), timing: muonAxes(8, 12, 70) },
        2,
        { GEOMETRY: 2, GEOTYPE: 1, ...shared },
        [place("InfBareMu_mie_abs_z20a10_V2.fits"), place("InfHighEStoch_mie_abs_z20a10.fits")],
        place("InfBareMu_mie_prob_z20a10_V2.fits"),
        ({ amplitudes: [bare, stochastic] }) =>
          MUON_YIELD * (Math.exp(bare!) + MUON_ENERGY * Math.exp(stochastic!)) > SEEN,
      ),
      ...makeOne(
        cascadeModel(cascade),
        { amplitude: cascadeAxes(6, 10, 140), timing: cascadeAxes(5, 6, 70) },
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
