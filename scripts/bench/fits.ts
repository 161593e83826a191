/** Seconds per fit, in pixels that the reference fitted too, from its seeds. */
import { findReco } from "../../src/reco/registry.ts";
import {
  alerts,
  hypothesisOf,
  lights,
  numbersOf,
  type RecordedTrack,
  withFitter,
} from "./alerts.ts";
import { secondsPerCall } from "./clock.ts";
import { mean, type Row } from "./row.ts";

interface RecordedFit {
  readonly seed: RecordedTrack;
  /** Per step of the fit: user CPU s, system CPU s, calls. */
  readonly usage: Readonly<Record<string, readonly [number, number, number]>>;
}

const userSeconds = ({ usage }: RecordedFit): number =>
  Object.values(usage).reduce((sum, [user]) => sum + user, 0);

/** @param count how many fits at most of each algorithm, light and alert */
export async function fitRows(count: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const name of ["splinempe", "millipede_original", "millipede_wilks"])
    for (const light of lights)
      for (const alert of alerts) {
        const recorded: { fits: RecordedFit[] } = await numbersOf(alert, `fits/fits_${name}`);
        const fits = recorded.fits.slice(0, count);
        const value = await withFitter({ alert, reco: findReco(name), light }, async (fitter) => {
          // The first fit of all reads tables that later ones find in memory; it is one of another pixel.
          await fitter.fit(hypothesisOf(recorded.fits.at(-1)!.seed));
          return secondsPerCall(fits.length, (i) => fitter.fit(hypothesisOf(fits[i]!.seed)));
        });
        // The reference has no such light as the built-in one.
        const reference = { value: mean(fits.map(userSeconds)), source: "a" } as const;
        const row = { what: `${name}: a fit`, on: alert.run, light, value };
        rows.push(light === "tables" ? { ...row, reference } : row);
      }
  return rows;
}
