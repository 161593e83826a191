import { InvalidArgumentError, Option } from "commander";
import { InputError } from "../config/errors.ts";

/** A flag that SKYSCAN_<FLAG_IN_CAPITALS> can give as well; the flag wins. */
export function flag(flags: string, description: string, fallback?: unknown): Option {
  const option = new Option(flags, description);
  option.env(`SKYSCAN_${option.name().toUpperCase().replaceAll("-", "_")}`);
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

/** The flags about what kind of event it is; at most one of them. */
export function isRealEvent(flags: { realEvent?: boolean; simulatedEvent?: boolean }): boolean {
  if (flags.realEvent && flags.simulatedEvent)
    throw new InputError("--real-event and --simulated-event exclude each other");
  return !flags.simulatedEvent;
}

/** The environment's way to switch a flag on: anything but "", "0", "false", "no". */
export const isOn = (text: string | boolean): boolean =>
  typeof text === "boolean" ? text : !/^(|0|false|no)$/i.test(text);
