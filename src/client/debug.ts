import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { InputError, unwritable } from "../config/errors.ts";
import type { Payload } from "../mq/connection.ts";
import { secret } from "../result/files.ts";

/** Keeps every message as a file: <number>-<in|out>-<topic's last levels>.json. */
export type Debug = (way: "in" | "out", topic: string, payload: Payload | string) => void;

/**
 * @param onError called when a message cannot be kept
 * @returns a function that writes, or does nothing when no directory is asked for
 * Throws InputError when the directory cannot be made.
 */
export function openDebug(
  directory: string | undefined,
  onError: (error: InputError) => void,
): Debug {
  if (directory === undefined) return () => {};
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new InputError(`--debug-directory ${directory}: cannot be made`, { cause });
  }
  let number = 0;
  return (way, topic, payload) => {
    // Topics come from the wire: only letters, digits and dashes of them reach the file system.
    const tail = topic
      .split("/")
      .slice(2)
      .join("-")
      .replace(/[^A-Za-z0-9-]/g, "_")
      .slice(0, 100);
    const name = `${String(number++).padStart(8, "0")}-${way}-${tail}.json`;
    try {
      const isText = typeof payload === "string" || payload instanceof Uint8Array;
      writeFileSync(join(directory, name), isText ? payload : JSON.stringify(payload), {
        mode: secret,
      });
    } catch (cause) {
      onError(unwritable(join(directory, name), cause));
    }
  };
}
