// The watched folder: every alert laid there is taken in once, when it is written completely.
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { consola } from "consola";
import type { Clock } from "../config/clock.ts";
import type { Alert } from "./intake.ts";

/** What a file is known by: as long as these are the same, so is its content. */
export interface FileFacts {
  readonly name: string;
  readonly inode: number;
  /** ms since 1970. */
  readonly modified: number;
  readonly size: number;
}

/** What alerts' files end in. */
const alertName = /\.(json|pkl|i3)(\.(gz|bz2|zst))?$/i;

const keyOf = ({ name, inode, modified }: FileFacts): string => `${name} ${inode} ${modified}`;

/** Looks at what is there, again and again; a file that is the same twice is complete. Pure. */
export class Arrivals {
  #before = new Map<string, number>();

  /** @returns files that have not changed since the last look, those with nothing in them left out */
  look(files: readonly FileFacts[]): FileFacts[] {
    const settled = files.filter(
      (file) => file.size > 0 && this.#before.get(keyOf(file)) === file.size,
    );
    this.#before = new Map(files.map((file) => [keyOf(file), file.size]));
    return settled;
  }
}

export interface WatchOptions {
  readonly folder: string;
  readonly clock: Clock;
  /** Whether a file was taken in before, be it by an earlier start. */
  readonly saw: (key: string) => boolean;
  /** It is taken in, or no alert. */
  readonly remember: (key: string) => void;
  readonly take: (alert: Alert) => Promise<unknown>;
}

/** How often the folder is looked at, s. No events of the file system: network file systems send none. */
const interval = 1;
const longestFile = 128 * 2 ** 20;

/** @returns what ends it */
export function watchFolder({ folder, clock, saw, remember, take }: WatchOptions): () => void {
  const arrivals = new Arrivals();
  let isBusy = false;
  let wasMissing = false;
  const look = async () => {
    const files = await filesIn(folder);
    if ((files === undefined) !== wasMissing) {
      wasMissing = !wasMissing;
      if (wasMissing) consola.warn(`--watch ${folder}: cannot be read, looked at again`);
    }
    for (const file of arrivals.look(files ?? [])) {
      if (saw(keyOf(file))) continue;
      await takeFile(join(folder, file.name), file, take);
      // Only now: whoever is killed before takes it again, and finds that it is there.
      remember(keyOf(file));
    }
  };
  return clock.every(interval, () => {
    if (isBusy) return;
    isBusy = true;
    look()
      .catch((error) => consola.warn(`--watch ${folder}: ${error.message}`))
      .finally(() => {
        isBusy = false;
      });
  });
}

async function takeFile(
  path: string,
  { name, size }: FileFacts,
  take: WatchOptions["take"],
): Promise<void> {
  try {
    if (size > longestFile) throw new Error(`${size} bytes are no alert`);
    await take({ bytes: await readFile(path), name });
  } catch (error) {
    // Said once; it is not tried again until it changes.
    consola.warn(`${path}: not taken in: ${error instanceof Error ? error.message : error}`);
  }
}

/** undefined: the folder cannot be read now. */
async function filesIn(folder: string): Promise<FileFacts[] | undefined> {
  const names = await readdir(folder).catch(() => undefined);
  if (names === undefined) return undefined;
  const facts = await Promise.all(
    names
      .filter((name) => alertName.test(name) && !name.startsWith("."))
      .map(async (name) => {
        const found = await stat(join(folder, name)).catch(() => undefined);
        return found?.isFile()
          ? [{ name, inode: found.ino, modified: found.mtimeMs, size: found.size }]
          : [];
      }),
  );
  return facts.flat();
}
