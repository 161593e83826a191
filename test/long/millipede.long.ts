import { describe, expect, test } from "bun:test";
import { builtinDetector } from "../../src/detector/builtin.ts";
import { loadEvent } from "../../src/event/load.ts";
import { openEmbeddedLight, openLight } from "../../src/light/light.ts";
import { momentAt, toDetector } from "../../src/native/sky.ts";
import { millipedeOriginal } from "../../src/reco/millipede_original.ts";
import { millipedeWilks } from "../../src/reco/millipede_wilks.ts";
import type { Fitter, PreparedEvent } from "../../src/reco/reco.ts";
import { pixelSeed } from "../../src/reco/seed.ts";
import { discStrict, pixelCentre, vectorOf } from "../../src/sky/healpix.ts";
import { present, shared } from "../shared.ts";
import { simplexMinimum } from "../simplex.ts";

describe("millipede over many fits", () => {
  test(
    "1000 fits leave memory flat",
    async () => {
      const light = openEmbeddedLight("cascade", { model: "embedded-2026a" });
      const event = await loadEvent(shared("events", "138632_31747601.json"));
      const prepared = millipedeWilks.prepare(event, builtinDetector(), light);
      const run = async (fits: number) => {
        for (let i = 0; i < fits; i++) {
          const fitter = millipedeWilks.open(prepared, light);
          await fitter.fit({ ...prepared.vertex, zenith: 1.57 + 1e-3 * (i % 7), azimuth: 4.88 });
          fitter.close();
        }
        Bun.gc(true);
        return process.memoryUsage.rss() / 2 ** 20;
      };
      const before = await run(50);
      expect((await run(1000)) - before).toBeLessThan(32);
      light.close();
    },
    { timeout: 3_600_000 },
  );
});

/** llh of a fit at an nside-8 pixel less that of a plain simplex, with the passes of millipede_wilks. */
async function excessOverSimplex(
  { fitter, prepared, mjd }: { fitter: Fitter; prepared: PreparedEvent; mjd: number },
  pixel: number,
): Promise<number> {
  const centre = pixelCentre(8, pixel);
  const direction = toDetector(centre.ra, centre.dec, momentAt(mjd));
  const seed = pixelSeed(prepared, millipedeWilks.seeds, direction, 0);
  const llh =
    (spacing: number) =>
    ([x, y, z, time]: readonly number[]) =>
      fitter.evaluate({ x: x!, y: y!, z: z!, time: time!, ...direction }, { spacing, exact: true })
        .llh;
  const n = [
    Math.sin(direction.zenith) * Math.cos(direction.azimuth),
    Math.sin(direction.zenith) * Math.sin(direction.azimuth),
    Math.cos(direction.zenith),
  ];
  const steps = (across: number, time: number) => [
    ...n.map((c) => across * Math.sqrt(1 - c * c)),
    time,
  ];
  const start = [seed.x, seed.y, seed.z, seed.time];
  const first = simplexMinimum(llh(5), start, steps(150, 250), 0.01, 400);
  const last = simplexMinimum(llh(2.5), first.x, steps(3, 5), 0.01, 400);
  return (await fitter.fit(seed)).llh - last.value;
}

describe("millipede beside a plain simplex from the same seeds", () => {
  /** RA and Dec, degrees: the online track's, and as published. */
  const alerts: [string, number, number][] = [
    ["138632_31747601.json", 138.65, 0.14],
    ["run00136662-evt000035405932-BRONZE.pkl", 47.2, -3.28],
    ["run00136766-evt000007637140-GOLD.pkl", 224.12, 41.31],
  ];
  const open = async (file: string) => {
    const light = openEmbeddedLight("cascade-ftp", { model: "embedded-2026a" });
    const event = await loadEvent(shared("events", file));
    const prepared = millipedeWilks.prepare(event, builtinDetector(), light);
    const fitter = millipedeWilks.open(prepared, light);
    const close = () => {
      fitter.close();
      light.close();
    };
    return { fitter, prepared, mjd: event.metadata.mjd, close };
  };
  for (const [file, ra, dec] of alerts)
    test(
      `${file}: no minimum is missed up to 20° from the source`,
      async () => {
        const alert = await open(file);
        const source = vectorOf({ ra: (ra * Math.PI) / 180, dec: (dec * Math.PI) / 180 });
        const near = discStrict(8, source, (20 * Math.PI) / 180);
        const excesses = [];
        for (const pixel of near.filter((_, i) => i % 4 === 0))
          excesses.push(await excessOverSimplex(alert, pixel));
        console.log(
          `${file}: llh less a simplex's: ${excesses.map((e) => e.toFixed(2)).join(" ")}`,
        );
        expect(excesses.length).toBeGreaterThan(3);
        // Of one rough minimum another way down may find the bottom a little lower.
        for (const excess of excesses) expect(excess).toBeLessThan(0.5);
        alert.close();
      },
      { timeout: 1_800_000 },
    );

  test(
    "all over the sky few are missed, and more found that it misses",
    async () => {
      const excesses: number[] = [];
      for (const [file] of alerts) {
        const alert = await open(file);
        // A step without a common divisor with the map's 768 pixels.
        for (let i = 0; i < 22; i++)
          excesses.push(await excessOverSimplex(alert, (i * 35 + 5) % 768));
        alert.close();
      }
      const more = (margin: number) => excesses.filter((e) => e > margin).length;
      const below = excesses.filter((e) => e < -0.1).length;
      console.log(
        `of ${excesses.length} fits ${more(0.1)} end above a simplex's by more than 0.1, ${more(10)} by more than 10; ${below} below`,
      );
      expect(more(10)).toBeLessThanOrEqual(0.1 * excesses.length);
      expect(below).toBeGreaterThan(more(0.1));
    },
    { timeout: 1_800_000 },
  );
});

interface ReferenceFit {
  readonly pixel: number;
  readonly seed: { pos: [number, number, number]; time: number; zenith: number; azimuth: number };
  readonly recopixel: { llh: number; pos: [number, number, number]; time: number };
}

describe("millipede beside the reference, pixel by pixel, same seeds and tables", () => {
  const events = [
    "138632_31747601.json",
    "run00136662-evt000035405932-BRONZE.pkl",
    "run00136766-evt000007637140-GOLD.pkl",
  ];
  const fitsOf = (algorithm: string, file: string) =>
    `oracle/fits/fits_${algorithm}_${file.replace(/\.(pkl|json)$/, "")}.json`;
  for (const reco of [millipedeWilks, millipedeOriginal])
    for (const file of present(events, (file) => [`events/${file}`, fitsOf(reco.name, file)]))
      test(
        `${reco.name}, ${file}: no minimum is missed`,
        async () => {
          const light = openLight({ reco: reco.light!, photonTables: shared("oracle/tables") });
          const event = await loadEvent(shared("events", file));
          const fitter = reco.open(reco.prepare(event, builtinDetector(), light), light);
          const { fits } = (await Bun.file(shared(fitsOf(reco.name, file))).json()) as {
            fits: ReferenceFit[];
          };
          const rows = [];
          for (const { pixel, seed, recopixel } of fits) {
            const { zenith, azimuth } = seed;
            const [x, y, z] = seed.pos;
            const before = process.cpuUsage();
            const fit = await fitter.fit({ x, y, z, time: seed.time, zenith, azimuth });
            const cpu = process.cpuUsage(before).user / 1e6;
            const [rx, ry, rz] = recopixel.pos;
            const there = { x: rx, y: ry, z: rz, time: recopixel.time, zenith, azimuth };
            const { llh: own } = fitter.evaluate(there, { spacing: 2.5, exact: true });
            rows.push({
              pixel,
              llh: fit.llh,
              "less reference's": fit.llh - recopixel.llh,
              "less our llh at its minimum": fit.llh - own,
              evaluations: fit.evaluations,
              "CPU s": cpu,
            });
          }
          console.log(`${reco.name}, ${file}`);
          console.table(rows);
          expect(rows).toHaveLength(fits.length);
          // 0.1 in llh hardly moves a contour: the one of 50 % is 0.69 above the best.
          for (const row of rows) {
            expect(row["less reference's"]).toBeLessThanOrEqual(0.1);
            expect(row["less our llh at its minimum"]).toBeLessThanOrEqual(0.1);
          }
          fitter.close();
          light.close();
        },
        { timeout: 600_000 },
      );
});
