import { version } from "../config/version.ts";
import { type ClientStatus, protocolVersion } from "../mq/messages.ts";
import type { ClientLight } from "./session.ts";

/** Who may work for a scan: clients of our protocol, all of them with the same light. */
export interface Admission {
  /** Takes a client's word. @returns why it may not work; undefined: it may */
  admit(client: string, status: ClientStatus): string | undefined;
  /** Whether a client's results are to be believed, also after it has gone. */
  isTrusted(client: string): boolean;
  /** The light of the scan; undefined before the first client with one. */
  readonly light: ClientLight | undefined;
}

export interface AdmissionOptions {
  /** The algorithm needs light. */
  readonly needsLight: boolean;
  /** It has to be photon tables. */
  readonly needsTables: boolean;
  /** The light of the scan, if it is known from an earlier start. */
  readonly light: ClientLight | undefined;
  /** Called with the first client's light, where it was not known. */
  readonly onLight: (light: ClientLight) => void;
  /** Called when a client is admitted or refused that was not before. */
  readonly onChange: (client: string, status: ClientStatus, objection: string | undefined) => void;
}

export function createAdmission(options: AdmissionOptions): Admission {
  /** What is held against each client, by the newest it said of itself; undefined: nothing. */
  const objections = new Map<string, string | undefined>();
  let { light } = options;

  const objectionTo = (status: ClientStatus): string | undefined => {
    if (status.protocol !== protocolVersion)
      return `speaks protocol ${status.protocol} (version ${status.version}), expected ${protocolVersion} (version ${version})`;
    const expected = light?.kind ?? (options.needsTables ? "tables" : undefined);
    if (options.needsLight && expected !== undefined && status.light?.kind !== expected)
      return `its light model is "${status.light?.kind ?? "none"}", this scan's is "${expected}" (see --photon-tables)`;
    return undefined;
  };

  return {
    admit(client, status) {
      const objection = objectionTo(status);
      if (!objections.has(client) || objections.get(client) !== objection)
        options.onChange(client, status, objection);
      objections.set(client, objection);
      if (objection === undefined && status.light !== null && light === undefined) {
        light = status.light;
        options.onLight(light);
      }
      return objection;
    },
    isTrusted: (client) => objections.has(client) && objections.get(client) === undefined,
    get light() {
      return light;
    },
  };
}
