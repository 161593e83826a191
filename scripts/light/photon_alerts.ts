/**
 * Whole alerts from a photon Monte Carlo: what a light model's contours have to be right about.
 *
 *     bun scripts/light/photon_alerts.ts FOLDER NUMBER FROM_GEV TO_GEV [SEED]
 *
 * Muons as `skyscan coverage` draws them, with individual losses; every photon followed through the ice to the built-in
 * detector's DOMs (photon_alert.cpp), h2-50cm, 3 ns of jitter, bursts of noise, saturation. About 2 s of CPU at 5 TeV,
 * half a minute at 100 TeV. A file that is there already is kept.
 */
import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { randomNormal } from "d3-random";
import { drawMuon } from "../../src/calibrate/laboratory.ts";
import { uniformNumbers } from "../../src/config/random.ts";
import { builtinDetector } from "../../src/detector/builtin.ts";
import { drawnPassage, type MuonPassage, totalLoss } from "../../src/event/muon_losses.ts";
import { pulsesOf, seeingDoms } from "../../src/event/simulate.ts";
import { simulatedAlert } from "../../src/event/simulated_alert.ts";
import { directionOfTravel } from "../../src/geometry/track.ts";

const [folder = "", count = "1", from = "5e3", to = from, seed = "1"] = process.argv.slice(2);
const root = resolve(import.meta.dir, "../..");
/** Light of a bare muon and of what it always loses, photons per metre: analytic_optics.hpp. */
const BARE_PHOTONS = 32240 * 1.22;
/** ns, of a DOM. */
const JITTER = 3;
/** Continuous losses are even over so many metres. */
const STRETCH = 10;
/** How far along the track from its point in the detector there is light, m. */
const LENGTH = 1100;

const program = join(root, "build/photon_alert");
mkdirSync(join(root, "build"), { recursive: true });
mkdirSync(folder, { recursive: true });
const source = join(import.meta.dir, "photon_alert.cpp");
await run(["g++", "-std=c++20", "-O3", "-march=native", "-o", program, source]);
const doms = seeingDoms(builtinDetector());

for (let k = 0; k < Number(count); k++) {
  const file = join(folder, `photons_${from}_${to}_${seed}_${k}.json`);
  if (existsSync(file)) continue;
  const random = uniformNumbers(Number(seed), k, 2);
  const population = {
    energies: [Number(from), Number(to)] as const,
    highestSine: 0.85,
    radius: 350,
  };
  const muon = drawMuon(population, uniformNumbers(Number(seed), k, 1));
  const passage = drawnPassage(muon, random);
  const hits = await run(
    [
      program,
      join(root, "src/detector/spice-mie.tsv"),
      join(root, "src/detector/dom-angular-acceptance.tsv"),
      `${Number(seed) * 1000 + k}`,
    ],
    linesOf(passage),
  );
  const jitter = randomNormal.source(random)(0, JITTER);
  const photons: number[][] = doms.map(() => []);
  for (const line of hits.split("\n")) {
    const [dom, time] = line.split(" ").map(Number);
    if (time !== undefined) photons[dom!]!.push(time + jitter());
  }
  const pulses = pulsesOf(doms, photons, random, { bursts: true, saturation: true });
  const alert = {
    runId: Number(seed),
    eventId: k,
    start: new Date("2023-02-25T06:00:00Z"),
    passage,
    pulses,
  };
  await Bun.write(
    file,
    simulatedAlert({ ...alert, settings: { light: "photon Monte Carlo" } }, random),
  );
  console.log(`${file}: ${muon.energy.toFixed(0)} GeV, ${pulses.size} DOMs`);
}

/** Its sources of light, as photon_alert.cpp reads them. */
function linesOf({ muon, losses, continuous, energyAt }: MuonPassage): string {
  const n = directionOfTravel(muon);
  const lines = doms.map(({ x, y, z, relativeEfficiency: known }) =>
    ["dom", x, y, z, Number.isNaN(known) ? 1 : known].join(" "),
  );
  lines.push(["track", muon.x, muon.y, muon.z, muon.time, ...n].join(" "));
  for (let at = -LENGTH; at < LENGTH; at += STRETCH) {
    const gev = continuous * totalLoss * energyAt(at + STRETCH / 2);
    lines.push(["stretch", at, at + STRETCH, BARE_PHOTONS, gev].join(" "));
  }
  for (const { x, y, z, energy } of losses) {
    const along = (x - muon.x) * n[0] + (y - muon.y) * n[1] + (z - muon.z) * n[2];
    lines.push(["cascade", along, energy].join(" "));
  }
  return `${lines.join("\n")}\n`;
}

async function run(command: string[], input = ""): Promise<string> {
  const child = Bun.spawn(command, { stdin: new TextEncoder().encode(input), stderr: "inherit" });
  const output = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error(`${command[0]} failed`);
  return output;
}
