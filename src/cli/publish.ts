/** Subcommands of `skyscan result` that make of a map what others take: maps, contours, notices, lists of sources. */

import { type Command, InvalidArgumentError, Option } from "commander";
import { InputError } from "../config/errors.ts";
import { print } from "../config/print.ts";
import { degreesPerRadian } from "../geometry/constants.ts";
import { type FormatName, publisher } from "../publish/formats.ts";
import { alertTypes, type NoticeOptions } from "../publish/notice.ts";
import { type SourceFound, type SourcesFound, sourcesFound } from "../publish/sources.ts";
import { readResult, writeAtomically, writeResult } from "../result/files.ts";
import { unpacked } from "../result/fits.ts";
import { hpdLevels } from "../result/levels.ts";
import { localise } from "../result/localisation.ts";
import { lookUp } from "../result/look_up.ts";
import { combined } from "../result/overlap.ts";
import { integerFrom } from "./flags.ts";
import { addLevelsFlags } from "./levels_flags.ts";
import { addPoleFlags } from "./pole_flags.ts";
import {
  addFactsFlags,
  addWideningFlags,
  directionOf,
  type MapFlags,
  mapOf,
} from "./publish_flags.ts";
import { addSourcesFlags, cataloguesOf, type SourcesFlags } from "./sources_flags.ts";

/** Adds them. */
export function addPublishing(result: Command): void {
  convertCommand(result);
  contoursCommand(result);
  atCommand(result);
  statsCommand(result);
  combineCommand(result);
  flattenCommand(result);
  sourcesCommand(result);
  noticeCommand(result);
  circularCommand(result);
}

/** Which FITS map a file's name asks for; undefined: none. */
function mapFormat(path: string, what: "probability" | "llh"): FormatName | undefined {
  if (!/\.fits(\.gz)?$/.test(path)) return undefined;
  const isMultiOrder = /[._]multiorder\.fits(\.gz)?$/.test(path);
  if (what === "llh") return isMultiOrder ? "llh.multiorder.fits" : "llh.fits";
  return isMultiOrder ? "multiorder.fits" : "flat.fits";
}

/** A packed file's content, unless its name asks for the packed one. */
const packedAs = (path: string, content: string | Uint8Array): string | Uint8Array =>
  typeof content !== "string" && !path.endsWith(".gz") ? unpacked(content, path) : content;

function convertCommand(result: Command): void {
  addWideningFlags(
    addFactsFlags(
      result
        .command("convert")
        .description(
          "Convert a result: between .npz and .json nothing is lost; .fits[.gz] is a flat map of probability, .multiorder.fits[.gz] its density with every pixel at its own size.",
        )
        .argument("<in>", "result, .npz, .json or .fits")
        .argument("<out>", "file to write; its ending says the format")
        .addOption(
          new Option("--what <quantity>", "of a FITS map: probability, or 2Δllh")
            .choices(["probability", "llh"])
            .default("probability"),
        )
        .option("--url <url>", "a page about the event, for the header (REFERENC)"),
    ),
  )
    .addHelpText(
      "after",
      `
--calibration also widens the probability, to the calibrated 90 %. Without a date in SOURCE_DATE_EPOCH a FITS map has
that of the file it was made of: the same file gives the same bytes.

Examples:
  skyscan result convert map.npz map.json
  skyscan result convert map.npz IceCube-220624A_skymap_probdensity_multiorder.fits.gz --name IceCube-220624A --stream gold`,
    )
    .action(
      async (input: string, output: string, flags: MapFlags & { what: "probability" | "llh" }) => {
        const format = mapFormat(output, flags.what);
        if (format === undefined) {
          if (!/\.(npz|json)$/.test(output))
            throw new InputError(
              `${output}: a result file ends in .npz, .json, .fits[.gz] or .multiorder.fits[.gz]`,
            );
          const read = await readResult(input);
          if (read.isProbability)
            throw new InputError(`${input}: a probability map; the likelihood is lost in it`);
          await writeResult(output, read);
          return;
        }
        const { result: map, options } = await mapOf(input, flags);
        await writeAtomically(output, packedAs(output, publisher(map, options)(format)));
      },
    );
}

const contourFormats: Readonly<Record<string, FormatName>> = {
  ".moc.fits": "moc.fits",
  ".geojson": "contours.geojson",
  ".json": "contours.json",
  ".reg": "contours.reg",
  ".txt": "contour.txt",
};

function contoursCommand(result: Command): void {
  addLevelsFlags(
    addPoleFlags(
      result
        .command("contours")
        .description("Write a map's contours for other programs.")
        .argument("<file>", "result, .npz, .json or .fits")
        .requiredOption(
          "--out <file>",
          ".txt (skyreader's, rad, one file a level: NAME_50.txt, …), .json, .geojson, .reg (DS9), .moc.fits",
        )
        .option(
          "--percent <p>",
          "of a .txt or .moc.fits that is to have one (default: all; 90)",
          percent,
        ),
    ),
  )
    .addHelpText("after", "\nExample:\n  skyscan result contours map.npz --out map.geojson")
    .action(async (file: string, flags: MapFlags & { out: string; percent?: number }) => {
      const { out } = flags;
      const ending = Object.keys(contourFormats).find((name) => out.endsWith(name));
      if (ending === undefined)
        throw new InputError(`${out}: contours end in ${Object.keys(contourFormats).join(", ")}`);
      const { result: map, levels, options } = await mapOf(file, flags);
      const format = contourFormats[ending]!;
      if (format !== "contour.txt" || flags.percent !== undefined) {
        const one = flags.percent === undefined ? {} : { percent: flags.percent };
        await writeAtomically(out, publisher(map, { ...options, ...one })(format));
        print(`${out}\n`);
        return;
      }
      const render = publisher(map, options);
      const written = localise(map, levels).contours.map(({ percent }) => {
        const path = `${out.slice(0, -ending.length)}_${percent}${ending}`;
        return { path, content: render(format, percent) };
      });
      for (const { path, content } of written) await writeAtomically(path, content);
      print(written.map(({ path }) => `${path}\n`).join(""));
    });
}

function percent(text: string): number {
  const value = Number(text);
  if (value > 0 && value < 100) return value;
  throw new InvalidArgumentError(`Expected a share between 0 and 100 %, not "${text}".`);
}

/** A line a value, for the terminal. */
const lines = (values: object): string =>
  Object.entries(values)
    .map(([name, value]) => `${name.padEnd(22)}${value ?? "none"}\n`)
    .join("");

function atCommand(result: Command): void {
  addLevelsFlags(
    addPoleFlags(
      result
        .command("at")
        .description("Say what a map has at a direction: llh, 2Δllh, credible level, pixel.")
        .argument("<ra>", "degrees, 0 to 360")
        .argument("<dec>", "degrees, -90 to 90")
        .argument("<file>", "result, .npz, .json or .fits")
        .option("--json", "machine-readable", false),
    ),
  )
    .addHelpText("after", "\nExample:\n  skyscan result at 224.12 -41.31 map.npz")
    .action(async (ra: string, dec: string, file: string, flags: MapFlags & { json: boolean }) => {
      const direction = directionOf(ra, dec);
      const { result: map, levels } = await mapOf(file, flags);
      const found = lookUp(localise(map, levels), direction);
      print(flags.json ? `${JSON.stringify(found)}\n` : lines(found));
    });
}

function statsCommand(result: Command): void {
  addPoleFlags(
    result
      .command("stats")
      .description(
        "Say how much of a map must be searched to find the true direction: area and probability of all that is denser.",
      )
      .argument("<file>", "result, .npz, .json or .fits")
      .requiredOption("--true <ra,dec>", "where the event came from, degrees")
      .option("--json", "machine-readable", false),
  )
    .addHelpText("after", "\nExample:\n  skyscan result stats map.npz --true 224.3,-41.2")
    .action(async (file: string, flags: MapFlags & { true: string; json: boolean }) => {
      const [ra, dec, ...rest] = flags.true.split(",");
      if (dec === undefined || rest.length > 0)
        throw new InputError(`--true ${flags.true.slice(0, 60)}: expected RA,DEC in degrees`);
      const direction = directionOf(ra!, dec);
      const { result: map, levels } = await mapOf(file, flags);
      const { searched_area_sqdeg, searched_probability, distance_deg, twice_delta_llh } = lookUp(
        localise(map, levels),
        direction,
      );
      const found = { searched_area_sqdeg, searched_probability, distance_deg, twice_delta_llh };
      print(flags.json ? `${JSON.stringify(found)}\n` : lines(found));
    });
}

function combineCommand(result: Command): void {
  addFactsFlags(
    result
      .command("combine")
      .description(
        "Multiply two maps, as of two measurements of one source: neutrino × neutrino, neutrino × GW.",
      )
      .argument("<a>", "result, .npz, .json or .fits")
      .argument("<b>", "the other")
      .requiredOption("--out <file>", ".multiorder.fits[.gz] or .fits[.gz]"),
  )
    .addHelpText(
      "after",
      "\nExample:\n  skyscan result combine map.npz bayestar.multiorder.fits --out both.multiorder.fits.gz",
    )
    .action(async (a: string, b: string, flags: MapFlags & { out: string }) => {
      const format = mapFormat(flags.out, "probability");
      if (format === undefined)
        throw new InputError(
          `${flags.out}: a combined map ends in .multiorder.fits[.gz] or .fits[.gz]`,
        );
      const { result: first, options } = await mapOf(a, flags);
      const { product, overlap } = combined(first, await readResult(b));
      const levels = flags.levels === undefined ? hpdLevels : options.levels;
      const content = publisher(product, { ...options, ...(levels && { levels }) })(format);
      await writeAtomically(flags.out, packedAs(flags.out, content));
      print(`${flags.out}: overlap 4π∫ρρ'dΩ = ${overlap.toPrecision(6)}\n`);
    });
}

function flattenCommand(result: Command): void {
  addWideningFlags(
    addFactsFlags(
      result
        .command("flatten")
        .description("Write a map's probability as a flat FITS map, for tools that read no other.")
        .argument("<file>", "result, .npz, .json or .fits")
        .requiredOption("--out <file>", ".fits or .fits.gz"),
    ),
  )
    .addHelpText(
      "after",
      "\nExample:\n  skyscan result flatten map.multiorder.fits.gz --out flat.fits.gz --nside 256",
    )
    .action(async (file: string, flags: MapFlags & { out: string }) => {
      if (mapFormat(flags.out, "probability") !== "flat.fits")
        throw new InputError(`${flags.out}: a flat map ends in .fits or .fits.gz`);
      const { result: map, options } = await mapOf(file, flags);
      await writeAtomically(flags.out, packedAs(flags.out, publisher(map, options)("flat.fits")));
      print(`${flags.out}\n`);
    });
}

function sourcesCommand(result: Command): void {
  addSourcesFlags(
    addLevelsFlags(
      addPoleFlags(
        result
          .command("sources")
          .description(
            "List the sources of catalogues that lie in a map's contours, and the nearest outside.",
          )
          .argument("<file>", "result, .npz, .json or .fits")
          .option("--json", "machine-readable", false),
      ),
    ),
  )
    .addHelpText("after", "\nExample:\n  skyscan result sources map.npz --sources gll_psc_v35.fit")
    .action(async (file: string, flags: MapFlags & SourcesFlags & { json: boolean }) => {
      if (!flags.sources?.length) throw new InputError("--sources is needed: a catalogue");
      const catalogues = await cataloguesOf(flags);
      const { result: map, levels } = await mapOf(file, flags);
      const found = localise(map, levels);
      const all = catalogues.map((catalogue) => sourcesFound(found, catalogue));
      if (flags.json) print(`${JSON.stringify(all.map(sourcesJson))}\n`);
      else print(all.map(sourcesText).join(""));
    });
}

const sourceJson = ({ source, distance, percent }: SourceFound) => ({
  name: source.name,
  ra_deg: source.ra * degreesPerRadian,
  dec_deg: source.dec * degreesPerRadian,
  distance_deg: distance * degreesPerRadian,
  inside_percent: Number.isFinite(percent) ? percent : null,
});

const sourcesJson = ({ catalogue, inside, nearest }: SourcesFound) => ({
  catalogue,
  inside: inside.map(sourceJson),
  nearest_outside: nearest ? sourceJson(nearest) : null,
});

function sourcesText({ catalogue, inside, nearest }: SourcesFound): string {
  const line = (where: string, { source, distance }: SourceFound) =>
    `${where.padEnd(16)}${source.name.padEnd(24)} RA ${(source.ra * degreesPerRadian).toFixed(3)}° Dec ${(source.dec * degreesPerRadian).toFixed(3)}°, ${(distance * degreesPerRadian).toFixed(2)}° away\n`;
  const found = inside.map((one) => line(`inside ${one.percent} %`, one)).join("");
  return `${catalogue}:\n${found || "inside          none\n"}${nearest ? line("nearest outside", nearest) : ""}`;
}

interface NoticeFlags {
  readonly out?: string;
  readonly revision: number;
  readonly alertType?: NoticeOptions["alertType"];
  readonly test: boolean;
  readonly ellipse: boolean;
  readonly healpixUrl?: string;
  readonly embed: boolean;
  readonly nuEnergy?: number;
  readonly pAstro?: number;
}

function noticeCommand(result: Command): void {
  addFactsFlags(
    result
      .command("notice")
      .description("Write the GCN notice of a map, after GCN's schema. Nothing is sent.")
      .argument("<file>", "result, .npz, .json or .fits")
      .option("--revision <n>", "0 before a scan, then 1, 2, …", integerFrom(0), 1)
      .addOption(new Option("--alert-type <type>", "default: initial, update").choices(alertTypes))
      .option("--test", "marks it as a test", false)
      .option("--ellipse", "the error as an ellipse: axes and position angle", false)
      .addOption(
        new Option("--healpix-url <url>", "where the multi-order map can be had").conflicts(
          "embed",
        ),
      )
      .option("--embed", "put the multi-order map itself into the notice", false)
      .option("--nu-energy <TeV>", "as --energy", Number)
      .option("--p-astro <p>", "as --signalness", Number)
      .option("--out <file>", "default: standard output"),
    "Hz",
  )
    .addHelpText(
      "after",
      "\nExample:\n  skyscan result notice map.npz --stream gold --name IceCube-220624A --far-per-year 0.17 --out notice.json",
    )
    .action(async (file: string, flags: MapFlags & NoticeFlags) => {
      const energy = flags.energy ?? flags.nuEnergy;
      const signalness = flags.signalness ?? flags.pAstro;
      const given = {
        ...flags,
        ...(energy !== undefined && { energy }),
        ...(signalness !== undefined && { signalness }),
      };
      const { result: map, options } = await mapOf(file, given, "Hz");
      const { made } = options.facts!;
      // A map that is embedded is the map that is linked.
      const embedded = flags.embed ? publisher(map, options)("multiorder.fits") : undefined;
      const notice = {
        revision: flags.revision,
        isTest: flags.test,
        asEllipse: flags.ellipse,
        now: process.env.SOURCE_DATE_EPOCH ? made! : new Date(),
        ...(flags.alertType !== undefined && { alertType: flags.alertType }),
        ...(flags.healpixUrl !== undefined && { healpixUrl: flags.healpixUrl }),
        ...(typeof embedded === "object" && { healpixFile: embedded }),
      };
      await deliver(flags.out, publisher(map, { ...options, notice })("notice"));
    });
}

function circularCommand(result: Command): void {
  addSourcesFlags(
    addFactsFlags(
      result
        .command("circular")
        .description("Write the text of a GCN Circular about a map. Nothing is sent.")
        .argument("<file>", "result, .npz, .json or .fits")
        .option("--out <file>", "default: standard output"),
    ),
  )
    .addHelpText(
      "after",
      "\nExample:\n  skyscan result circular map.npz --stream gold --name IceCube-220624A --sources gll_psc_v35.fit",
    )
    .action(async (file: string, flags: MapFlags & SourcesFlags & { out?: string }) => {
      const [catalogue, ...more] = await cataloguesOf(flags);
      if (more.length > 0) throw new InputError("a circular tells of one catalogue: one --sources");
      const { result: map, levels, options } = await mapOf(file, flags);
      const sources = catalogue && sourcesFound(localise(map, levels), catalogue);
      const text = publisher(map, { ...options, ...(sources && { sources }) })("circular");
      await deliver(flags.out, text);
    });
}

async function deliver(out: string | undefined, content: string | Uint8Array): Promise<void> {
  if (out === undefined) print(String(content));
  else {
    await writeAtomically(out, content);
    print(`${out}\n`);
  }
}
