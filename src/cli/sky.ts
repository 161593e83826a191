import { Command, Option } from "commander";
import * as v from "valibot";
import { InputError } from "../config/errors.ts";
import { print } from "../config/print.ts";
import { type Moment, momentAt, toDetector, toEquatorial } from "../native/sky.ts";
import { readResult } from "../result/files.ts";
import { choosePixels } from "../sky/choose.ts";
import { DEFAULT_PROGRESSION, formatProgression, parseProgression } from "../sky/progression.ts";
import { readJsonLines, writeJsonLine } from "./jsonl.ts";
import { nsidesOf } from "./nsides.ts";

/** Any date within some two thousand years. */
const mjd = v.pipe(v.number(), v.minValue(-999_999), v.maxValue(999_999));
const localLine = v.object({ zenith: v.number(), azimuth: v.number(), mjd });
const equatorialLine = v.object({ ra: v.number(), dec: v.number(), mjd });

interface RefineFlags {
  readonly nsides?: readonly string[];
  /** true: the flag without a number. */
  readonly use?: readonly string[] | true;
  readonly json: boolean;
}

/** Lines of one event name one time: a moment costs as much as some hundred lines, so the last one is kept. */
const momentOrNew = (last: Moment | undefined, mjd: number): Moment =>
  last?.mjd === mjd ? last : momentAt(mjd);

/** `skyscan sky`: directions, and the pixels a scan would choose. */
export function skyCommand(): Command {
  const sky = new Command("sky").description("Convert directions; ask which pixels come next.");

  sky
    .command("to-equatorial")
    .description(
      'Detector directions to the sky (J2000), radians: lines {"zenith":,"azimuth":,"mjd":} become {"ra":,"dec":,"mjd":}. zenith and azimuth say where the particle comes from; mjd is UTC.',
    )
    .requiredOption("--jsonl", "read and write one JSON object a line")
    .addHelpText(
      "after",
      `\nExample:\n  echo '{"zenith":1.5,"azimuth":0.3,"mjd":60280.71}' | skyscan sky to-equatorial --jsonl`,
    )
    .action(async () => {
      let moment: Moment | undefined;
      for await (const { zenith, azimuth, mjd } of readJsonLines(localLine)) {
        moment = momentOrNew(moment, mjd);
        await writeJsonLine({ ...toEquatorial(zenith, azimuth, moment), mjd });
      }
    });

  sky
    .command("to-detector")
    .description("The inverse of to-equatorial.")
    .requiredOption("--jsonl", "read and write one JSON object a line")
    .addHelpText(
      "after",
      `\nExample:\n  echo '{"ra":2.4,"dec":0.1,"mjd":60280.71}' | skyscan sky to-detector --jsonl`,
    )
    .action(async () => {
      let moment: Moment | undefined;
      for await (const { ra, dec, mjd } of readJsonLines(equatorialLine)) {
        moment = momentOrNew(moment, mjd);
        await writeJsonLine({ ...toDetector(ra, dec, moment), mjd });
      }
    });

  sky
    .command("refine")
    .description(
      "The pixels (RING order) a scan would want next, given the results so far; those it has are included.",
    )
    .argument("<result>", "result, .npz or .json")
    .addOption(
      nsidesOf(new Option("--nsides <nside:extension...>", "the scan's progression")).default(
        undefined,
        formatProgression(DEFAULT_PROGRESSION),
      ),
    )
    .option("--use [nside...]", "pretend the result has these nsides only (default: all it has)")
    .option("--json", 'machine-readable: {"64":[…],"512":[…]}, sorted', false)
    .addHelpText(
      "after",
      "\nExample:\n  skyscan sky refine map.npz --nsides 8:0 64:12 512:24 --use 8 64 --json",
    )
    .action(async (file: string, flags: RefineFlags) => {
      const progression = flags.nsides ? parseProgression(flags.nsides) : DEFAULT_PROGRESSION;
      const { nsides } = await readResult(file);
      const used = flags.use === true ? [] : (flags.use?.map(Number) ?? [...nsides.keys()]);
      const map = new Map(
        used.map((nside) => {
          const pixels = nsides.get(nside);
          if (!pixels)
            throw new InputError(
              `--use ${nside}: ${file} has no such nside, only ${[...nsides.keys()].join(", ")}`,
            );
          return [nside, new Map(pixels.map((fit) => [fit.pixel, fit]))] as const;
        }),
      );
      const chosen = choosePixels(map, progression);
      if (flags.json) print(`${JSON.stringify(Object.fromEntries(chosen))}\n`);
      else if (chosen.size === 0) print("none\n");
      else
        for (const [nside, pixels] of chosen) {
          const fresh = pixels.filter((pixel) => !map.get(nside)?.has(pixel)).length;
          print(`nside ${nside}: ${pixels.length} pixels, ${fresh} of them new\n`);
        }
    });
  return sky;
}
