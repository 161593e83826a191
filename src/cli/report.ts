import { consola } from "consola";
import { ExitCode, SkyscanError } from "../config/errors.ts";

/** Tells the user why the program ends: one line, or, for a bug, all there is. @returns the exit code */
export function report(error: unknown): ExitCode {
  if (error instanceof SkyscanError) {
    consola.error(error.message);
    return error.exitCode;
  }
  consola.error(error);
  return ExitCode.internal;
}
