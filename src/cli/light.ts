import { Command } from "commander";
import { consola } from "consola";
import * as v from "valibot";
import { InputError } from "../config/errors.ts";
import { cascadeExpectation, muonExpectationAt } from "../light/expectation.ts";
import { openLight } from "../light/light.ts";
import type { LightModel, LightPurpose } from "../native/light.ts";
import { numberFrom } from "./flags.ts";
import { readJsonLines, writeJsonLine } from "./jsonl.ts";
import { addLightFlags, type LightFlags, lightChoice } from "./light_flags.ts";

const finite = v.pipe(v.number(), v.finite());
const share = v.pipe(v.number(), v.gtValue(0), v.ltValue(1));
const question = v.strictObject({
  source: v.picklist(["cascade", "muon"]),
  ...{ x: finite, y: finite, z: finite, zenith: finite, azimuth: finite },
  energy: v.optional(v.pipe(v.number(), v.finite(), v.minValue(0)), 1),
  dom: v.strictTuple([finite, finite, finite]),
  quantiles: v.optional(v.array(share), []),
});
type Question = v.InferOutput<typeof question>;

interface Flags extends LightFlags {
  readonly jsonl?: true;
  readonly jitter: number;
  readonly photonTables?: string;
}

/** As little of the DOM's own smearing as the models allow, ns: the light itself is asked for. */
const NO_JITTER = 1;

/** `skyscan light`: what light the model gives at a DOM. */
export function lightCommand(): Command {
  const command = new Command("light")
    .description("Say how much light a cascade or a muon leaves at a DOM, and when.")
    .option("--jsonl", "read one source and DOM a line")
    .option(
      "--jitter <ns>",
      "σ of the time resolution that is in the embedded model's times: by default next to none, as light arrives; fits have 5, with embedded-2026a 15",
      numberFrom(NO_JITTER, "ns", 1000),
      NO_JITTER,
    )
    .option(
      "--photon-tables <dir>",
      "photospline tables (default: standard places, else embedded)",
    );
  return addLightFlags(command)
    .addHelpText(
      "after",
      `
A line of input: {"source": "cascade" or "muon", "x", "y", "z" (m), "zenith", "azimuth" (rad, where it comes from),
"energy" (GeV, of a cascade; default 1), "dom": [x, y, z], "quantiles": [0.1, 0.5, …]}. A muon is bare and infinite,
through x, y, z. A line of output: {"amplitude": PE at a DOM of efficiency 1, "times": [ns, …]}: before which that share
of the light comes, after the geometric time (cascade: r·n_g/c; muon: direct Cherenkov light); null: never.

Example:
  echo '{"source":"cascade","x":0,"y":0,"z":150,"zenith":1.57,"azimuth":3.14,"dom":[50,0,150],"quantiles":[0.5]}' |
    skyscan light --jsonl`,
    )
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  if (!flags.jsonl) throw new InputError("light: expected --jsonl, and the questions as its input");
  const { jitter, photonTables } = flags;
  const choice = await lightChoice(flags);
  const efficiency = choice.domEfficiency ?? 1;
  const models = new Map<LightPurpose, LightModel>();
  const modelOf = (purpose: LightPurpose): LightModel => {
    const known = models.get(purpose);
    if (known) return known;
    const tables = { ...(photonTables !== undefined && { photonTables }) };
    const model = openLight({ reco: purpose, ...tables, choice, jitter });
    consola.info(`light: ${model.description}`);
    models.set(purpose, model);
    return model;
  };
  try {
    for await (const line of readJsonLines(question)) {
      const { amplitude, times } = answer(modelOf(line.source), line);
      await writeJsonLine({ amplitude: amplitude * efficiency, times });
    }
  } finally {
    for (const model of models.values()) model.close();
  }
}

function answer(light: LightModel, { source, dom, quantiles, energy, ...place }: Question) {
  const hypothesis = { ...place, time: 0 };
  if (source === "muon") return muonExpectationAt(light, hypothesis, dom, quantiles);
  return cascadeExpectation(light, hypothesis, energy, dom, quantiles);
}
