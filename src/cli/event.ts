import { Command } from "commander";
import { eventJson } from "../event/json.ts";
import { loadEvent } from "../event/load.ts";
import { eventTable } from "../event/table.ts";
import { inContext } from "../i3/context.ts";

/** `skyscan event FILE`: what is in an alert. */
export function eventCommand(): Command {
  return new Command("event")
    .description("Show what is in an alert or .i3 file: metadata, frames, pulses, reconstructions.")
    .argument("<file>", "alert (.json, .pkl) or I3 frames (.i3, also .gz, .bz2, .zst)")
    .option("--json", "everything, as one JSON document", false)
    .addHelpText("after", "\nExample:\n  skyscan event alert.json --json > alert.decoded.json")
    .action(async (file: string, options: { json: boolean }) => {
      const event = await loadEvent(file);
      const text = inContext(file, () =>
        options.json ? `${JSON.stringify(eventJson(event))}\n` : eventTable(event),
      );
      process.stdout.write(text);
    });
}
