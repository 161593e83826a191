/**
 * How often contours hold the truth, and what calibrations of alerts say: `bun scripts/bench/physics.ts [--muons N]
 * [--experiments N] [--write]`. Runs the executable. --write: keeps the page in test/bench/physics.md.
 */
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { CalibrationReport } from "../../src/calibrate/calibration_report.ts";
import { type CoverageReport, coverageTable } from "../../src/calibrate/coverage_report.ts";

const { values } = parseArgs({
  options: {
    muons: { type: "string", default: "200" },
    experiments: { type: "string", default: "200" },
    write: { type: "boolean", default: false },
  },
});
const root = resolve(import.meta.dir, "../..");
const skyscan = join(root, "dist/skyscan");
const shared = join(root, "../shared");
const folder = join(root, "build/physics");
mkdirSync(folder, { recursive: true });

/** Runs the executable, its log on the terminal. @returns what it writes to `out` */
async function run<T>(name: string, words: readonly string[]): Promise<T> {
  const out = join(folder, `${name}.json`);
  const child = Bun.spawn([skyscan, ...words, "--out", out], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  if ((await child.exited) !== 0) throw new Error(`skyscan ${words.join(" ")} failed`);
  return await Bun.file(out).json();
}

const coverage = (name: string, ...words: string[]): Promise<CoverageReport> =>
  run(name, ["coverage", ...words, "--plot", join(folder, `${name}.png`)]);

/** Samples of our own muons: from what a fit takes for granted to what may be. */
const muons = ["--muons", values.muons];
const samples: [string, CoverageReport][] = [
  [
    "same light: continuous losses, the light's own jitter, 1–100 TeV",
    await coverage("same", ...muons, "--losses", "continuous", "--jitter", "5"),
  ],
  [
    "individual losses, 3 ns, 1–100 TeV",
    await coverage("losses", ...muons, "--losses", "individual"),
  ],
  [
    "the same, ice and detector varied",
    await coverage("varied", ...muons, "--losses", "individual", "--varied"),
  ],
];
const alerts = join(shared, "oracle/photon_mc/events");
if (existsSync(alerts)) {
  const files = readdirSync(alerts).map((name) => join(alerts, name));
  const faint = files.filter((name) => /mc_/.test(name));
  const bright = files.filter((name) => /mc100_/.test(name));
  samples.push(
    ["photon Monte Carlo, 5–20 TeV", await coverage("mc", "--events", ...faint)],
    [
      "photon Monte Carlo, 100 TeV, individual losses",
      await coverage("mc100", "--events", ...bright),
    ],
  );
}

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
  const scale = `${number(report.scale)} ± ${number(report.scale_error)}`;
  const error = number(report.angular_error_deg[0]!.value);
  return `| ${name} | ${report.experiments} | ${levels.join(" | ")} | ${scale} | ${error}° |`;
});
const page = `# Physics: do contours hold what they state?

${new Date().toISOString().slice(0, 10)}, splinempe, ${samples[0]![1].light}. \`make bench-physics\` does it again. Errors are binomial,
68 %. "Calibrated": levels scaled by what the other half of the sample says. Simulated light is the light model's own,
except in the photon Monte Carlo, which traces every photon.

${coverageTable("Coverage", samples)}
## Calibrations of alerts

Levels of 2Δllh from pseudo-experiments at the published best directions.

| alert | experiments | 50 % | 68 % | 90 % | 99 % | scale | median error |
|---|---|---|---|---|---|---|---|
${rows.join("\n")}
`;
console.log(page);
if (values.write) await Bun.write(join(root, "test/bench/physics.md"), page);
