/** Where outcomes are kept as they come, so that an interrupted run goes on: one line of JSON each. */

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { appendFile, readFile, rm, writeFile } from "node:fs/promises";
import { unwritable } from "../config/errors.ts";
import { version } from "../config/version.ts";
import type { Entry } from "./experiment.ts";
import type { Request } from "./laboratory.ts";

/** All outcomes depend on, in a word: the same again means that they still hold. */
export const identityOf = (request: Request, input: string): string =>
  createHash("sha256").update(JSON.stringify({ request, input, version })).digest("hex");

export interface Notebook {
  /** What is in already, by k. */
  readonly entries: Map<number, Entry>;
  /** Written before it counts. */
  add(entry: Entry): Promise<void>;
  remove(): Promise<void>;
}

/**
 * Opens it, or begins a new one where there is none of this identity.
 * @throws InputError where it cannot be written
 */
export async function openNotebook(path: string, identity: string): Promise<Notebook> {
  const entries = new Map<number, Entry>();
  const [header, ...lines] = existsSync(path) ? (await readFile(path, "utf8")).split("\n") : [];
  const first = `${JSON.stringify({ identity })}`;
  if (header === first)
    for (const line of lines) {
      const entry = parsed(line);
      if (entry) entries.set(entry.k, entry);
    }
  // Anew: a line that was cut off would swallow the next.
  const kept = [...entries.values()].map((entry) => `${JSON.stringify(entry)}\n`);
  await written(path, () => writeFile(path, `${first}\n${kept.join("")}`));
  let turn: Promise<void> = Promise.resolve();
  return {
    entries,
    add(entry) {
      turn = turn.then(() => written(path, () => appendFile(path, `${JSON.stringify(entry)}\n`)));
      return turn.then(() => void entries.set(entry.k, entry));
    },
    remove: () => turn.then(() => rm(path, { force: true })),
  };
}

async function written(path: string, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    throw unwritable(path, error);
  }
}

/** The last line may be cut off. */
function parsed(line: string): Entry | undefined {
  try {
    const entry = JSON.parse(line);
    return Number.isSafeInteger(entry?.k) ? entry : undefined;
  } catch {
    return undefined;
  }
}
