/**
 * Where scans put real alerts, beside where they were published and where the online fits put them:
 * `bun scripts/bench/real_alerts.ts [--reco-algo NAME] [--only WORD] [--near] [--workers N] [--nsides "8:0 64:12"]`.
 * Prints rows of Markdown. Whole scans by the executable, kept in build/physics/maps: started again it goes on. --near:
 * instead a search about the published (else the online) direction, as calibrations do it: where whole scans are too dear.
 */
import { mkdirSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { localMinimum, vectorFrom } from "../../src/calibrate/local_minimum.ts";
import { detectorOf } from "../../src/detector/gcd.ts";
import { loadEvent } from "../../src/event/load.ts";
import { onlineDirection } from "../../src/event/online.ts";
import { openLight } from "../../src/light/light.ts";
import { momentAt, toDetector, toEquatorial } from "../../src/native/sky.ts";
import { findReco } from "../../src/reco/registry.ts";
import { pixelSeed } from "../../src/reco/seed.ts";
import { bestDirection } from "../../src/result/best_direction.ts";
import { readResult } from "../../src/result/files.ts";
import { angleBetween, type Direction, vectorOf } from "../../src/sky/healpix.ts";

const { values } = parseArgs({
  options: {
    "reco-algo": { type: "string", default: "splinempe" },
    only: { type: "string", default: "" },
    near: { type: "boolean", default: false },
    workers: { type: "string", default: "1" },
    nsides: { type: "string", default: "" },
  },
});
const root = resolve(import.meta.dir, "../..");
const events = join(root, "../shared/events");
const algorithm = values["reco-algo"];

interface Found extends Direction {
  readonly llh: number;
  readonly how: string;
}

const degree = Math.PI / 180;
const apart = (a: Direction | undefined, b: Direction | undefined | null): string =>
  a && b ? `${(angleBetween(vectorOf(a), vectorOf(b)) / degree).toFixed(2)}°` : "–";

async function published(stem: string): Promise<Direction | undefined> {
  const map = Bun.file(join(events, `${stem}-8_64_512.npz`));
  return (await map.exists()) ? bestDirection(await readResult(map.name!)) : undefined;
}

/** A whole scan, unless its map is there. */
async function scanned(file: string, stem: string): Promise<Found> {
  const folder = join(root, "build/physics/maps", `${algorithm}-${stem}`);
  mkdirSync(folder, { recursive: true });
  const maps = () => readdirSync(folder).filter((name) => name.endsWith(".npz"));
  if (maps().length === 0) {
    const nsides = values.nsides === "" ? [] : ["--nsides", ...values.nsides.split(" ")];
    const words = [
      "--reco-algo",
      algorithm,
      "--seed",
      "1",
      "--workers",
      values.workers,
      "--no-fits",
    ];
    const child = Bun.spawn(
      [join(root, "dist/skyscan"), "scan", file, ...words, "--output-dir", folder, ...nsides],
      { stdout: "ignore", stderr: "inherit" },
    );
    if ((await child.exited) !== 0) throw new Error(`scan of ${file} failed`);
  }
  const best = bestDirection(await readResult(join(folder, maps()[0]!)))!;
  return { ...best, how: values.nsides === "" ? "whole scan" : values.nsides };
}

/** The minimum near a direction. */
async function near(file: string, from: Direction, whose: string): Promise<Found> {
  const event = await loadEvent(file);
  const reco = findReco(algorithm);
  const detector = await detectorOf(event, undefined);
  const light = openLight({ reco: reco.light! });
  const prepared = reco.prepare(event, detector, light);
  const fitter = reco.open(prepared, light);
  const moment = momentAt(event.metadata.mjd);
  const start = toDetector(from.ra, from.dec, moment);
  const first = await Promise.all(
    reco.seeds.variations.map((_, n) => fitter.fit(pixelSeed(prepared, reco.seeds, start, n))),
  );
  const fit = first.reduce((a, b) => (b.llh < a.llh ? b : a));
  const found = await localMinimum(
    ({ zenith, azimuth }, nearby) =>
      fitter.fit(
        pixelSeed(prepared, reco.seeds, { zenith, azimuth }, 0, {
          ...(nearby ?? fit),
          energy: Number.NaN,
        }),
      ),
    { direction: start, fit },
  );
  fitter.close();
  light.close();
  const { zenith, azimuth } = found.direction;
  const turned = angleBetween(vectorFrom(start), vectorFrom(found.direction)) / degree;
  return {
    ...toEquatorial(zenith, azimuth, moment),
    llh: found.fit.llh,
    how: `${found.fits} fits about the ${whose} direction, where llh is ${fit.llh.toFixed(1)}, up to ${turned.toFixed(2)}° from it`,
  };
}

for (const name of readdirSync(events).sort()) {
  if (name.endsWith(".npz") || !name.includes(values.only)) continue;
  const file = join(events, name);
  const stem = name.replace(/\.\w+$/, "");
  const event = await loadEvent(file);
  const online = onlineDirection(event);
  const map = await published(stem);
  const from = map ?? online;
  if (values.near && !from) continue;
  const found = values.near
    ? await near(file, from!, map ? "published" : "online")
    : await scanned(file, stem);
  const place = `${(found.ra / degree).toFixed(2)}°, ${(found.dec / degree).toFixed(2)}°`;
  console.log(
    `| ${stem} | ${algorithm} | ${place} | ${found.llh.toFixed(1)} | ${apart(found, map)} | ${apart(found, online)}${online ? ` (${online.kind})` : ""} | ${found.how} |`,
  );
}
