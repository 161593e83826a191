import { InvalidArgumentError, Option } from "commander";
import { longestTime } from "../config/environment.ts";
import { InputError } from "../config/errors.ts";

/** Variables of the system this replaces, by ours. */
const oldVariables: Readonly<Record<string, string>> = {
  SKYSCAN_BROKER: "SKYSCAN_BROKER_ADDRESS",
  SKYSCAN_AUTH_TOKEN: "SKYSCAN_BROKER_AUTH",
  SKYSCAN_TIMEOUT_TO_CLIENTS: "SKYSCAN_MQ_TIMEOUT_TO_CLIENTS",
  SKYSCAN_TIMEOUT_FROM_CLIENTS: "SKYSCAN_MQ_TIMEOUT_FROM_CLIENTS",
};

/** A flag that SKYSCAN_<FLAG_IN_CAPITALS> can give as well; the flag wins. An empty variable counts as none. */
export function flag(flags: string, description: string, fallback?: unknown): Option {
  const option = new Option(flags, description);
  const name = `SKYSCAN_${option.name().toUpperCase().replaceAll("-", "_")}`;
  const old = oldVariables[name];
  const given = process.env[name] || (old && process.env[old]);
  const isSwitch = !option.required && !option.optional;
  if (!given || (isSwitch && !isOn(given))) delete process.env[name];
  else process.env[name] = given;
  option.env(name);
  if (fallback !== undefined) option.default(fallback);
  return option;
}

/** A number from `least` to `most`. */
export const numberFrom =
  (least: number, unit = "", most = Number.POSITIVE_INFINITY) =>
  (text: string): number =>
    within(`a number${unit && ` of ${unit}`}`, least, most, text, Number.isFinite);

/** A whole number from `least` to `most`. */
export const integerFrom =
  (least: number, most = Number.MAX_SAFE_INTEGER) =>
  (text: string): number =>
    within("a whole number", least, most, text, Number.isSafeInteger);

/** A time to wait or to allow. One beyond a lifetime of a scan is a slip of the pen. */
export const seconds = numberFrom(0.1, "seconds", longestTime);

function within(
  what: string,
  least: number,
  most: number,
  text: string,
  isNumber: (value: number) => boolean,
): number {
  const value = Number(text);
  if (text.trim() !== "" && isNumber(value) && value >= least && value <= most) return value;
  const isOpen = most === Number.POSITIVE_INFINITY || most === Number.MAX_SAFE_INTEGER;
  const range = isOpen ? `at least ${least}` : `${least} to ${most}`;
  throw new InvalidArgumentError(`Expected ${what}, ${range}, not "${text.slice(0, 60)}".`);
}

/** Fit processes on one machine: a few times the threads of the largest there are. */
export const mostWorkers = 1024;

/** Words of a repeated flag or of an environment variable ("8:0 64:12"). */
export const words = (text: string, before: readonly string[] | undefined): string[] => [
  ...(before ?? []),
  ...text.split(/[\s,]+/).filter((word) => word !== ""),
];

/** The flags about what kind of event it is, at most one of them; undefined: the event's own mark counts. */
export function isRealEvent(flags: {
  realEvent?: boolean;
  simulatedEvent?: boolean;
}): boolean | undefined {
  if (flags.realEvent && flags.simulatedEvent)
    throw new InputError("--real-event and --simulated-event exclude each other");
  if (flags.simulatedEvent) return false;
  return flags.realEvent ? true : undefined;
}

/** The environment's way to switch a flag on: anything but "", "0", "false", "no". */
const isOn = (text: string): boolean => !/^(|0|false|no)$/i.test(text);
