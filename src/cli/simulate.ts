import { Command } from "commander";
import { consola } from "consola";
import { InputError } from "../config/errors.ts";
import { uniformNumbers } from "../config/random.ts";
import { builtinDetector } from "../detector/builtin.ts";
import { simulatedAlert, simulatePulses } from "../event/simulate.ts";
import { degree } from "../geometry/constants.ts";
import type { MuonTrack } from "../geometry/track.ts";
import { openEmbeddedLight } from "../light/light.ts";
import { momentAt, toDetector } from "../native/sky.ts";
import { writeAtomically } from "../result/files.ts";
import { integerFrom, numberFrom } from "./flags.ts";

interface SimulateFlags {
  readonly out: string;
  readonly ra: number;
  readonly dec: number;
  readonly energy: number;
  readonly mjd: number;
  readonly offset: readonly number[];
  readonly seed: number;
}

/** MJD of 1970-01-01. */
const UNIX_EPOCH = 40587;
const degrees = numberFrom(-360, "degrees");

/** `skyscan simulate`: an alert of our own, true direction recorded. */
export function simulateCommand(): Command {
  return new Command("simulate")
    .description(
      "Draw a muon's light from the embedded model and write it as an alert (.json), its true direction recorded.",
    )
    .requiredOption("--out <file>", "alert to write")
    .option("--ra <deg>", "right ascension it comes from, J2000", degrees, 120)
    .option("--dec <deg>", "declination, J2000", degrees, 5)
    .option("--energy <GeV>", "the muon's energy", numberFrom(1, "GeV"), 2e4)
    .option("--mjd <days>", "when, UTC", numberFrom(57388, "days"), 60000.25)
    .option("--offset <x,y,z>", "point the track goes through, m", point, [30, -40, -100])
    .option("--seed <n>", "of the random numbers", integerFrom(0), 1)
    .addHelpText(
      "after",
      "\nExample:\n  skyscan simulate --ra 83.6 --dec 22 --out muon.json && skyscan scan muon.json",
    )
    .action(async (flags: SimulateFlags) => {
      const random = uniformNumbers(flags.seed);
      const [x, y, z] = flags.offset as [number, number, number];
      const muon: MuonTrack = {
        ...{ x, y, z, time: 10_000, energy: flags.energy },
        ...toDetector(flags.ra * degree, flags.dec * degree, momentAt(flags.mjd)),
      };
      const light = openEmbeddedLight("muon");
      const pulses = simulatePulses(muon, builtinDetector(), light, random);
      light.close();
      const start = new Date(Math.round((flags.mjd - UNIX_EPOCH) * 86_400_000));
      const alert = { runId: 1, eventId: flags.seed, start, muon, pulses };
      await writeAtomically(flags.out, simulatedAlert(alert, random));
      consola.success(
        `${flags.out}: a muon of ${flags.energy} GeV from RA ${flags.ra}°, Dec ${flags.dec}° (zenith ${muon.zenith.toFixed(4)}, azimuth ${muon.azimuth.toFixed(4)} rad); ${pulses.size} DOMs hit`,
      );
    });
}

function point(text: string): number[] {
  const numbers = text.split(",").map(Number);
  if (numbers.length === 3 && numbers.every(Number.isFinite)) return numbers;
  throw new InputError(`--offset: three numbers, x,y,z in m, expected, not "${text}"`);
}
