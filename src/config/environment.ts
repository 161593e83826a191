import { InputError } from "./errors.ts";

/** The longest time that can be meant, s: ten years. */
export const longestTime = 10 * 365.25 * 86_400;

/** The shortest interval, s: what is done more often leaves no time for anything else. */
const shortestInterval = 0.01;

/**
 * A positive number of seconds from the environment.
 * @returns `fallback` where the variable is absent or empty
 * Throws InputError for what is no such time.
 */
export function secondsFrom(variable: string, fallback: number): number {
  const text = process.env[variable];
  if (text === undefined || text.trim() === "") return fallback;
  const value = Number(text);
  if (!(value >= shortestInterval && value <= longestTime))
    throw new InputError(
      `${variable}: expected a number of seconds, ${shortestInterval} to ${longestTime}, not "${text}"`,
    );
  return value;
}

/** How often the manifest and the status topic are renewed, s. */
export const progressInterval = (): number => secondsFrom("SKYSCAN_PROGRESS_INTERVAL_SEC", 60);

/** How often the partial result is written, s. */
export const resultInterval = (): number => secondsFrom("SKYSCAN_RESULT_INTERVAL_SEC", 120);

/** How long a connection once made may stay lost before the process gives up, s. */
export const brokerPatience = (): number => secondsFrom("SKYSCAN_BROKER_PATIENCE_SEC", 600);

/** How often a client says that it lives, s; three of them missed and it counts as gone. */
export const heartbeatInterval = (): number => secondsFrom("SKYSCAN_HEARTBEAT_SEC", 20);
