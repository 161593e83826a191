import { readFile } from "node:fs/promises";
import * as v from "valibot";
import { InputError } from "../config/errors.ts";
import { jsonOf } from "./messages.ts";

/** How to reach the two queues of a workflow: what SkyDriver leaves in the file of SKYSCAN_EWMS_JSON. */

const Profile = v.object({
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(255)),
  auth_token: v.optional(v.nullable(v.string()), ""),
  broker_type: v.string(),
  broker_address: v.pipe(v.string(), v.minLength(1)),
});
const Profiles = v.object({ toclient: Profile, fromclient: Profile });

/** One queue at an AMQP broker. */
export interface QueueProfile {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
  readonly vhost: string;
  readonly user: string;
  readonly password: string;
}

export interface QueuePair {
  readonly toClient: QueueProfile;
  readonly fromClient: QueueProfile;
}

/** IANA's ports of AMQP, and of AMQP over TLS. */
const plainPort = 5672;
const tlsPort = 5671;

/** Reads the file. Throws InputError naming it. */
export async function readQueuePair(path: string): Promise<QueuePair> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`${path}: cannot be read (${error.code})`);
  });
  try {
    const read = v.safeParse(Profiles, jsonOf(text));
    if (!read.success) {
      const [issue] = read.issues;
      throw new InputError(`${v.getDotPath(issue) ?? "document"}: ${issue.message}`);
    }
    const { toclient, fromclient } = read.output;
    return { toClient: profileOf(toclient), fromClient: profileOf(fromclient) };
  } catch (error) {
    throw new InputError(`${path}: ${(error as Error).message}`);
  }
}

function profileOf({
  name,
  auth_token,
  broker_type,
  broker_address,
}: v.InferOutput<typeof Profile>): QueueProfile {
  if (broker_type !== "rabbitmq")
    throw new InputError(`${name}: broker_type is "${broker_type}"; only rabbitmq is spoken`);
  return { name, ...placeOf(broker_address, auth_token ?? "") };
}

/**
 * Takes "[SCHEME://][USER[:PASS]@]HOST[:PORT][/VHOST]" apart; the token is the password where there is one.
 * Throws InputError.
 */
export function placeOf(address: string, token: string): Omit<QueueProfile, "name"> {
  const match =
    /^(?:([a-z][a-z0-9+.-]*):\/\/)?(?:([^@/]*)@)?(\[[0-9a-f:]+\]|[^:/@[\]]+)(?::(\d{1,5}))?(?:\/(.*))?$/i.exec(
      address,
    );
  if (!match) throw new InputError(`"${address.slice(0, 80)}" is no broker's address`);
  const [, scheme = "amqp", login = "", host, port, vhost = ""] = match;
  const [user = "", ...rest] = login.split(":");
  const isTls = /s$/i.test(scheme) && scheme.toLowerCase() !== "amqp";
  return {
    host: host!.replace(/^\[|\]$/g, ""),
    port: port === undefined ? (isTls ? tlsPort : plainPort) : Number(port),
    isTls,
    vhost: vhost === "" ? "/" : decodeURIComponent(vhost),
    user: decodeURIComponent(user),
    password: token || decodeURIComponent(rest.join(":")),
  };
}
