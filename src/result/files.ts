import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { consola } from "consola";
import { InputError, unwritable } from "../config/errors.ts";
import { resultStem } from "./filename.ts";
import { isFits, unpacked } from "./fits.ts";
import { readFitsMap } from "./fits_map.ts";
import { readJson, writeJson } from "./json.ts";
import { readNpz, writeNpz } from "./npz.ts";
import { isOrientationUnknown } from "./orientation.ts";
import type { Pole, SkyScanResult } from "./result.ts";

/**
 * Reads a result file; what it is, .npz, .json or a FITS map, is told from its first bytes. Warns where the file does not say
 * which pole its pixels are counted from.
 * @param from that pole, where one knows better than the file
 * @throws InputError naming the file
 */
export async function readResult(path: string, from?: Pole): Promise<SkyScanResult> {
  const read = await decodeResult(path);
  const result = from === undefined ? read : { ...read, from };
  if (isOrientationUnknown(result))
    consola.warn(
      `${path}: written before version 1: if before April 2023, its pixels are counted from the south (--from-south, --from-north)`,
    );
  return result;
}

async function decodeResult(path: string): Promise<SkyScanResult> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`${path}: cannot be read (${error.code}); expected a result file`);
  });
  if (bytes.length === 0)
    throw new InputError(`${path}: empty; expected a result (.npz, .json or .fits)`);
  if (bytes.subarray(0, 2).toString("latin1") === "PK") return readNpz(bytes, path);
  const content = unpacked(bytes, path);
  if (isFits(content)) return readFitsMap(content, path);
  return readJson(new TextDecoder().decode(content), path);
}

/** A result as a file's content; the path's extension, .npz or .json, says which format. */
export function encodeResult(path: string, result: SkyScanResult): string | Uint8Array {
  const extension = extname(path);
  if (extension === ".npz") return writeNpz(result);
  if (extension === ".json") return writeJson(result);
  throw new InputError(`${path}: a result file ends in .npz or .json`);
}

/** Writes one result file. */
export async function writeResult(path: string, result: SkyScanResult): Promise<void> {
  await writeAtomically(path, encodeResult(path, result));
}

/**
 * Writes `<event>_<nsides>.npz` and `.json` into a folder.
 * @returns the two paths
 */
export async function writeResultFiles(
  folder: string,
  result: SkyScanResult,
): Promise<{ npz: string; json: string }> {
  const stem = join(folder, resultStem(result));
  const paths = { npz: `${stem}.npz`, json: `${stem}.json` };
  await writeResult(paths.npz, result);
  await writeResult(paths.json, result);
  return paths;
}

/** The mode of what is nobody else's to read: who knows a scan's basename, or has its start-up data, can take part. */
export const secret = 0o600;

/**
 * Writes a file so that a reader sees all of it or none, also after a power cut: under a temporary name, on the
 * disk, then renamed.
 * @param mode who may read it, before the user's own mask
 * @throws InputError where the place cannot be written
 */
export async function writeAtomically(
  path: string,
  content: string | Uint8Array,
  mode = 0o666,
): Promise<void> {
  // Containers that share a folder have the same process numbers.
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID().slice(0, 13)}.tmp`);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(temporary, content, { mode, flush: true });
    await rename(temporary, path);
    await flushFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw unwritable(path, error);
  }
}

/** Names reach the disk with their folder. Not every file system has folders that can be flushed. */
async function flushFolder(path: string): Promise<void> {
  const folder = await open(path).catch(() => undefined);
  await folder?.sync().catch(() => {});
  await folder?.close();
}
