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
  if (!isProtocol(protocol)) throw new InputError(`${expected}, not "${protocol}://"`);
  if (url.hostname === "") throw new InputError(expected);
  // URL drops ":80" as http's default; it is not MQTT's.
  const written = /:(\d+)$/.exec(url.host) ?? /:(\d+)(?=\/|$|\?)/.exec(broker.split("@").at(-1)!);
  const password = options.authToken ?? (url.password ? decodeURIComponent(url.password) : "");
  const username = url.username
    ? decodeURIComponent(url.username)
    : password
      ? defaultUser
      : undefined;
  return {
    protocol,
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: written ? Number(written[1]) : defaultPorts[protocol],
    path: `${url.pathname}${url.search}`,
    ...(username !== undefined && { username }),
    ...(password !== "" && { password }),
    ...(options.caFile !== undefined && { ca: readAuthority(options.caFile) }),
  };
}

function isProtocol(text: string): text is BrokerAddress["protocol"] {
  return text in defaultPorts;
}

function readAuthority(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new InputError(`--ca-file ${file}: cannot be read (expected a PEM certificate)`, {
      cause,
    });
  }
}

/** The address for logs and errors: without user and password. */
export const describeAddress = (address: BrokerAddress): string =>
  `${address.protocol}://${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}${
    address.protocol.startsWith("ws") ? address.path : ""
  }`;
