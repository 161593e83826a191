/**
 * Seconds per look into a spline table: as fits do it, at one direction along slices of the photon tables, and in
 * general, as `tables eval` does; beside photospline's templated evaluator on tables of the same sizes and orders.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { uniformNumbers } from "../../src/config/random.ts";
import { builtinDetector } from "../../src/detector/builtin.ts";
import { loadEvent } from "../../src/event/load.ts";
import { openLight } from "../../src/light/light.ts";
import { openTable, writeTable } from "../../src/native/spline_table.ts";
import { openSplineMpe } from "../../src/native/splinempe.ts";
import { splinempe } from "../../src/reco/splinempe.ts";
import { shared } from "../../test/reference.ts";
import { alerts, hypothesisOf, numbersOf, type RecordedTrack } from "./alerts.ts";
import { processorTime } from "./clock.ts";
import type { Row } from "./row.ts";

/** ns per evaluation, random points: value, value and gradient; then the same for points in cache. */
const photospline = [
  { sizes: [66, 66, 66, 66], orders: [2, 2, 2, 2], ns: [506, 767, 82, 164] },
  { sizes: [28, 28, 29, 28, 30], orders: [2, 2, 2, 2, 2], ns: [1257, 2044, 171, 360] },
  { sizes: [14, 14, 15, 30, 14, 15], orders: [2, 2, 2, 3, 2, 2], ns: [4154, 6422, 584, 1236] },
] as const;
/** photospline's search of the knots, ns, which ours includes: the least of what was measured. */
const KNOT_SEARCH = 40;
const CACHED = 8;

/** photospline's time for what a DOM's light takes, ns: two amplitudes and two timings, with slopes, in cache. */
const LIGHT_OF_A_DOM =
  2 * (photospline[0].ns[3] + KNOT_SEARCH) + 2 * (photospline[1].ns[3] + KNOT_SEARCH);

/** The path of fits: the likelihood with its gradient, all of it counted as light. */
async function lightRows(repeats: number): Promise<Row[]> {
  const rows: Row[] = [];
  const light = openLight({ reco: "muon", photonTables: shared("oracle/tables") });
  const detector = builtinDetector();
  for (const alert of alerts) {
    const event = await loadEvent(shared("events", alert.file));
    const { cleaned, readoutWindow } = splinempe.prepare(event, detector, light);
    const recorded: { energy: number; hypotheses: RecordedTrack[] } = await numbersOf(
      alert,
      "llh/splinempe_llh",
    );
    const doms = [...cleaned].map(([key, pulses]) => ({
      ...detector.doms.get(key)!,
      efficiency: 1,
      firstTime: pulses[0]!.time,
      charge: pulses.reduce((sum, pulse) => sum + pulse.charge, 0),
    }));
    const { energy, hypotheses } = recorded;
    const likelihood = openSplineMpe(light, { doms, window: readoutWindow, energy });
    const tracks = hypotheses.map(hypothesisOf);
    const before = processorTime();
    for (const track of tracks)
      for (let i = 0; i < repeats; i++) likelihood.evaluateWithGradient(track);
    const perDom = (processorTime() - before) / (repeats * tracks.length * doms.length);
    likelihood.close();
    rows.push({
      what: "light at one DOM in a fit, with slopes (all of the likelihood, per DOM)",
      on: alert.run,
      light: "tables",
      value: perDom,
      reference: { value: LIGHT_OF_A_DOM * 1e-9, source: "d" },
    });
  }
  light.close();
  return rows;
}

/** Processor time per point, s: values, values and gradients; then the same for few points, in cache. */
function measure(
  path: string,
  extents: readonly (readonly [number, number])[],
  uniform: () => number,
  { points: count, runs }: TableEffort,
): number[] {
  const table = openTable(path);
  const axes = extents.length;
  const points = Float64Array.from({ length: count * axes }, (_, i) => {
    const [low, high] = extents[i % axes]!;
    return low + uniform() * (high - low);
  });
  const few = points.map((_, i) => points[i % (CACHED * axes)]!);
  table.values(points); // converts every block
  // The least of several runs: what the machine can do when nobody else is using it.
  const least = (run: () => unknown): number => {
    const times = Array.from({ length: runs }, () => {
      const start = processorTime();
      run();
      return processorTime() - start;
    });
    return Math.min(...times) / count;
  };
  const measured = [points, few].flatMap((where) => [
    least(() => table.values(where)),
    least(() => table.evaluate(where)),
  ]);
  table.close();
  rmSync(table.info.coefficients, { force: true });
  return measured;
}

interface TableEffort {
  readonly points: number;
  readonly runs: number;
}

/** The general path, on tables of random coefficients. */
function tableRows(effort: TableEffort): Row[] {
  const folder = mkdtempSync(join(tmpdir(), "skyscan-bench-"));
  try {
    return photospline.flatMap(({ sizes, orders, ns }) => {
      const path = join(folder, `${sizes.length}.fits`);
      const knots = sizes.map((size, k) =>
        Array.from({ length: size + orders[k]! + 1 }, (_, i) => i + 0.2 * Math.sin(1.3 * i)),
      );
      const extents = knots.map((axis, k): [number, number] => [
        axis[orders[k]!]!,
        axis[sizes[k]!]!,
      ]);
      const uniform = uniformNumbers(1);
      const count = sizes.reduce((product, size) => product * size, 1);
      const samples = new Float32Array(count).map(uniform);
      writeTable(path, { orders, knots, extents, samples, samplesAre: "coefficients" });
      const what = ["value", "value and slopes", "value, in cache", "value and slopes, in cache"];
      return measure(path, extents, uniform, effort).map((value, i) => ({
        what: `\`tables eval\`: ${what[i]}`,
        on: `table of ${sizes.length} axes`,
        value,
        reference: { value: (ns[i]! + KNOT_SEARCH) * 1e-9, source: "c" as const },
      }));
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export const splineRows = async (repeats: number, effort: TableEffort): Promise<Row[]> => [
  ...(await lightRows(repeats)),
  ...tableRows(effort),
];
