import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { consola } from "consola";
import type { PreparedEvent } from "../reco/reco.ts";
import { writeAtomically } from "../result/files.ts";

/**
 * Prepared events kept in a folder for the next process: as JSON with a checksum, under a name made of all they
 * depend on. Any number of processes may share the folder, since files appear whole.
 */

/** The folder of the data hub that keeps them. */
export const preparedFolder = "skyscan-cache";

/**
 * What `prepare` makes, or has made before.
 * @param hub undefined: nothing is kept
 * @param dependsOn all that the outcome depends on
 */
export async function cachedPrepared(
  hub: string | undefined,
  dependsOn: readonly (string | Uint8Array)[],
  prepare: () => Promise<PreparedEvent>,
): Promise<PreparedEvent> {
  if (hub === undefined) return await prepare();
  const hash = createHash("sha256");
  for (const part of dependsOn) hash.update(`${part.length}:`).update(part);
  const path = join(hub, preparedFolder, `${hash.digest("hex")}.json`);
  const kept = await readKept(path);
  if (kept !== undefined) return kept;
  const prepared = await prepare();
  const body = encodePrepared(prepared);
  // A hub that is full or cannot be written costs time, and nothing else.
  await writeAtomically(path, `${checksum(body)}\n${body}`).catch((error) =>
    consola.debug(`prepared event not kept: ${error.message}`),
  );
  return prepared;
}

const checksum = (text: string): string => createHash("sha256").update(text).digest("hex");

async function readKept(path: string): Promise<PreparedEvent | undefined> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const end = text.indexOf("\n");
  const body = text.slice(end + 1);
  if (text.slice(0, end) !== checksum(body)) {
    consola.warn(`${path}: damaged, made anew`);
    return undefined;
  }
  return decodePrepared(body);
}

/** What JSON does not have: maps, sets, and numbers that are not finite, each as an object of one member. */
type Tagged = { map: [unknown, unknown][] } | { set: unknown[] } | { number: string };

/** @returns JSON from which decodePrepared makes the same again */
export const encodePrepared = (prepared: PreparedEvent): string =>
  JSON.stringify(prepared, (_, value: unknown) => {
    if (value instanceof Map) return { map: [...value] } satisfies Tagged;
    if (value instanceof Set) return { set: [...value] } satisfies Tagged;
    if (typeof value === "number" && !Number.isFinite(value))
      return { number: String(value) } satisfies Tagged;
    return value;
  });

export const decodePrepared = (text: string): PreparedEvent =>
  untagged(JSON.parse(text)) as PreparedEvent;

/** In place where it can be: JSON.parse with a function of ours takes ten times as long. */
function untagged(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++)
      if (typeof value[i] === "object") value[i] = untagged(value[i]);
    return value;
  }
  const object = value as Record<string, unknown>;
  const { map, set, number } = object as { map?: unknown; set?: unknown; number?: unknown };
  if (map !== undefined) return new Map(untagged(map) as [unknown, unknown][]);
  if (set !== undefined) return new Set(untagged(set) as unknown[]);
  if (number !== undefined) return Number(number);
  for (const key in object)
    if (typeof object[key] === "object") object[key] = untagged(object[key]);
  return object;
}
