/**
 * Speed of the fits, beside the reference's. `bun scripts/bench.ts [--write]`; user CPU time of one core.
 * --write keeps the table in test/bench/results.md.
 */
import { existsSync } from "node:fs";
import { cpus } from "node:os";
import { join, resolve } from "node:path";
import { builtinDetector } from "../src/detector/builtin.ts";
import { loadEvent } from "../src/event/load.ts";
import { openEmbeddedLight, openLight } from "../src/light/light.ts";
import type { LightModel } from "../src/native/light.ts";
import { openSplineMpe } from "../src/native/splinempe.ts";
import { splinempe } from "../src/reco/splinempe.ts";
import { millipedeRows } from "./bench_millipede.ts";
import { tableRows } from "./bench_tables.ts";

interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The same of the reference, in the same unit; its machine is of the same kind. */
  readonly reference?: number;
  /** Whether less is better. */
  readonly isTime?: boolean;
}

const folder = resolve(import.meta.dir, "../../shared");
if (!existsSync(folder)) {
  console.error(
    "the benchmark runs on the alerts and photon tables in ../shared, which is not there",
  );
  process.exit(2);
}
const name = "run00136662-evt000035405932-BRONZE";

/** User CPU seconds per call. */
function cpuSeconds(calls: number, call: (i: number) => void): number {
  const before = process.cpuUsage();
  for (let i = 0; i < calls; i++) call(i);
  return process.cpuUsage(before).user / 1e6 / calls;
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!;

interface ReferenceFits {
  fits: {
    seed: { pos: number[]; time: number; zenith: number; azimuth: number };
    wall_s: number;
    "splinempe-recoFitParams": { nmini: number };
  }[];
  MuEx_energy: number;
}

/** splinempe on one alert: the pixels the reference fitted too, from the same seeds. */
async function splinempeRows(light: LightModel, likelihoodMicroseconds?: number): Promise<Row[]> {
  const event = await loadEvent(join(folder, "events", `${name}.pkl`));
  const detector = builtinDetector();
  const { cleaned, readoutWindow } = splinempe.prepare(event, detector, light);
  const { fits, MuEx_energy } = (await Bun.file(
    join(folder, `oracle/fits/fits_splinempe_${name}.json`),
  ).json()) as ReferenceFits;
  const doms = [...cleaned].map(([key, pulses]) => ({
    ...detector.doms.get(key)!,
    efficiency: 1,
    firstTime: pulses[0]!.time,
    charge: pulses.reduce((sum, pulse) => sum + pulse.charge, 0),
  }));
  const likelihood = openSplineMpe(light, { doms, window: readoutWindow, energy: MuEx_energy });
  const seeds = fits.map(({ seed: { pos, ...rest } }) => {
    const [x, y, z] = pos as [number, number, number];
    return { x, y, z, ...rest };
  });
  const at = (i: number) => seeds[i % seeds.length]!;
  likelihood.fit(at(0));
  const perCall = cpuSeconds(10 * seeds.length, (i) => likelihood.evaluate(at(i)));
  const evaluations: number[] = [];
  const perFit = cpuSeconds(seeds.length, (i) => {
    evaluations.push(likelihood.fit(at(i)).evaluations);
  });
  likelihood.close();
  const what = `splinempe, ${light.kind}, ${doms.length} DOMs`;
  const reference = light.kind === "tables";
  const calls = median(fits.map((fit) => fit["splinempe-recoFitParams"].nmini));
  return [
    {
      name: `${what}: likelihood with gradient`,
      value: perCall * 1e6,
      unit: "µs",
      isTime: true,
      ...(likelihoodMicroseconds ? { reference: likelihoodMicroseconds } : {}),
    },
    {
      name: `${what}: evaluations per fit (median)`,
      value: median(evaluations),
      unit: "",
      isTime: true,
      reference: calls,
    },
    {
      name: `${what}: fit`,
      value: perFit * 1e3,
      unit: "ms",
      isTime: true,
      ...(reference ? { reference: 150 } : {}),
    },
    { name: `${what}: fits per second and core`, value: 1 / perFit, unit: "1/s" },
  ];
}

function table(rows: readonly Row[]): string {
  const digits = (value: number) => value.toPrecision(3);
  const lines = rows.map(({ name, value, unit, reference, isTime }) => {
    const ratio = reference === undefined ? "" : isTime ? reference / value : value / reference;
    return `| ${name} | ${digits(value)} ${unit} | ${reference === undefined ? "" : `${digits(reference)} ${unit}`} | ${ratio === "" ? "" : `${digits(ratio)}×`} |`;
  });
  return ["| what | skyscan | reference | better by |", "|---|---|---|---|", ...lines].join("\n");
}

const embedded = openEmbeddedLight("muon");
const tables = openLight({ reco: "muon", photonTables: join(folder, "oracle/tables") });
// The reference's fastest figures: 0.7 ms per likelihood call, 0.15 s per fit.
const rows = [
  ...(await splinempeRows(embedded)),
  ...(await splinempeRows(tables, 700)),
  ...(await millipedeRows()),
  ...tableRows(),
];
const text = `# Speed

Machine: ${cpus()[0]!.model}, one core. ${new Date().toISOString().slice(0, 10)}. User CPU time; \`make bench\` does it again.
The reference's figures were taken on a machine of the same kind, otherwise idle, on the same photon tables.

${table(rows)}
`;
console.log(text);
if (process.argv.includes("--write"))
  await Bun.write(join(import.meta.dir, "../test/bench/results.md"), text);
