/**
 * Speed of millipede's fits, beside the reference's: pixels the reference fitted too, from the same
 * seeds, user CPU time of one core.
 */
import { join, resolve } from "node:path";
import { builtinDetector } from "../src/detector/builtin.ts";
import { loadEvent } from "../src/event/load.ts";
import { openEmbeddedLight, openLight } from "../src/light/light.ts";
import { millipedeOriginal } from "../src/reco/millipede_original.ts";
import { millipedeWilks } from "../src/reco/millipede_wilks.ts";

const folder = resolve(import.meta.dir, "../../shared");
const EVENTS = [
  "138632_31747601.json",
  "run00136662-evt000035405932-BRONZE.pkl",
  "run00136766-evt000007637140-GOLD.pkl",
] as const;
/** Seconds per fit of the reference, one core of a machine of this kind, idle. */
const REFERENCE = { millipede_original: 41, millipede_wilks: 69 } as const;

/** One row per setting, light model and alert; `pixels`: how many fits each. */
export async function millipedeRows(
  pixels = 4,
): Promise<{ name: string; value: number; unit: string; reference: number; isTime: true }[]> {
  const rows: Awaited<ReturnType<typeof millipedeRows>> = [];
  for (const reco of [millipedeOriginal, millipedeWilks])
    for (const light of [
      openLight({ reco: reco.light!, photonTables: join(folder, "oracle/tables") }),
      openEmbeddedLight(reco.light!),
    ]) {
      for (const file of EVENTS) {
        const event = await loadEvent(join(folder, "events", file));
        const alert = file.replace(/\.(pkl|json)$/, "");
        const { fits } = (await Bun.file(
          join(folder, `oracle/fits/fits_${reco.name}_${alert}.json`),
        ).json()) as {
          fits: { seed: { pos: number[]; time: number; zenith: number; azimuth: number } }[];
        };
        const fitter = reco.open(reco.prepare(event, builtinDetector(), light), light);
        const chosen = fits.slice(0, pixels);
        const before = process.cpuUsage();
        for (const { seed } of chosen) {
          const { time, zenith, azimuth } = seed;
          const [x, y, z] = seed.pos as [number, number, number];
          await fitter.fit({ x, y, z, time, zenith, azimuth });
        }
        rows.push({
          name: `${reco.name}, ${light.kind}, ${alert.split("-")[0]!.split("_")[0]}: fit`,
          value: process.cpuUsage(before).user / 1e6 / chosen.length,
          unit: "s",
          reference: REFERENCE[reco.name as keyof typeof REFERENCE],
          isTime: true,
        });
        fitter.close();
      }
      light.close();
    }
  return rows;
}

if (import.meta.main)
  for (const { name, value, reference } of await millipedeRows())
    console.log(
      `${name}: ${value.toFixed(2)} s (${(1 / value).toFixed(2)}/s); reference ${reference} s; ${(reference / value).toFixed(0)}×`,
    );
