/**
 * How fast it is, beside the reference: maps, fits, likelihoods, tables. `bun scripts/bench/bench.ts [--quick] [--write] [--maps]`
 * --quick: few of each, to see that it works. --write: keeps the table in test/bench/results.md. --maps: whole scans
 * alone, and the records of their minima (minima.ts) are lowered where one is beaten.
 */
import { cpus } from "node:os";
import { join } from "node:path";
import { consola } from "consola";
import { fitRows } from "./fits.ts";
import { likelihoodRows } from "./likelihoods.ts";
import { mapRows, type WholeScan } from "./maps.ts";
import { type Row, table } from "./row.ts";
import { splineRows } from "./splines.ts";

consola.level = 0;
const isQuick = process.argv.includes("--quick");
const isMapsAlone = process.argv.includes("--maps");
/** A whole default scan of millipede takes minutes: this part of one has all its steps. */
const part = { nsides: ["2:0", "8:4"], alerts: 1 };
const scans: readonly WholeScan[] = isQuick
  ? [{ reco: "splinempe", nsides: ["1:0"], alerts: 3 }]
  : [
      { reco: "splinempe", nsides: [], alerts: 3 },
      { reco: "millipede_wilks", ...part },
      { reco: "millipede_original", ...part },
    ];
const maps: Row[] = [];
for (const scan of scans) maps.push(...(await mapRows(scan, isMapsAlone)));
const parts = async () => [
  // The reference fitted 28 to 35 seeds of each alert with splinempe, 4 or 5 with millipede.
  ...(await fitRows(isQuick ? 1 : 35)),
  ...(await likelihoodRows(isQuick ? 1 : 20)),
  ...(await splineRows(
    isQuick ? 1 : 20,
    isQuick ? { points: 200, runs: 1 } : { points: 20_000, runs: 40 },
  )),
];
const rows = isMapsAlone ? maps : [...maps, ...(await parts())];
const text = `# Speed

Machine: ${cpus()[0]!.model}. ${new Date().toISOString().slice(0, 10)}. \`make bench\` does it again.
Processor time of one thread, mean, unless a row says otherwise. Both sides on the same event, seeds and light: "tables" are
the test's photon tables, which are smaller than IceCube's. The reference has no light like the built-in one, so those
rows stand alone. A ratio below 1 is where the reference is faster.
splinempe searches a direction once for all seven seeds of a pixel, so its mean is over whole pixels.

${table(rows)}
`;
console.log(text);
if (process.argv.includes("--write") && !isMapsAlone)
  await Bun.write(join(import.meta.dir, "../../test/bench/results.md"), text);
