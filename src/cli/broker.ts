import { Command } from "commander";
import { consola } from "consola";
import { Interrupted } from "../config/errors.ts";
import { catchSignals } from "../config/signals.ts";
import { startBroker } from "../mq/broker.ts";
import { flag, integerFrom } from "./flags.ts";
import { tokenFileMeaning, tokenOf } from "./token.ts";

interface Flags {
  host: string;
  port: number;
}

/** Runs the embedded broker alone. */
export function brokerCommand(): Command {
  return new Command("broker")
    .description("Run the built-in MQTT 3.1.1 broker, for servers and clients of scans only.")
    .addOption(flag("--port <n>", "TCP port; 0: any free one", 1883).argParser(integerFrom(0)))
    .addOption(
      flag(
        "--host <address>",
        "address to listen on; beyond this machine a token is needed",
        "127.0.0.1",
      ),
    )
    .addOption(
      flag(
        "-a, --auth-token <token>",
        "password clients must give (better: --auth-token-file or SKYSCAN_AUTH_TOKEN)",
      ),
    )
    .addOption(flag("--auth-token-file <file>", tokenFileMeaning))
    .addHelpText(
      "after",
      `
Prints its URL on stdout when it listens. It keeps nothing when it ends; servers and clients mend that.
Example:
  SKYSCAN_AUTH_TOKEN=secret skyscan broker --host 0.0.0.0`,
    )
    .action(async ({ host, port }: Flags, command: Command) => {
      const authToken = tokenOf(command);
      const { stop } = catchSignals();
      const broker = await startBroker({
        host,
        port,
        ...(authToken !== undefined && { authToken }),
      });
      process.stdout.write(`mqtt://${host.includes(":") ? `[${host}]` : host}:${broker.port}\n`);
      consola.info(authToken ? "a token is asked for" : "no token is asked for");
      await new Promise((resolve) => {
        stop.addEventListener("abort", resolve);
      });
      await broker.close();
      throw new Interrupted();
    });
}
