import { readFileSync, statSync } from "node:fs";
import type { Command } from "commander";
import { consola } from "consola";
import { InputError } from "../config/errors.ts";

/** What --auth-token-file is for, wherever a token is taken. */
export const tokenFileMeaning =
  "file that holds the password, for yourself to read only (chmod 600): command lines and job ads are everybody's to read";

/** No broker takes more (MQTT 3.1.1, 3.1.3.5), bytes. */
const longestToken = 65_535;

/**
 * The broker's password: --auth-token, or the content of --auth-token-file; a flag wins over either's variable.
 * @returns undefined where none is given
 * Throws InputError for both at once, and for a file that cannot be read or is empty.
 */
export function tokenOf(command: Command): string | undefined {
  const { authToken, authTokenFile } = command.opts<{
    authToken?: string;
    authTokenFile?: string;
  }>();
  if (authTokenFile === undefined) return authToken;
  const isFlag = (name: string) => command.getOptionValueSource(name) === "cli";
  if (authToken !== undefined) {
    if (isFlag("authToken") && !isFlag("authTokenFile")) return authToken;
    if (isFlag("authToken") || !isFlag("authTokenFile"))
      throw new InputError("--auth-token and --auth-token-file exclude each other");
  }
  return readToken(authTokenFile);
}

function readToken(path: string): string {
  let token: string;
  let mode: number;
  try {
    mode = statSync(path).mode;
    token = readFileSync(path, "utf8").trim();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new InputError(`--auth-token-file ${path}: cannot be read (${code})`, { cause });
  }
  if (token === "" || token.length > longestToken)
    throw new InputError(
      `--auth-token-file ${path}: expected one password, 1 to ${longestToken} bytes`,
    );
  if (mode & 0o077) consola.warn(`--auth-token-file ${path}: others may read it too (chmod 600)`);
  return token;
}
