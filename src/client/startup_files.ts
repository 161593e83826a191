import { readFile, stat } from "node:fs/promises";
import * as v from "valibot";
import { InputError } from "../config/errors.ts";
import { parseJson } from "../config/json.ts";
import { BUILTIN_BASELINE } from "../detector/builtin.ts";
import { StartupData } from "../mq/messages.ts";

async function readText(path: string): Promise<string> {
  return await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw new InputError(`${path}: cannot be read (${cause.code})`, { cause });
  });
}

async function readJson(path: string): Promise<unknown> {
  const text = await readText(path);
  try {
    return parseJson(text);
  } catch (cause) {
    throw new InputError(`${path}: no JSON: ${(cause as Error).message}`, { cause });
  }
}

/** Reads the server's startup.json. Throws InputError naming the file. */
export async function readStartup(path: string): Promise<StartupData> {
  const parsed = v.safeParse(StartupData, await readJson(path));
  if (parsed.success) return parsed.output;
  const issue = parsed.issues[0];
  throw new InputError(`${path}: ${v.getDotPath(issue) ?? "document"}: ${issue.message}`);
}

/** The packet in a file of its own. Throws InputError naming the file. */
export const readPacket = readJson;

/** The server's baseline_GCD_file.txt is one line, of a path. */
const longestLine = 4096;

/**
 * Which baseline GCD the server has read.
 * @param given what `--baseline-gcd-file` got: the baseline's path, the word "built-in", nothing, or the path of a
 *   file that holds one of these
 * @returns the baseline's path as the server writes it, of which the name counts; empty: none was read
 * Throws InputError for a text file that cannot be read.
 */
export async function readBaseline(given: string): Promise<string> {
  const isWord = (text: string) => text === "" || text === BUILTIN_BASELINE;
  if (isWord(given)) return "";
  const isText = given.endsWith(".txt");
  if (!isText && !(await isShort(given))) return given;
  const text = (await readText(given)).trim();
  // A short file that is no line of text is no GCD either, but that is for the reader of GCD files to say.
  if (!isText && /[\0\n\uFFFD]/.test(text)) return given;
  return isWord(text) ? "" : text;
}

const isShort = async (path: string): Promise<boolean> => {
  const facts = await stat(path).catch(() => undefined);
  return facts?.isFile() === true && facts.size <= longestLine;
};
