import { Command } from "commander";
import { print } from "../config/print.ts";
import { catchSignals } from "../config/signals.ts";
import { watchStatus } from "../server/status.ts";
import { addBrokerFlags, type BrokerFlags, brokerOf } from "./broker_flags.ts";
import { flag, seconds } from "./flags.ts";

interface Flags extends BrokerFlags {
  mqBasename: string;
  json?: boolean;
  follow?: boolean;
  timeout: number;
}

/** Shows how a scan stands, from what the broker retains. */
export function statusCommand(): Command {
  return addBrokerFlags(
    new Command("status")
      .description("Show a running scan: stages, rates, clients, time left.")
      .addOption(
        flag("--mq-basename <name>", "the scan's name on the broker").makeOptionMandatory(),
      ),
  )
    .option("--follow", "keep showing until the scan is over")
    .option("--json", "the progress message itself, one line each")
    .option("--timeout <s>", "how long to wait for an answer, s", seconds, 10)
    .addHelpText(
      "after",
      `
Example:
  skyscan status --broker broker.example.org --mq-basename $(cat startup/mq-basename.txt) --follow`,
    )
    .action(async (flags: Flags, command: Command) => {
      const broker = brokerOf(flags, command);
      await watchStatus({
        broker,
        basename: flags.mqBasename,
        follow: flags.follow ?? false,
        json: flags.json ?? false,
        timeout: flags.timeout,
        stop: catchSignals().stop,
        write: (line) => print(`${line}\n`),
      });
    });
}
