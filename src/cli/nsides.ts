import type { Option } from "commander";
import { words } from "./flags.ts";

/** What begins like a stage of a progression, right or wrong: "64:12", "64". */
const stage = /^\d+(:|$)/;

/**
 * The command line with the words after --nsides made one: "--nsides 8:0 64:12 alert.json" ends where no stage stands,
 * and the alert is the alert.
 */
export function joinNsides(argv: readonly string[]): string[] {
  const joined: string[] = [];
  for (const word of argv) {
    const isNext = stage.test(word) && joined.at(-2) === "--nsides" && stage.test(joined.at(-1)!);
    if (isNext) joined.push(`${joined.pop()} ${word}`);
    else joined.push(word);
  }
  return joined;
}

/** --nsides as Commander is to read it: {@link joinNsides} has made its words one, and no other is taken. */
export function nsidesOf(option: Option): Option {
  option.variadic = false;
  return option.argParser(words);
}
