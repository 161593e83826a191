import { Command } from "commander";
import { InputError } from "../config/errors.ts";
import { print } from "../config/print.ts";
import { eventJson } from "../event/json.ts";
import { loadContents, loadEvent } from "../event/load.ts";
import { eventTable } from "../event/table.ts";
import { inContext } from "../i3/context.ts";
import { preparedJson } from "../reco/prepared_json.ts";
import { preparedTable } from "../reco/prepared_table.ts";
import { recoNames } from "../reco/registry.ts";
import { prepareFor } from "./prepare.ts";

interface Flags {
  readonly json: boolean;
  readonly prepare?: string;
  readonly gcdDir?: string;
}

/** `skyscan event FILE`: what is in an alert. */
export function eventCommand(): Command {
  return new Command("event")
    .description("Show what is in an alert or .i3 file: metadata, frames, pulses, reconstructions.")
    .argument("<file>", "alert (.json, .pkl) or I3 frames (.i3), packed or not; -: standard input")
    .option("--json", "everything, as one JSON document", false)
    .option("--prepare <algorithm>", `also what a fit would start from: ${recoNames.join(", ")}`)
    .option("--gcd-dir <dir>", "for --prepare: baseline GCD files (default: built-in detector)")
    .addHelpText("after", "\nExample:\n  skyscan event alert.json --json > alert.decoded.json")
    .action(async (file: string, { json, prepare, gcdDir }: Flags) => {
      if (gcdDir !== undefined && prepare === undefined)
        throw new InputError("--gcd-dir goes with --prepare");
      const event = await (prepare ? loadEvent(file) : loadContents(file));
      const prepared = prepare && "metadata" in event && (await prepareFor(event, prepare, gcdDir));
      const text = inContext(file, () => {
        if (json) {
          const extra = prepared ? { prepared: preparedJson(prepared) } : {};
          return `${JSON.stringify({ ...eventJson(event), ...extra })}\n`;
        }
        return eventTable(event) + (prepared ? `\n${preparedTable(prepare, prepared)}` : "");
      });
      print(text);
    });
}
