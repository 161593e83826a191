import { InvalidArgumentError, Option } from "commander";
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

/** A number at least `least`. */
export const numberFrom =
  (least: number, unit = "") =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() !== "" && Number.isFinite(value) && value >= least) return value;
    throw new InvalidArgumentError(
      `Expected a number${unit && ` of ${unit}`}, at least ${least}, not "${text}".`,
    );
  };

/** A whole number at least `least`. */
export const integerFrom =
  (least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() !== "" && Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`Expected a whole number, at least ${least}, not "${text}".`);
  };

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
