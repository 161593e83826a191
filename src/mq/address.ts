import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { InputError } from "../config/errors.ts";

/** Where the broker is and who we are to it. */
export interface BrokerAddress {
  readonly protocol: "mqtt" | "mqtts" | "ws" | "wss";
  readonly host: string;
  readonly port: number;
  /** ws and wss only. */
  readonly path: string;
  readonly username?: string;
  /** Never logged; see {@link describeAddress}. */
  readonly password?: string;
  /** PEM text of the authority to trust, for mqtts and wss. */
  readonly ca?: string;
}

/** Registered ports; for WebSockets those of HTTP. */
const defaultPorts = { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443 } as const;

/** Schemes users take for a broker's; anything else before "://" may be a token. */
const knownSchemes = ["http", "https", "amqp", "amqps", "tcp", "ssl", "tls", "pulsar"];

/** The user name that goes with a bare token. */
const defaultUser = "skyscan";

export interface AddressOptions {
  /** The MQTT password; wins over one in the URL. */
  readonly authToken?: string;
  /** A private TLS authority's certificate (PEM). */
  readonly caFile?: string;
}

/**
 * Reads `--broker`: a mqtt, mqtts, ws or wss URL, or a bare host[:port] (mqtt).
 * Throws InputError naming what is wrong.
 */
export function parseAddress(broker: string, options: AddressOptions = {}): BrokerAddress {
  // What was given is never said again: a token may stand in it, wherever a slip of the pen has put it.
  const expected = `--broker: expected a mqtt://, mqtts://, ws:// or wss:// URL or host[:port]`;
  const hasScheme = broker.includes("://");
  let url: URL;
  try {
    // Parsed as http, whatever it is: URL treats only the web's own schemes as having a host.
    url = new URL(hasScheme ? broker.replace(/^[a-z]+:/i, "http:") : `http://${broker}`);
  } catch {
    throw new InputError(expected);
  }
  const protocol = (hasScheme ? broker.split("://", 1)[0]! : "mqtt").toLowerCase();
  if (!isProtocol(protocol)) {
    throw new InputError(
      knownSchemes.includes(protocol) ? `${expected}, not "${protocol}://"` : expected,
    );
  }
  // An "@" behind the host: what stands before it was meant as user and password.
  const isMisread = `${url.pathname}${url.search}${url.hash}`.includes("@");
  if (url.hostname === "" || isMisread) throw new InputError(expected);
  // URL drops ":80" as http's default; it is not MQTT's.
  const written = /:(\d+)$/.exec(url.host) ?? /:(\d+)(?=\/|$|\?)/.exec(broker.split("@").at(-1)!);
  const password = options.authToken ?? decoded(url.password);
  const username = decoded(url.username) || (password ? defaultUser : undefined);
  return {
    protocol,
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: written ? Number(written[1]) : defaultPorts[protocol],
    path: `${url.pathname}${url.search}`,
    ...(username !== undefined && { username }),
    ...(password !== "" && { password }),
    ...(options.caFile !== undefined && { ca: readPem("--ca-file", options.caFile) }),
  };
}

function isProtocol(text: string): text is BrokerAddress["protocol"] {
  return Object.hasOwn(defaultPorts, text);
}

/** User or password of a URL as meant. Throws InputError, that repeats neither, for what is no percent-encoding. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new InputError(
      "--broker: user or password is not percent-encoded (a % itself is %25); better: --auth-token-file",
    );
  }
}

/** A certificate or a key. @param flag whose file it is. Throws InputError naming both where it is none. */
export function readPem(flag: string, file: string): string {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new InputError(`${flag} ${file}: cannot be read (${code}; expected PEM text)`, { cause });
  }
  try {
    if (flag === "--key") createPrivateKey(text);
    else for (const block of pemBlocks(text)) new X509Certificate(block);
  } catch (cause) {
    const what = flag === "--key" ? "an unencrypted private key" : "a certificate";
    throw new InputError(`${flag} ${file}: expected ${what} as PEM text`, { cause });
  }
  return text;
}

/** The certificates of a file, one or more. Throws where there is none. */
function pemBlocks(text: string): string[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  if (blocks === null) throw new Error("no certificate");
  return blocks;
}

/** The address for logs and errors: without user and password, and without a query, which may hold another secret. */
export const describeAddress = (address: BrokerAddress): string =>
  `${address.protocol}://${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}${
    address.protocol.startsWith("ws") ? address.path.replace(/\?.*/, "") : ""
  }`;
