/** The alerts of the benchmark: opened as a scan opens them, with what the reference did on them. */
import { builtinDetector } from "../../src/detector/builtin.ts";
import { loadEvent } from "../../src/event/load.ts";
import type { Hypothesis } from "../../src/geometry/track.ts";
import { openEmbeddedLight, openLight } from "../../src/light/light.ts";
import type { Reco } from "../../src/reco/reco.ts";
import { present, shared } from "../../test/reference.ts";

export interface Alert {
  /** As a row names it. */
  readonly run: string;
  readonly file: string;
}

/** Those that are there: all three with ../shared, else the two of the fixture. */
export const alerts: readonly Alert[] = present(
  [
    { run: "run 136662", file: "run00136662-evt000035405932-BRONZE.pkl" },
    { run: "run 136766", file: "run00136766-evt000007637140-GOLD.pkl" },
    { run: "run 138632", file: "138632_31747601.json" },
  ],
  ({ file }) => [`events/${file}`, `oracle/fits/fits_splinempe_${stemOf(file)}.json`],
);

export const lights = ["tables", "built-in"] as const;

/** A reference file of one alert: `oracle/<kind of numbers>_<alert>.json`. */
export const numbersOf = (alert: Alert, kind: string) =>
  Bun.file(shared(`oracle/${kind}_${stemOf(alert.file)}.json`)).json();

function stemOf(file: string): string {
  return file.replace(/\.\w+$/, "");
}

/** Runs `measure` with an algorithm ready to fit an alert. */
export async function withFitter<T>(
  { alert, reco, light }: { alert: Alert; reco: Reco; light: (typeof lights)[number] },
  measure: (fitter: ReturnType<Reco["open"]>, doms: number) => Promise<T>,
): Promise<T> {
  const purpose = reco.light!;
  const model =
    light === "tables"
      ? openLight({ reco: purpose, photonTables: shared("oracle/tables") })
      : openEmbeddedLight(purpose);
  const event = await loadEvent(shared("events", alert.file));
  const prepared = reco.prepare(event, builtinDetector(), model);
  const fitter = reco.open(prepared, model);
  try {
    return await measure(fitter, prepared.cleaned.size);
  } finally {
    fitter.close();
    model.close();
  }
}

/** A track as reference files have it. */
export interface RecordedTrack {
  readonly pos: readonly [number, number, number];
  readonly time: number;
  readonly zenith: number;
  readonly azimuth: number;
}

export const hypothesisOf = ({ pos, time, zenith, azimuth }: RecordedTrack): Hypothesis => ({
  ...{ x: pos[0], y: pos[1], z: pos[2] },
  ...{ time, zenith, azimuth },
});
