/**
 * Seconds per call of a likelihood on photon tables, as `reco --evaluate` does it, at hypotheses where the reference
 * was called too. Each first call, which reads the tables, does not count.
 */
import { findReco } from "../../src/reco/registry.ts";
import { alerts, hypothesisOf, numbersOf, type RecordedTrack, withFitter } from "./alerts.ts";
import { secondsPerCall } from "./clock.ts";
import { mean, type Row } from "./row.ts";

const light = "tables";

interface SplineMpeNumbers {
  readonly hypotheses: readonly RecordedTrack[];
  readonly reference_us_per_call: { readonly max: number };
}

async function splinempeRows(repeats: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const alert of alerts) {
    const recorded: SplineMpeNumbers = await numbersOf(alert, "llh/splinempe_llh");
    const tracks = recorded.hypotheses.map(hypothesisOf);
    await withFitter({ alert, reco: findReco("splinempe"), light }, async (fitter, doms) => {
      // Like a fit, which stays at one direction, one track after another.
      fitter.evaluate(tracks.at(-1)!);
      const value = await secondsPerCall(repeats * tracks.length, (i) =>
        fitter.evaluate(tracks[Math.floor(i / repeats)]!),
      );
      const on = `${alert.run}, ${doms} DOMs`;
      const reference = {
        value: recorded.reference_us_per_call.max * 1e-6,
        source: "b",
      } as const;
      rows.push({ what: "splinempe: likelihood", on, light, value, reference });
    });
  }
  return rows;
}

interface MillipedeNumbers {
  readonly hypotheses: readonly (RecordedTrack & {
    readonly spacing: "coarse" | "fine";
    readonly llh_call_s: number;
  })[];
}

async function millipedeRows(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const name of ["millipede_original", "millipede_wilks"])
    for (const alert of alerts) {
      const recorded: MillipedeNumbers = await numbersOf(alert, `llh/${name}_llh`);
      await withFitter({ alert, reco: findReco(name), light }, async (fitter) => {
        for (const [spacing, metres] of [
          ["coarse", 5],
          ["fine", 2.5],
        ] as const) {
          const tracks = recorded.hypotheses.filter((track) => track.spacing === spacing);
          fitter.evaluate(hypothesisOf(tracks[0]!), { spacing: metres });
          const value = await secondsPerCall(tracks.length, (i) =>
            fitter.evaluate(hypothesisOf(tracks[i]!), { spacing: metres }),
          );
          const reference = {
            value: mean(tracks.map(({ llh_call_s }) => llh_call_s)),
            source: "b",
          } as const;
          const what = `${name}: likelihood, a cascade every ${metres} m`;
          rows.push({ what, on: alert.run, light, value, reference });
        }
      });
    }
  return rows;
}

/** @param repeats calls per hypothesis (splinempe; millipede's take long enough) */
export const likelihoodRows = async (repeats: number): Promise<Row[]> => [
  ...(await splinempeRows(repeats)),
  ...(await millipedeRows()),
];
