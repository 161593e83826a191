import { Command, Option } from "commander";
import { consola } from "consola";
import * as v from "valibot";
import { InputError } from "../config/errors.ts";
import { detectorOf } from "../detector/gcd.ts";
import { withoutDoms } from "../event/event.ts";
import { loadEvent } from "../event/load.ts";
import type { Seed } from "../geometry/track.ts";
import { chosenDetector } from "../light/choice.ts";
import { openLight } from "../light/light.ts";
import { momentAt, toDetector } from "../native/sky.ts";
import { basePulses } from "../pulses/inputs.ts";
import { domReports } from "../reco/dom_report.ts";
import type { Fit, FitTask, Fitter, Reco } from "../reco/reco.ts";
import { findReco, recoNames, widenedName } from "../reco/registry.ts";
import { pixelSeed } from "../reco/seed.ts";
import { readResult } from "../result/files.ts";
import { fitValues } from "../scan/fit_values.ts";
import type { PixelResult } from "../scan/task.ts";
import { isNside, npix, parentOf, pixelCentre } from "../sky/healpix.ts";
import { integerFrom } from "./flags.ts";
import { readJsonLines, writeJsonLine } from "./jsonl.ts";
import { addLightFlags, type LightFlags, lightChoice } from "./light_flags.ts";
import { readNumberTable } from "./number_table.ts";

const finite = v.pipe(v.number(), v.finite());
const positive = v.pipe(v.number(), v.finite(), v.gtValue(0));
const vertex = { x: finite, y: finite, z: finite, time: finite };
const hypothesis = v.strictObject({
  ...vertex,
  zenith: finite,
  azimuth: finite,
  energy: v.optional(v.pipe(v.number(), v.finite())),
  spacing: v.optional(positive),
  fallback: v.optional(v.strictObject(vertex)),
});

type HypothesisLine = v.InferOutput<typeof hypothesis>;

interface Flags extends LightFlags {
  readonly recoAlgo: string;
  readonly nside?: number;
  readonly pixel?: number;
  readonly posvar?: number;
  readonly from?: string;
  readonly jsonl?: boolean;
  readonly hypotheses?: string;
  readonly json?: boolean;
  readonly doms?: boolean;
  readonly evaluate?: boolean;
  readonly exact?: boolean;
  readonly photonTables?: string;
  readonly gcdDir?: string;
  readonly seed?: number;
  readonly relativeUncertainty?: boolean;
}

/** `skyscan reco`: one fit, or one evaluation of the likelihood; or one for each line of the input. */
export function recoCommand(): Command {
  const command = new Command("reco")
    .description("Fit, or evaluate, an event's likelihood for one direction.")
    .argument("<event>", "alert: .json, .pkl or .i3, packed or not; -: standard input")
    .addOption(
      new Option("-a, --reco-algo <name>", `one of ${recoNames.join(", ")}`).makeOptionMandatory(),
    )
    .option("--nside <n>", "pixel: HEALPix nside", integerFrom(1))
    .option(
      "--pixel <index>",
      "pixel: RING index; its seed is made as a scan makes it",
      integerFrom(0),
    )
    .option("--posvar <k>", "which of the algorithm's seed variations (default: 0)", integerFrom(0))
    .option(
      "--from <result>",
      "seed the pixel as a scan does, from the fit of the finest coarser pixel around it (default: from the first guess, as the first nside's)",
    )
    .option("--jsonl", "read one hypothesis a line: x, y, z (m), time (ns), zenith, azimuth (rad)")
    .option("--hypotheses <file.npy>", "take the hypotheses from the rows of a numpy array")
    .option("--json", "with --nside and --pixel: also list the energy losses along the track")
    .option(
      "--doms",
      "also list what each DOM says: first pulse, residual, expected and seen light, share of llh, why excluded",
    )
    .option("--evaluate", "only evaluate the likelihood at the hypothesis")
    .option("--exact", "with --evaluate: the reference's likelihood and rounding, however slow")
    .option("--photon-tables <dir>", "photospline tables (default: standard places, else embedded)")
    .option("--gcd-dir <dir>", "baseline GCD files (default: built-in detector)")
    .option(
      "--relative-uncertainty",
      "millipede_wilks: fits minimise the likelihood in which every expectation is uncertain by 100 %",
    )
    .option("--seed <n>", "seed of the dummies' random numbers", integerFrom(0));
  return addLightFlags(command)
    .addHelpText(
      "after",
      `
Hypotheses may also have "energy" (GeV, splinempe), "spacing" (m, millipede) and
"fallback" {x, y, z, time}, a second first guess. Output: one line of JSON each.
A result file holds no energy: a seed --from it takes the vertex and the time alone.
An array of hypotheses is N × 6: x, y, z, time, zenith, azimuth; or N × 7, with the
energy for splinempe, the spacing for millipede (NaN where there is none).

Example:
  echo '{"x":0,"y":0,"z":0,"time":10000,"zenith":1.5,"azimuth":0.7}' |
    skyscan reco alert.json --reco-algo splinempe --jsonl`,
    )
    .action(run);
}

async function run(path: string, flags: Flags): Promise<void> {
  const reco = findReco(flags.relativeUncertainty ? widenedName(flags.recoAlgo) : flags.recoAlgo);
  const pixel = pixelOf(flags, reco);
  const choice = await lightChoice(flags);
  const event = withoutDoms(await loadEvent(path), choice.badDoms);
  const detector = chosenDetector(await detectorOf(event, flags.gcdDir), choice);
  const { photonTables } = flags;
  const light =
    reco.light &&
    openLight({
      reco: reco.light,
      ...(photonTables ? { photonTables } : {}),
      singlePrecision: (flags.evaluate && flags.exact) ?? false,
      choice,
    });
  let fitter: Fitter | undefined;
  try {
    const prepared = reco.prepare(event, detector, light);
    const { energy } = prepared;
    if (energy)
      consola.info(`energy estimate ${energy.value.toPrecision(4)} GeV: ${energy.source}`);
    consola.info(`detector: ${detector.source}`);
    if (light) consola.info(`light: ${light.description}`);
    fitter = reco.open(prepared, light, {
      ...(flags.seed === undefined ? {} : { seed: flags.seed }),
    });
    const withDoms = (seed: Seed, found: Answer): object => {
      const { losses, ...rest } = found;
      if (!flags.doms || Number.isNaN(found.llh)) return flags.json ? found : rest;
      // What is evaluated is the seed itself; a fit moves its vertex.
      const fit = { energy: energy?.value ?? Number.NaN, ...seed, ...found };
      const doms = domReports(reco, prepared, light, basePulses(event), fit);
      return { ...(flags.json ? found : rest), doms };
    };
    if (pixel) {
      const centre = pixelCentre(pixel.nside, pixel.pixel);
      const direction = toDetector(centre.ra, centre.dec, momentAt(event.metadata.mjd));
      const parent = flags.from === undefined ? undefined : await coarserFit(flags.from, pixel);
      const seed = pixelSeed(prepared, reco.seeds, direction, pixel.posvar, parent);
      await writeJsonLine(withDoms(seed, await answer(fitter, seed, flags, {}, pixel)));
      return;
    }
    const { hypotheses } = flags;
    const lines =
      hypotheses === undefined ? readJsonLines(hypothesis) : await readHypotheses(hypotheses, reco);
    for await (const line of lines) {
      const { energy, spacing, fallback, ...track } = line;
      const given = energy === undefined ? {} : { energy };
      const seed: Seed = { ...track, ...given, ...(fallback ? { fallback } : {}) };
      const options = { ...given, ...(spacing === undefined ? {} : { spacing }) };
      await writeJsonLine(withDoms(seed, await answer(fitter, seed, flags, options)));
    }
  } finally {
    fitter?.close();
    light?.close();
  }
}

/** The hypotheses of an array's rows. Throws InputError naming file and row. */
async function readHypotheses(file: string, reco: Reco): Promise<HypothesisLine[]> {
  const seventh = reco.name.startsWith("millipede") ? "spacing" : "energy";
  const rows = await readNumberTable(file, [6, 7]);
  return rows.map(([x, y, z, time, zenith, azimuth, last], row) => {
    const given = last === undefined || Number.isNaN(last) ? {} : { [seventh]: last };
    const found = v.safeParse(hypothesis, { x, y, z, time, zenith, azimuth, ...given });
    if (found.success) return found.output;
    const [{ path, message }] = found.issues;
    throw new InputError(`${file}: row ${row + 1}: ${path?.[0]?.key}: ${message}`);
  });
}

/** What is printed; the losses only where they are asked for. */
type Answer = Partial<Fit> & Pick<Fit, "llh"> & { readonly seconds?: number };

/** One line of output: the likelihood at `seed`, or the fit from there. */
async function answer(
  fitter: Fitter,
  seed: Seed,
  flags: Flags,
  options: { energy?: number; spacing?: number },
  task?: FitTask,
): Promise<Answer> {
  if (flags.evaluate) return fitter.evaluate(seed, { ...options, exact: flags.exact ?? false });
  const start = performance.now();
  const fit = await fitter.fit(seed, task);
  const seconds = (performance.now() - start) / 1000;
  const { evaluations, reason } = fit;
  return {
    ...fitValues((name) => fit[name]),
    evaluations,
    seconds,
    ...(reason === undefined ? {} : { reason }),
    losses: (fit.losses ?? []).filter((loss) => loss.energy > 0),
  };
}

/** The pixel asked for; undefined with --jsonl or --hypotheses. Throws InputError for anything else. */
function pixelOf(flags: Flags, reco: Reco): FitTask | undefined {
  const { nside, pixel, posvar = 0 } = flags;
  if (flags.exact && !flags.evaluate)
    throw new InputError("--exact goes with --evaluate: fits never use the reference's rounding");
  const isListed = flags.jsonl || flags.hypotheses !== undefined;
  if (flags.json && (isListed || flags.evaluate))
    throw new InputError(
      "--json goes with --nside and --pixel, not with --jsonl, --hypotheses or --evaluate",
    );
  if (isListed) {
    if (flags.jsonl && flags.hypotheses !== undefined)
      throw new InputError("--jsonl and --hypotheses exclude each other");
    if (nside !== undefined || pixel !== undefined)
      throw new InputError("--jsonl or --hypotheses and --nside/--pixel exclude each other");
    if (flags.posvar !== undefined || flags.from !== undefined)
      throw new InputError("--posvar and --from go with --nside and --pixel");
    return undefined;
  }
  if (nside === undefined || pixel === undefined)
    throw new InputError("expected --jsonl, --hypotheses, or both --nside and --pixel");
  if (!isNside(nside)) throw new InputError(`--nside ${nside}: expected a power of two`);
  if (pixel < 0 || pixel >= npix(nside))
    throw new InputError(`--pixel ${pixel}: nside ${nside} has pixels 0 to ${npix(nside) - 1}`);
  const last = reco.seeds.variations.length - 1;
  if (posvar < 0 || posvar > last)
    throw new InputError(`--posvar ${posvar}: ${reco.name} has seed variations 0 to ${last}`);
  return { nside, pixel, posvar };
}

/** The fit a scan with this result would seed a pixel from. Throws InputError where the result has none around it. */
async function coarserFit(file: string, { nside, pixel }: FitTask): Promise<PixelResult> {
  const { nsides } = await readResult(file);
  const coarser = [...nsides.keys()].filter((n) => n < nside).sort((a, b) => b - a);
  for (const coarse of coarser) {
    const parent = parentOf(nside, pixel, coarse);
    const fit = nsides.get(coarse)!.find((one) => one.pixel === parent);
    if (fit) return fit;
  }
  throw new InputError(`--from ${file}: no coarser pixel around pixel ${pixel} of nside ${nside}`);
}
