import { consola } from "consola";
import { ExitCode, LastWords, SkyscanError } from "../config/errors.ts";
import { printableLine } from "../config/print.ts";

/** Tells the user why the program ends: one line, or, for a bug, all there is. @returns the exit code */
export function report(error: unknown): ExitCode {
  if (error instanceof LastWords) {
    process.stderr.write(`${printableLine(error.message)}\n`);
    return error.exitCode;
  }
  if (error instanceof SkyscanError) {
    consola.error(error.message);
    return error.exitCode;
  }
  consola.error(error);
  return ExitCode.internal;
}
