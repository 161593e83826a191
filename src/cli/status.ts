import { Command } from "commander";
import { parseAddress } from "../mq/address.ts";
import { watchStatus } from "../server/status.ts";
import { flag, numberFrom } from "./flags.ts";

interface Flags {
  broker: string;
  mqBasename: string;
  authToken?: string;
  caFile?: string;
  json?: boolean;
  follow?: boolean;
  timeout: number;
}

/** Shows how a scan stands, from what the broker retains. */
export function statusCommand(): Command {
  return new Command("status")
    .description("Show a running scan: stages, rates, clients, time left.")
    .addOption(
      flag(
        "-b, --broker <url>",
        "mqtt, mqtts, ws or wss URL, or host[:port]",
      ).makeOptionMandatory(),
    )
    .addOption(flag("--mq-basename <name>", "the scan's name on the broker").makeOptionMandatory())
    .addOption(flag("-a, --auth-token <token>", "MQTT password (better: SKYSCAN_AUTH_TOKEN)"))
    .addOption(flag("--ca-file <pem>", "certificate of a private TLS authority"))
    .option("--follow", "keep showing until the scan is over")
    .option("--json", "the progress message itself, one line each")
    .option("--timeout <s>", "how long to wait for an answer, s", numberFrom(0.1, "seconds"), 10)
    .addHelpText(
      "after",
      `
Example:
  skyscan status --broker broker.example.org --mq-basename $(cat startup/mq-basename.txt) --follow`,
    )
    .action(async (flags: Flags) => {
      const broker = parseAddress(flags.broker, {
        ...(flags.authToken !== undefined && { authToken: flags.authToken }),
        ...(flags.caFile !== undefined && { caFile: flags.caFile }),
      });
      await watchStatus({
        broker,
        basename: flags.mqBasename,
        follow: flags.follow ?? false,
        json: flags.json ?? false,
        timeout: flags.timeout,
        write: (line) => process.stdout.write(`${line}\n`),
      });
    });
}
