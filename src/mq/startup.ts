import { createHash } from "node:crypto";
import * as v from "valibot";
import { parseJson } from "../config/json.ts";
import { type Control, MalformedMessage, StartupData, startupPartSize } from "./messages.ts";

export interface StartupParts {
  readonly parts: readonly string[];
  /** What the control message says of them. */
  readonly summary: Control["startup"];
}

/**
 * Cuts the start-up data into messages: base64, so that a part is text whatever it is cut through.
 * @param longest what a message may have, bytes
 */
export function splitStartup(data: StartupData, longest = Number.POSITIVE_INFINITY): StartupParts {
  // Base64 writes three bytes as four; the topic and the packet's head are less than this.
  const head = 256;
  const partSize = Math.min(startupPartSize, 3 * Math.floor((longest - head) / 4));
  const bytes = Buffer.from(JSON.stringify(data));
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += partSize)
    parts.push(bytes.subarray(at, at + partSize).toString("base64"));
  return {
    parts,
    summary: { parts: parts.length, bytes: bytes.length, sha256: sha256(bytes) },
  };
}

/**
 * Puts the parts together again.
 * @returns undefined while parts are missing, or belong to an earlier start
 * Throws MalformedMessage when they are complete, but no start-up data.
 */
export function joinStartup(
  parts: ReadonlyMap<number, Uint8Array>,
  summary: Control["startup"],
): StartupData | undefined {
  const pieces: Buffer[] = [];
  for (let n = 0; n < summary.parts; n++) {
    const part = parts.get(n);
    if (part === undefined) return undefined;
    pieces.push(Buffer.from(Buffer.from(part).toString("latin1"), "base64"));
  }
  const bytes = Buffer.concat(pieces);
  if (bytes.length !== summary.bytes || sha256(bytes) !== summary.sha256) return undefined;
  let document: unknown;
  try {
    document = parseJson(bytes.toString("utf8"));
  } catch (cause) {
    throw new MalformedMessage(`start-up data: ${(cause as Error).message}`, { cause });
  }
  const parsed = v.safeParse(StartupData, document);
  if (!parsed.success) throw new MalformedMessage(`start-up data: ${parsed.issues[0].message}`);
  return parsed.output;
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
