import { randomBytes } from "node:crypto";
import { InputError } from "../config/errors.ts";

/** The first level of every topic. */
export const root = "skyscan";

/** Where the parties of one scan meet. Everything is below skyscan/<basename>/. */
export interface Topics {
  /** Server → clients, retained: protocol version, reco, state of the scan. */
  readonly control: string;
  /** Server → clients, retained: the start-up data in numbered parts. */
  readonly startup: (part: number) => string;
  /** Server → anyone, retained: how far the scan is. */
  readonly progress: string;
  /** Clients → server: results and failures. */
  readonly result: string;
  /** Client → server, retained, and the client's last will. */
  readonly status: (client: string) => string;
  /** Server → one client: tasks. */
  readonly task: (client: string) => string;
}

const basenamePattern = /^[A-Za-z0-9_.-]{1,128}$/;
const clientPattern = /^[A-Za-z0-9_-]{1,64}$/;

/** A name nobody guesses: knowing it is what lets a client find the scan. 128 bits. */
export const newBasename = (): string => randomBytes(16).toString("hex");

/** An MQTT client id of at most 23 bytes, the most that every broker takes. */
export const newClientId = (): string => randomBytes(10).toString("hex");

/** Topics of one scan. Throws InputError for a basename with other than letters, digits, "_", "-", ".". */
export function topicsOf(basename: string): Topics {
  if (!basenamePattern.test(basename))
    throw new InputError(
      `--mq-basename: expected letters, digits, "_", "-" or ".", not ${JSON.stringify(basename)}`,
    );
  const base = `${root}/${basename}`;
  return {
    control: `${base}/control`,
    startup: (part) => `${base}/startup/${part}`,
    progress: `${base}/progress`,
    result: `${base}/result`,
    status: (client) => `${base}/client/${client}/status`,
    task: (client) => `${base}/client/${client}/task`,
  };
}

/** The client a status topic belongs to; undefined for any other topic. */
export function clientOfStatus(topic: string): string | undefined {
  const [, , room, client, kind, ...rest] = topic.split("/");
  if (room !== "client" || kind !== "status" || rest.length > 0) return undefined;
  return client !== undefined && clientPattern.test(client) ? client : undefined;
}

/** The number of a start-up part's topic; undefined for any other topic. */
export function partOfStartup(topic: string): number | undefined {
  const [, , room, part, ...rest] = topic.split("/");
  if (room !== "startup" || rest.length > 0 || !/^\d{1,4}$/.test(part ?? "")) return undefined;
  return Number(part);
}
