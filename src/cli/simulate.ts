import { Command, Option } from "commander";
import { consola } from "consola";
import { InputError } from "../config/errors.ts";
import { uniformNumbers } from "../config/random.ts";
import { builtinDetector } from "../detector/builtin.ts";
import type { Detector } from "../detector/detector.ts";
import { drawnPassage, evenPassage } from "../event/muon_losses.ts";
import { simulatePulses } from "../event/simulate.ts";
import { simulatedAlert } from "../event/simulated_alert.ts";
import { degree } from "../geometry/constants.ts";
import type { Direction, MuonTrack } from "../geometry/track.ts";
import { chosenDetector, type LightChoice, namedChoice } from "../light/choice.ts";
import { embeddedOf, openEmbeddedLight } from "../light/light.ts";
import { momentAt, toDetector, toEquatorial } from "../native/sky.ts";
import { writeAtomically } from "../result/files.ts";
import { integerFrom, numberFrom } from "./flags.ts";
import { addLightFlags, type LightFlags, lightChoice } from "./light_flags.ts";

interface SimulateFlags extends LightFlags {
  readonly out: string;
  readonly ra?: number;
  readonly dec?: number;
  readonly zenith?: number;
  readonly azimuth?: number;
  readonly energy: number;
  readonly mjd: number;
  readonly offset: readonly number[];
  readonly losses: "continuous" | "individual";
  readonly jitter?: number;
  readonly noise: boolean;
  readonly saturation: boolean;
  readonly deadDoms: number;
  readonly seed: number;
}

/** MJD of 1970-01-01. */
const UNIX_EPOCH = 40587;
const degrees = numberFrom(-360, "degrees");
/** Where a muon comes from unless told, degrees. */
const DEFAULT = { ra: 120, dec: 5 };

/** `skyscan simulate`: an alert of our own, truth recorded. */
export function simulateCommand(): Command {
  const command = new Command("simulate")
    .description(
      "Draw a muon's light from the embedded model and write it as an alert (.json), marked as simulated, its true direction, energy and losses recorded.",
    )
    .requiredOption("--out <file>", "alert to write")
    .addOption(
      new Option("--ra <deg>", "right ascension it comes from, J2000 (default: 120)")
        .argParser(degrees)
        .conflicts(["zenith", "azimuth"]),
    )
    .addOption(
      new Option("--dec <deg>", "declination, J2000 (default: 5)")
        .argParser(degrees)
        .conflicts(["zenith", "azimuth"]),
    )
    .option("--zenith <deg>", "instead: zenith in the detector it comes from", degrees)
    .option("--azimuth <deg>", "with --zenith: azimuth in the detector", degrees)
    .option(
      "--energy <GeV>",
      "the muon's energy; with individual losses where it enters the 1.5 km about the centre",
      numberFrom(1, "GeV"),
      2e4,
    )
    .option("--mjd <days>", "when, UTC", numberFrom(57388, "days"), 60000.25)
    .option("--offset <x,y,z>", "point the track goes through, m", point, [30, -40, -100])
    .addOption(
      new Option(
        "--losses <kind>",
        "continuous: even along the track, as fits take them to be; individual: bremsstrahlung, pairs and photonuclear losses of over 0.2 % drawn one by one",
      )
        .choices(["continuous", "individual"])
        .default("continuous"),
    )
    .option(
      "--jitter <ns>",
      "time resolution (default: the light model's own, which stands for its errors too; a DOM's is about 3)",
      numberFrom(1, "ns", 1000),
    )
    .option(
      "--noise",
      "noise of a DOM comes in bursts, as in life (default: independent hits)",
      false,
    )
    .option("--saturation", "photomultipliers saturate at 93 PE/ns", false)
    .option("--dead-doms <share>", "share of the DOMs that are dead, and known to be", share, 0)
    .option("--seed <n>", "of the random numbers", integerFrom(0), 1);
  return addLightFlags(command)
    .addHelpText(
      "after",
      `
What it lacks, in the order of what that does to a contour's coverage: transport of photons other than the fits' own
light model (real light is patchier: errors at 5 TeV are twice these), ice tilt, anisotropy and hole ice that no scale
factor covers, muons that start, stop or come in bundles, the cascade at the neutrino's vertex, after-pulses. Coverage
found with simulated alerts alone validates nothing.

Example:
  skyscan simulate --ra 83.6 --dec 22 --losses individual --jitter 3 --out muon.json && skyscan scan muon.json`,
    )
    .action(run);
}

async function run(flags: SimulateFlags): Promise<void> {
  const random = uniformNumbers(flags.seed);
  const [x, y, z] = flags.offset as [number, number, number];
  const choice = await lightChoice(flags);
  const track: MuonTrack = { x, y, z, time: 10_000, energy: flags.energy, ...directionOf(flags) };
  const known = chosenDetector(builtinDetector(), choice);
  const { detector, dead } = withDead(known, flags.deadDoms, random);
  const passage = flags.losses === "individual" ? drawnPassage(track, random) : evenPassage(track);
  const { jitter, noise, saturation } = flags;
  const light = lightFor(choice, jitter, passage.losses.length > 0);
  const response = { bursts: noise, saturation };
  const pulses = simulatePulses(passage, detector, light, random, response);
  const { description } = light.muon;
  light.muon.close();
  light.cascade?.close();
  const settings = {
    light: description,
    choice: namedChoice(choice),
    losses: flags.losses,
    ...(jitter !== undefined && { jitter }),
    ...{ ...response, deadDoms: dead.length, seed: flags.seed },
  };
  const start = new Date(Math.round((flags.mjd - UNIX_EPOCH) * 86_400_000));
  const alert = { runId: 1, eventId: flags.seed, start, passage, pulses, dead, settings };
  await writeAtomically(flags.out, simulatedAlert(alert, random));
  const { ra, dec } = toEquatorial(track.zenith, track.azimuth, momentAt(flags.mjd));
  const losses = passage.losses.length > 0 ? `, ${passage.losses.length} losses` : "";
  consola.success(
    `${flags.out}: a muon of ${flags.energy} GeV${losses} from RA ${(ra / degree).toFixed(4)}°, Dec ${(dec / degree).toFixed(4)}° (zenith ${track.zenith.toFixed(4)}, azimuth ${track.azimuth.toFixed(4)} rad); ${pulses.size} DOMs hit`,
  );
}

/** Where the muon comes from, in the detector. Throws InputError for half a direction. */
function directionOf({ ra, dec, zenith, azimuth, mjd }: SimulateFlags): Direction {
  if (zenith !== undefined || azimuth !== undefined) {
    if (zenith === undefined || azimuth === undefined || zenith < 0 || zenith > 180)
      throw new InputError("expected --zenith, 0 to 180, and --azimuth together, degrees");
    return { zenith: zenith * degree, azimuth: azimuth * degree };
  }
  const from = { ...DEFAULT, ...(ra !== undefined && { ra }), ...(dec !== undefined && { dec }) };
  return toDetector(from.ra * degree, from.dec * degree, momentAt(mjd));
}

function lightFor(choice: LightChoice, jitter: number | undefined, hasLosses: boolean) {
  if (choice.light === "tables")
    throw new InputError("--light tables: simulated light comes from an embedded model");
  const options = { ...embeddedOf(choice), ...(jitter !== undefined && { jitter }) };
  return {
    muon: openEmbeddedLight("muon", options),
    ...(hasLosses && { cascade: openEmbeddedLight("cascade", options) }),
  };
}

/** The detector with a share of its DOMs dead, at random. */
function withDead(detector: Detector, share: number, random: () => number) {
  if (share === 0) return { detector, dead: [...detector.badDoms] };
  const doms = [...detector.doms].map(
    ([key, dom]) => [key, random() < share ? { ...dom, isOn: false } : dom] as const,
  );
  const dead = doms.flatMap(([key, { isOn }]) => (isOn ? [] : [key]));
  return { detector: { ...detector, doms: new Map(doms) }, dead };
}

/** A share of the whole, below 1. */
const share = numberFrom(0, "", 0.9);

function point(text: string): number[] {
  const numbers = text.split(",").map(Number);
  if (numbers.length === 3 && numbers.every(Number.isFinite)) return numbers;
  throw new InputError(`--offset: three numbers, x,y,z in m, expected, not "${text}"`);
}
