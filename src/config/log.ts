import { type ConsolaInstance, type ConsolaReporter, consola, LogLevels } from "consola";
import { InputError } from "./errors.ts";
import { printable, printableLine } from "./print.ts";

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

/** Sends every log line to stderr, since stdout belongs to results, and lets nothing through that steers a terminal. */
export function logToStderr(): void {
  for (const log of [consola, thirdPartyLog]) {
    log.options.stdout = process.stderr;
    clean(log);
  }
  thirdPartyLog.level = levels.WARNING;
}

const cleaned = new WeakSet<ConsolaReporter>();

/** Makes a log's lines harmless before they are coloured and written. */
export function clean(log: ConsolaInstance): void {
  log.setReporters(
    log.options.reporters.map((reporter) => {
      if (cleaned.has(reporter)) return reporter;
      const careful: ConsolaReporter = {
        log: (entry, context) =>
          reporter.log({ ...entry, args: entry.args.map(harmless) }, context),
      };
      cleaned.add(careful);
      return careful;
    }),
  );
}

/** A bug's error keeps the lines of its stack; anything else is one line. */
function harmless(what: unknown): unknown {
  if (!(what instanceof Error)) return printableLine(String(what));
  const error = new Error(printableLine(what.message));
  error.stack = printable(what.stack ?? "");
  return error;
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
