/**
 * Speed of table evaluation, beside photospline's templated evaluator (its figures: a machine of the same
 * kind, otherwise idle; same sizes and orders). Alone: `bun scripts/bench_tables.ts`.
 */
import { dlopen, ptr } from "bun:ffi";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openTable, writeTable } from "../src/native/spline_table.ts";

/** ns per evaluation, random points: value, value and gradient; then the same for points in cache. */
const photospline = [
  { sizes: [66, 66, 66, 66], orders: [2, 2, 2, 2], ns: [506, 767, 82, 164] },
  { sizes: [28, 28, 29, 28, 30], orders: [2, 2, 2, 2, 2], ns: [1257, 2044, 171, 360] },
  { sizes: [14, 14, 15, 30, 14, 15], orders: [2, 2, 2, 3, 2, 2], ns: [4154, 6422, 584, 1236] },
] as const;
/** photospline's search of the knots, ns, which ours includes: the least of what was measured. */
const KNOT_SEARCH = 40;
const POINTS = 20_000;
const CACHED = 8;

const libc = dlopen("libc.so.6", { clock_gettime: { args: ["i32", "ptr"], returns: "i32" } });
const CLOCK_THREAD_CPUTIME_ID = 3;
/** Processor time of this thread, ns: exact, where the process's own account goes by clock ticks. */
function processorTime(): number {
  const time = new BigInt64Array(2);
  libc.symbols.clock_gettime(CLOCK_THREAD_CPUTIME_ID, ptr(time));
  return Number(time[0]) * 1e9 + Number(time[1]);
}

/** Rows for the table of results: ns per evaluation. */
export function tableRows() {
  const folder = mkdtempSync(join(tmpdir(), "skyscan-bench-"));
  try {
    return photospline.flatMap(({ sizes, orders, ns }) => {
      const path = join(folder, `${sizes.length}.fits`);
      const count = sizes.reduce((product, size) => product * size, 1);
      const knots = sizes.map((size, k) =>
        Array.from({ length: size + orders[k]! + 1 }, (_, i) => i + 0.2 * Math.sin(1.3 * i)),
      );
      const extents = knots.map((axis, k): [number, number] => [
        axis[orders[k]!]!,
        axis[sizes[k]!]!,
      ]);
      let random = 1;
      const next = () => {
        random = (Math.imul(random, 1103515245) + 12345) & 0x7fffffff;
        return random / 0x7fffffff;
      };
      const samples = new Float32Array(count).map(next);
      writeTable(path, { orders, knots, extents, samples, samplesAre: "coefficients" });
      const table = openTable(path);
      const points = Float64Array.from({ length: POINTS * sizes.length }, (_, i) => {
        const [low, high] = extents[i % sizes.length]!;
        return low + next() * (high - low);
      });
      const few = points.map((_, i) => points[i % (CACHED * sizes.length)]!);
      table.values(points); // converts every block
      const nanoseconds = (run: () => unknown): number => {
        // The least of several runs: what the machine can do when nobody else is using it.
        const runs = Array.from({ length: 40 }, () => {
          const start = processorTime();
          run();
          return processorTime() - start;
        });
        return Math.min(...runs) / POINTS;
      };
      const measured = [
        nanoseconds(() => table.values(points)),
        nanoseconds(() => table.evaluate(points)),
        nanoseconds(() => table.values(few)),
        nanoseconds(() => table.evaluate(few)),
      ];
      table.close();
      rmSync(table.info.coefficients, { force: true });
      const what = ["value", "value and gradient", "value, cached", "value and gradient, cached"];
      return measured.map((value, i) => ({
        name: `table of ${sizes.length} axes, ${what[i]!.includes("cached") ? what[i] : `${what[i]}, random points`}`,
        value,
        unit: "ns",
        isTime: true,
        reference: ns[i]! + KNOT_SEARCH,
      }));
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (import.meta.main)
  for (const { name, value, reference } of tableRows())
    console.log(
      `${name}: ${value.toFixed(0)} ns (${(1e3 / value).toFixed(2)} M/s); photospline ${reference} ns; ${(reference / value).toFixed(2)}×`,
    );
