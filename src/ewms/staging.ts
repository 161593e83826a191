import { createHash, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { consola } from "consola";
import type { Clock } from "../config/clock.ts";
import { MachineError } from "../config/errors.ts";

/** Large files of the experiment (baseline GCDs, photon tables): found on this machine, or fetched and kept. */

/** Where the original fetches from. */
export const publicSource = "http://prod-exe.icecube.wisc.edu";
/** The folder of the data hub that keeps what was fetched. */
export const cacheFolder = "data-staging-cache";

/** A kind of file: where it may lie, and under which path the source has it. */
export interface Shelf {
  readonly places: readonly string[];
  readonly remote: "baseline_gcds" | "spline-tables";
}

/** Where and how to fetch. */
export interface Source {
  /** Address before the shelf's path; undefined: nothing is fetched. */
  readonly address?: string;
  /** Keeps what was fetched. */
  readonly cache: string;
}

export interface StagingSurroundings {
  readonly fetch: (url: string, init: { signal: AbortSignal }) => Promise<Response>;
  readonly clock: Clock;
}

/** As the original's: until the answer begins, and between two pieces of it, s; tries after the first. */
const connectTimeout = 15;
const readTimeout = 60;
const retries = 2;
/** Answers after which another try may help (429 Too Many Requests, and the server's own troubles). */
const isPassing = (status: number): boolean => status === 408 || status === 429 || status >= 500;

/** Nobody answers there: this machine is offline, or the source is. */
export class Unreachable extends MachineError {}

/**
 * The path of a file on this machine: on its shelf, in the cache, or fetched into it.
 * @returns undefined where it is nowhere, and nothing is to be fetched
 * @throws Unreachable where the source does not answer; MachineError where it does, but not with the whole file
 */
export async function staged(
  name: string,
  shelf: Shelf,
  source: Source | undefined,
  surroundings: StagingSurroundings,
): Promise<string | undefined> {
  const cache = source === undefined ? [] : [source.cache];
  const found = [...shelf.places, ...cache].map((place) => join(place, name)).find(existsSync);
  if (found !== undefined || source?.address === undefined) return found;
  const url = `${source.address.replace(/\/+$/, "")}/${shelf.remote}/${name}`;
  const path = join(source.cache, name);
  await mkdir(source.cache, { recursive: true });
  for (let attempt = 0; ; attempt++) {
    try {
      await fetchFile(url, path, surroundings);
      return path;
    } catch (error) {
      const isLast = attempt === retries || !(error instanceof PassingTrouble);
      if (isLast) throw settled(error, url, shelf);
      consola.warn(`${url}: ${error.message}; trying again`);
      await new Promise<void>((go) => void surroundings.clock.after(2 ** attempt, go));
    }
  }
}

/** What may go well the next time. */
class PassingTrouble extends Error {
  /** @param hasAnswered the source is there */
  constructor(
    message: string,
    readonly hasAnswered: boolean,
  ) {
    super(message);
  }
}

function settled(error: unknown, url: string, { places }: Shelf): unknown {
  if (!(error instanceof PassingTrouble)) return error;
  const why = `neither in ${places.join(" nor in ")}, nor to be had from ${url}: ${error.message}`;
  return error.hasAnswered ? new MachineError(why) : new Unreachable(why);
}

/** One try. The file is there under its name when all of it is, and its size and checksum are right. */
async function fetchFile(
  url: string,
  path: string,
  { fetch, clock }: StagingSurroundings,
): Promise<void> {
  const stop = new AbortController();
  let endPatience = () => {};
  const within = (seconds: number) => {
    endPatience();
    endPatience = clock.after(seconds, () => stop.abort(new Error(`silent for ${seconds} s`)));
  };
  const temporary = `${path}.${randomUUID().slice(0, 13)}.tmp`;
  let hasAnswered = false;
  try {
    within(connectTimeout);
    const response = await fetch(url, { signal: stop.signal });
    hasAnswered = true;
    if (!response.ok || response.body === null) {
      const answer = `${response.status} ${response.statusText}`.trim();
      if (isPassing(response.status)) throw new Error(answer);
      throw new MachineError(`${url}: ${answer}`);
    }
    consola.info(`fetching ${url}`);
    const digest = digestOf(response.headers);
    let size = 0;
    const file = await open(temporary, "w");
    try {
      for await (const chunk of response.body) {
        within(readTimeout);
        digest?.hash.update(chunk);
        size += chunk.length;
        await file.writeFile(chunk);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    requireWhole(size, response.headers, digest);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    const { code, message } = error as NodeJS.ErrnoException;
    if (error instanceof MachineError) throw error;
    if (code === "ENOSPC" || code === "EDQUOT")
      throw new MachineError(`${path}: cannot be written, the disk is full (${code})`);
    const reason: unknown = stop.signal.reason;
    throw new PassingTrouble(reason instanceof Error ? reason.message : message, hasAnswered);
  } finally {
    endPatience();
  }
}

function requireWhole(size: number, headers: Headers, digest: Digest | undefined): void {
  const announced = headers.get("content-length");
  const isPacked = headers.has("content-encoding");
  if (announced !== null && !isPacked && Number(announced) !== size)
    throw new Error(`${size} bytes came, ${announced} were announced`);
  if (digest !== undefined && digest.hash.digest("base64") !== digest.expected)
    throw new Error("what came has another checksum than announced");
}

interface Digest {
  readonly hash: ReturnType<typeof createHash>;
  readonly expected: string;
}

/** The checksum a server gives: Repr-Digest (RFC 9530), Digest (RFC 3230), Content-MD5 (RFC 1864). */
function digestOf(headers: Headers): Digest | undefined {
  const sha256 =
    /sha-256=:([^:]+):/i.exec(headers.get("repr-digest") ?? "")?.[1] ??
    /sha-256=([^,\s]+)/i.exec(headers.get("digest") ?? "")?.[1];
  if (sha256 !== undefined) return { hash: createHash("sha256"), expected: sha256 };
  const md5 = headers.get("content-md5");
  return md5 === null ? undefined : { hash: createHash("md5"), expected: md5.trim() };
}
