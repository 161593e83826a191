import { printableLine } from "./print.ts";

/** What the process tells its caller. HTCondor, Slurm and shell scripts decide on these. */
export const ExitCode = {
  done: 0,
  /** Something the command was asked to check does not hold (`result compare`). */
  differs: 1,
  badInput: 2,
  broker: 3,
  timeout: 4,
  internal: 5,
  /** This machine's fault: another one may well do it. */
  machine: 6,
  interrupted: 130,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** The longest message, characters: a name taken from a damaged file may be kilobytes long. */
const longestMessage = 2000;

/** One line whatever names from outside stand in it; what is too long loses its middle, for its end says where. */
function oneLine(message: string): string {
  const line = printableLine(message);
  if (line.length <= longestMessage) return line;
  const half = longestMessage / 2 - 1;
  return `${line.slice(0, half)} … ${line.slice(-half)}`;
}

/** An error whose message is one clear line for the user; anything else that escapes is a bug (exit code 5). */
export class SkyscanError extends Error {
  constructor(
    message: string,
    readonly exitCode: ExitCode,
    options?: ErrorOptions,
  ) {
    super(oneLine(message), options);
    this.name = new.target.name;
  }
}

/** Bad usage or input: says what, where (file, frame, key, byte) and what was expected. */
export class InputError extends SkyscanError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, ExitCode.badInput, options);
  }
}

/** The broker cannot be reached or refuses us. */
export class BrokerError extends SkyscanError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, ExitCode.broker, options);
  }
}

/** Waited too long: clients for work, servers for results. */
export class TimedOut extends SkyscanError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, ExitCode.timeout, options);
  }
}

/** This machine lacks what the work needs (photon tables, a place to unpack the native core): to be tried on another. */
export class MachineError extends SkyscanError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, ExitCode.machine, options);
  }
}

/** An error whose message is the last line of stderr as it stands, since a program reads it there. */
export class LastWords extends SkyscanError {}

/** SIGINT or SIGTERM. */
export class Interrupted extends SkyscanError {
  constructor(message = "interrupted", options?: ErrorOptions) {
    super(message, ExitCode.interrupted, options);
  }
}

/** Why files cannot be written though their folder could, in the system's and SQLite's words; and what it means. */
const diskTroubles: readonly (readonly [code: RegExp, meaning: string])[] = [
  [/^(ENOSPC|EDQUOT|SQLITE_FULL)$/, "the disk is full"],
  [/^(EIO|EFBIG|SQLITE_IOERR.*)$/, "the disk fails, or a limit on file sizes is reached"],
];

/**
 * A file that cannot be written: one line that says which, why, and, where the disk is at fault, what to do.
 * @param cause the system's or SQLite's error
 */
export function unwritable(path: string, cause: unknown): InputError {
  const { code = cause } = cause as NodeJS.ErrnoException;
  const trouble = diskTroubles.find(([pattern]) => pattern.test(String(code)));
  const text = trouble
    ? `cannot be written, ${trouble[1]} (${code}): make room, then run the same command again`
    : `cannot be written (${code})`;
  return new InputError(`${path}: ${text}`, { cause });
}
