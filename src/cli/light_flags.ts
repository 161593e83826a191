import { readFile } from "node:fs/promises";
import { type Command, InvalidArgumentError } from "commander";
import { InputError } from "../config/errors.ts";
import { HOLE_ICE } from "../detector/acceptance.ts";
import { type IceScale, parseIce } from "../detector/ice.ts";
import { domName, parseDomName } from "../i3/omkey.ts";
import { type LightChoice, type LightName, lightNames, NEWEST_EMBEDDED } from "../light/choice.ts";
import { flag, numberFrom } from "./flags.ts";

/** The flags with which light and detector are chosen. */
export interface LightFlags {
  readonly light?: LightName;
  readonly ice?: string;
  readonly iceScale?: IceScale;
  readonly holeIce?: number;
  readonly domEfficiency?: number;
  readonly badDoms?: string;
}

/** Adds them. */
export function addLightFlags(command: Command): Command {
  return command
    .addOption(
      flag(
        "--light <name>",
        `which light model: ${lightNames.join(", ")}; "embedded" is ${NEWEST_EMBEDDED} (default: photon tables where found, else that)`,
      ).argParser(lightName),
    )
    .addOption(
      flag(
        "--ice <file.tsv>",
        "the embedded model's ice, as data/spice-mie.tsv (default: SPICE-Mie)",
      ),
    )
    .addOption(
      flag("--ice-scale <factors>", "scattering=S,absorption=A: factors on the ice").argParser(
        iceScale,
      ),
    )
    .addOption(
      flag(
        "--hole-ice <name|p>",
        "the embedded model's hole ice: h2-50cm (default), nominal (none), or a number from 0 (h2-50cm) to 1 (nominal)",
      ).argParser(holeIce),
    )
    .addOption(
      flag("--dom-efficiency <x>", "factor on every DOM's efficiency").argParser(
        numberFrom(0.01, "", 100),
      ),
    )
    .addOption(
      flag("--bad-doms <file>", "DOMs to leave out besides the event's own: a line string,om each"),
    );
}

/** What these flags choose. Throws InputError naming the file that cannot be read. */
export async function lightChoice(flags: LightFlags): Promise<LightChoice> {
  const { light, ice, iceScale: scale, holeIce: hole, domEfficiency, badDoms } = flags;
  return {
    ...(light !== undefined && { light }),
    ...(ice !== undefined && { ice: parseIce(await textOf(ice), ice) }),
    ...(scale !== undefined && { iceScale: scale }),
    ...(hole !== undefined && { holeIce: hole }),
    ...(domEfficiency !== undefined && { domEfficiency }),
    ...(badDoms !== undefined && { badDoms: domList(await textOf(badDoms), badDoms) }),
  };
}

const textOf = (path: string): Promise<string> =>
  readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw new InputError(`${path}: cannot be read (${cause.code})`, { cause });
  });

function lightName(text: string): LightName {
  const wanted = text === "embedded" ? NEWEST_EMBEDDED : text;
  const known = lightNames.find((name) => name === wanted);
  if (known) return known;
  throw new InvalidArgumentError(`Expected embedded, ${lightNames.join(", ")}, not "${text}".`);
}

function iceScale(text: string): IceScale {
  const scale = { scattering: 1, absorption: 1 };
  for (const part of text.split(",")) {
    const match = /^(scattering|absorption)=(\S+)$/.exec(part.trim());
    const factor = Number(match?.[2]);
    if (!match || !(factor >= 0.1 && factor <= 10))
      throw new InvalidArgumentError(
        `Expected scattering=S,absorption=A, factors from 0.1 to 10, not "${text}".`,
      );
    scale[match[1] as keyof IceScale] = factor;
  }
  return scale;
}

function holeIce(text: string): number {
  const named = HOLE_ICE[text as keyof typeof HOLE_ICE];
  const share = named ?? (text.trim() === "" ? Number.NaN : Number(text));
  if (share >= 0 && share <= 1) return share;
  throw new InvalidArgumentError(
    `Expected ${Object.keys(HOLE_ICE).join(", ")} or a number from 0 to 1, not "${text}".`,
  );
}

/** DOMs, a line "string,om" (or string and om with a space or tab between) each; # begins a comment. */
function domList(text: string, path: string): string[] {
  const doms: string[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const words = line.replace(/#.*/, "").trim();
    if (words === "") continue;
    try {
      doms.push(domName(parseDomName(words.replace(/[\s,]+/, ","))));
    } catch {
      throw new InputError(`${path}: line ${index + 1}: expected string,om, not "${words}"`);
    }
  }
  return doms;
}
