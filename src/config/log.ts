import { consola, LogLevels } from "consola";
import { InputError } from "./errors.ts";

/** Names as the command line takes them (Python's), with consola's numbers. */
const levels = {
  TRACE: LogLevels.trace,
  DEBUG: LogLevels.debug,
  INFO: LogLevels.info,
  WARNING: LogLevels.warn,
  WARN: LogLevels.warn,
  ERROR: LogLevels.error,
  CRITICAL: LogLevels.fatal,
} as const;

/** Log of the libraries in use (MQTT); its own level. */
export const thirdPartyLog = consola.withTag("third party");

/** Sends every log line to stderr: stdout belongs to results. */
export function logToStderr(): void {
  consola.options.stdout = process.stderr;
  thirdPartyLog.options.stdout = process.stderr;
  thirdPartyLog.level = levels.WARNING;
}

function levelOf(name: string, flag: string): number {
  const level = levels[name.toUpperCase() as keyof typeof levels];
  if (level === undefined)
    throw new InputError(
      `${flag}: expected one of ${Object.keys(levels).join(", ")}, not "${name}"`,
    );
  return level;
}

/** Sets the levels of our own and of the libraries' log lines. Throws InputError for an unknown name. */
export function setLogLevels(own: string, thirdParty: string): void {
  consola.level = levelOf(own, "--log");
  thirdPartyLog.level = levelOf(thirdParty, "--log-third-party");
}
