import type { Command } from "commander";
import { InputError } from "../config/errors.ts";
import { type BrokerAddress, parseAddress } from "../mq/address.ts";
import { flag } from "./flags.ts";
import { tokenFileMeaning, tokenOf } from "./token.ts";

/** What all who talk to a broker have in common. */
export interface BrokerFlags {
  broker: string;
  authToken?: string;
  authTokenFile?: string;
  caFile?: string;
}

/** Adds those flags. @param isOptional the command knows something to do without a broker */
export const addBrokerFlags = (command: Command, isOptional = false): Command =>
  command
    .addOption(
      flag("-b, --broker <url>", "mqtt, mqtts, ws or wss URL, or host[:port]").makeOptionMandatory(
        !isOptional,
      ),
    )
    .addOption(
      flag(
        "-a, --auth-token <token>",
        "MQTT password (better: --auth-token-file or SKYSCAN_AUTH_TOKEN)",
      ),
    )
    .addOption(flag("--auth-token-file <file>", tokenFileMeaning))
    .addOption(flag("--ca-file <pem>", "certificate of a private TLS authority"));

/** The broker as the flags of this command say. Throws InputError naming what is wrong. */
export function brokerOf(
  { broker, caFile }: Partial<BrokerFlags>,
  command: Command,
): BrokerAddress {
  if (broker === undefined) throw new InputError("--broker is needed");
  const authToken = tokenOf(command);
  return parseAddress(broker, {
    ...(authToken !== undefined && { authToken }),
    ...(caFile !== undefined && { caFile }),
  });
}
