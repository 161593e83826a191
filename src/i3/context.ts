import { InputError } from "../config/errors.ts";

/**
 * Runs `read`; an InputError out of it is passed on with `where` in front, so that the message a user sees
 * leads from the file through frame and key to the byte.
 */
export function inContext<T>(where: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw placed(where, error);
  }
}

/** The same error, said to have happened at `where`. What is no InputError passes unchanged. */
export function placed(where: string, error: unknown): unknown {
  if (error instanceof InputError)
    return new InputError(`${where}: ${error.message}`, { cause: error });
  return error;
}
