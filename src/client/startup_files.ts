import { readFile } from "node:fs/promises";
import * as v from "valibot";
import { InputError } from "../config/errors.ts";
import { StartupData } from "../mq/messages.ts";

async function readText(path: string): Promise<string> {
  return await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw new InputError(`${path}: cannot be read (${cause.code})`, { cause });
  });
}

async function readJson(path: string): Promise<unknown> {
  const text = await readText(path);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InputError(`${path}: no JSON`, { cause });
  }
}

/** Reads the server's startup.json. Throws InputError naming the file. */
export async function readStartup(path: string): Promise<StartupData> {
  const parsed = v.safeParse(StartupData, await readJson(path));
  if (parsed.success) return parsed.output;
  const issue = parsed.issues[0];
  throw new InputError(`${path}: ${v.getDotPath(issue) ?? "document"}: ${issue.message}`);
}

/** Reads the baseline's name and the packet from their own files. */
export async function readStartupParts(
  baselineFile: string,
  packetFile: string,
): Promise<Omit<StartupData, "mq_basename">> {
  return {
    baseline_GCD_file: (await readText(baselineFile)).trim(),
    GCDQp_packet: await readJson(packetFile),
  };
}
