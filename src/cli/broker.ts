import { Command } from "commander";
import { consola } from "consola";
import { InputError, Interrupted } from "../config/errors.ts";
import { print } from "../config/print.ts";
import { catchSignals, unlessStopped } from "../config/signals.ts";
import { readPem } from "../mq/address.ts";
import { type Identity, startBroker } from "../mq/broker.ts";
import { flag, integerFrom } from "./flags.ts";
import { tokenFileMeaning, tokenOf } from "./token.ts";

interface Flags {
  host: string;
  port?: number;
  cert?: string;
  key?: string;
}

/** The largest TCP port. */
const lastPort = 65_535;
/** MQTT's registered ports, without and with TLS. */
const plainPort = 1883;
const securePort = 8883;

/** Runs the embedded broker alone. */
export function brokerCommand(): Command {
  return new Command("broker")
    .description("Run the built-in MQTT 3.1.1 broker, for servers and clients of scans only.")
    .addOption(
      flag(
        "--port <n>",
        `TCP port; 0: any free one (default: ${plainPort}, with --cert ${securePort})`,
      ).argParser(integerFrom(0, lastPort)),
    )
    .addOption(
      flag(
        "--host <address>",
        "address to listen on; beyond this machine a token of 16 characters or more is needed",
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
    .addOption(flag("--cert <pem>", "TLS: the broker's certificate, with those that vouch for it"))
    .addOption(flag("--key <pem>", "TLS: the certificate's private key"))
    .addHelpText(
      "after",
      `
Prints its URL on stdout when it listens. It keeps nothing when it ends; servers and clients mend that.
Without --cert and --key everything, the token too, travels in the clear.
Example:
  skyscan broker --host 0.0.0.0 --auth-token-file token.txt --cert broker.pem --key broker.key`,
    )
    .action(async (flags: Flags, command: Command) => {
      const { host } = flags;
      const identity = identityOf(flags);
      const port = flags.port ?? (identity ? securePort : plainPort);
      const authToken = tokenOf(command);
      const { stop } = catchSignals();
      const broker = await startBroker({
        host,
        port,
        ...(authToken !== undefined && { authToken }),
        ...(identity && { identity }),
      });
      const protocol = identity ? "mqtts" : "mqtt";
      print(`${protocol}://${host.includes(":") ? `[${host}]` : host}:${broker.port}\n`);
      consola.info(authToken ? "a token is asked for" : "no token is asked for");
      await unlessStopped(new Promise(() => {}), stop).catch(() => {});
      await broker.close();
      throw new Interrupted();
    });
}

/** The certificate and its key; undefined: no TLS. Throws InputError for one without the other, and for what is no PEM. */
export function identityOf({ cert, key }: Pick<Flags, "cert" | "key">): Identity | undefined {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined)
    throw new InputError("--cert and --key belong together");
  return { cert: readPem("--cert", cert), key: readPem("--key", key) };
}
