import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { InputError, unwritable } from "../config/errors.ts";
import { resultStem } from "./filename.ts";
import { readJson, writeJson } from "./json.ts";
import { readNpz, writeNpz } from "./npz.ts";
import type { SkyScanResult } from "./result.ts";

/**
 * Reads a result file; what it is, .npz or .json, is told from its first bytes.
 * @throws InputError naming the file
 */
export async function readResult(path: string): Promise<SkyScanResult> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`${path}: cannot be read (${error.code}); expected a result file`);
  });
  if (bytes.length === 0) throw new InputError(`${path}: empty; expected a result (.npz or .json)`);
  if (bytes.subarray(0, 2).toString("latin1") === "PK") return readNpz(bytes, path);
  return readJson(new TextDecoder().decode(bytes), path);
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

/**
 * Writes a file so that a reader sees all of it or none: under a temporary name, then renamed.
 * @throws InputError where the place cannot be written
 */
export async function writeAtomically(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(temporary, content);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw unwritable(path, error);
  }
}
