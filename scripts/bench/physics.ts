/**
 * How often contours hold the truth, and what calibrations of alerts say: `bun scripts/bench/physics.ts [--muons N]
 * [--others N] [--experiments N] [--photons FOLDER] [--workers N] [--write]`. Runs the executable. --others: muons of the
 * samples beside the main one; --photons: alerts of scripts/light/photon_alerts.ts beside the oracle's; --write: keeps
 * the page in test/bench/physics.md, the P–P picture beside it. Reports in build/physics are kept: started again it goes
 * on; delete them to begin anew.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { CalibrationReport } from "../../src/calibrate/calibration_report.ts";
import {
  type CoverageReport,
  coverageTable,
  resolutionTable,
} from "../../src/calibrate/coverage_report.ts";

const { values } = parseArgs({
  options: {
    muons: { type: "string", default: "200" },
    others: { type: "string", default: "200" },
    experiments: { type: "string", default: "200" },
    photons: { type: "string" },
    workers: { type: "string", default: `${availableParallelism()}` },
    write: { type: "boolean", default: false },
  },
});
const root = resolve(import.meta.dir, "../..");
const skyscan = join(root, "dist/skyscan");
const shared = join(root, "../shared");
const folder = join(root, "build/physics");
const pages = join(root, "test/bench");
mkdirSync(folder, { recursive: true });

/** Runs the executable, its log on the terminal, unless its report is there. @returns what it writes to `out` */
async function run<T>(name: string, words: readonly string[]): Promise<T> {
  const out = join(folder, `${name}.json`);
  if (existsSync(out)) return await Bun.file(out).json();
  const child = Bun.spawn([skyscan, ...words, "--workers", values.workers, "--out", out], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  if ((await child.exited) !== 0) throw new Error(`skyscan ${words.join(" ")} failed`);
  return await Bun.file(out).json();
}

const coverage = (name: string, ...words: string[]): Promise<CoverageReport> =>
  run(name, ["coverage", ...words, "--plot", join(folder, `${name}.svg`)]);

const main = await coverage("losses", "--muons", values.muons, "--losses", "individual");
const others = ["--muons", values.others];
/** From what a fit takes for granted to what may be. */
const samples: [string, CoverageReport][] = [
  ["individual losses, 3 ns, 1–100 TeV", main],
  [
    "same light: continuous losses, the light's own jitter, 1–100 TeV",
    await coverage("same", ...others, "--losses", "continuous", "--jitter", "5"),
  ],
  [
    "individual losses, ice and detector varied, 1–100 TeV",
    await coverage("varied", ...others, "--losses", "individual", "--varied"),
  ],
];
const alertsIn = (place: string) =>
  existsSync(place) ? readdirSync(place).map((name) => join(place, name)) : [];
const oracle = alertsIn(join(shared, "oracle/photon_mc/events"));
const own = values.photons === undefined ? [] : alertsIn(values.photons);
for (const [name, what, files] of [
  ["mc", "photon Monte Carlo (oracle), 5–20 TeV", oracle.filter((file) => /mc_/.test(file))],
  [
    "mc100",
    "photon Monte Carlo (oracle), 100 TeV, individual losses",
    oracle.filter((file) => /mc100_/.test(file)),
  ],
  [
    "photons",
    "photon Monte Carlo (own), 5–30 TeV, individual losses",
    own.filter((file) => /_5e3_3e4_/.test(file)),
  ],
  [
    "photons100",
    "photon Monte Carlo (own), 100 TeV, individual losses",
    own.filter((file) => /_1e5_1e5_/.test(file)),
  ],
] as const)
  if (files.length > 1) samples.push([what, await coverage(name, "--events", ...files)]);

const calibrations: [string, CalibrationReport][] = [];
for (const stem of ["run00136662-evt000035405932-BRONZE", "run00136766-evt000007637140-GOLD"]) {
  const alert = join(shared, "events", `${stem}.pkl`);
  if (!existsSync(alert)) continue;
  const map = join(shared, "events", `${stem}-8_64_512.npz`);
  const words = [alert, map, "--reco-algo", "splinempe", "--experiments", values.experiments];
  calibrations.push([stem, await run(stem, ["calibrate", ...words])]);
}

const number = (value: number | null) => (value === null ? "–" : value.toFixed(2));
const rows = calibrations.map(([name, report]) => {
  const levels = report.levels.map(
    ({ level, low, high }) => `${number(level)} (${number(low)}–${number(high)})`,
  );
  const inside = report.uncalibrated
    .map(({ share, error }) => `${(100 * share).toFixed(0)} ± ${(100 * error).toFixed(0)} %`)
    .join(" / ");
  const scale = `${number(report.scale)} ± ${number(report.scale_error)}`;
  const error = number(report.angular_error_deg[0]!.value);
  return `| ${name} | ${report.experiments} | ${levels.join(" | ")} | ${scale} | ${inside} | ${error}° |`;
});
const notes = join(pages, "physics-notes.md");
const page = `# Physics: do contours hold what they state?

${new Date().toISOString().slice(0, 10)}, splinempe, ${main.light}. \`make bench-physics\` does it again. Errors are binomial,
68 %. "Calibrated": levels as a calibration on the other half of the sample gives. Simulated light is the light model's own,
except in the photon Monte Carlo, which traces every photon.

${coverageTable("Coverage", samples)}
P–P of the first sample: [physics-pp.svg](physics-pp.svg).

${resolutionTable("Resolution of the first sample", main)}
## Calibrations of alerts

Levels of 2Δllh from pseudo-experiments at the published best directions.

| alert | experiments | 50 % | 68 % | 90 % | 99 % | scale | inside 1.39 / 4.61 | median error |
|---|---|---|---|---|---|---|---|---|
${rows.join("\n")}
${existsSync(notes) ? `\n${await Bun.file(notes).text()}` : ""}`;
console.log(page);
if (values.write) {
  await Bun.write(join(pages, "physics.md"), page);
  const picture = join(folder, "losses.svg");
  if (existsSync(picture)) copyFileSync(picture, join(pages, "physics-pp.svg"));
}
