import type { Command, Option } from "commander";
import { pages } from "../docs/pages.ts";
import { recoNames } from "../reco/registry.ts";

/** The command line as data: what completions and the manual page are made of. */

export interface FlagOutline {
  /** "--output-dir", "-o". */
  readonly names: readonly string[];
  /** What it takes, as its usage writes it: "<dir>"; empty: nothing. */
  readonly takes: string;
  /** The words it takes, where there are only so many. */
  readonly choices: readonly string[];
  readonly description: string;
  /** As the help shows it, default and variable included. */
  readonly term: string;
}

export interface CommandOutline {
  /** Words that lead to it: ["result", "convert"]; none: the program itself. */
  readonly path: readonly string[];
  readonly usage: string;
  readonly description: string;
  /** Names of the commands below it. */
  readonly commands: readonly string[];
  /** Words for its first argument, where there are only so many. */
  readonly words: readonly string[];
  readonly flags: readonly FlagOutline[];
}

/** What users see of a command and all below it, from the root on. */
export function outlineOf(command: Command, path: readonly string[] = []): CommandOutline[] {
  const help = command.createHelp();
  // Commander's own "help" below a command says what --help says.
  const below = help
    .visibleCommands(command)
    .filter((next) => path.length === 0 || next.name() !== "help");
  const own: CommandOutline = {
    path,
    usage: help.commandUsage(command),
    description: command.description(),
    commands: below.map((next) => next.name()),
    words: wordsOf(command, path),
    flags: help.visibleOptions(command).map(flagOutline),
  };
  return [own, ...below.flatMap((next) => outlineOf(next, [...path, next.name()]))];
}

function flagOutline(option: Option): FlagOutline {
  const takes = /[<[].*/.exec(option.flags)?.[0] ?? "";
  return {
    names: [option.long, option.short].filter((name) => name !== undefined && name !== null),
    takes,
    choices: option.argChoices ?? (option.long === "--reco-algo" ? recoNames : []),
    description: option.description,
    term: option.flags,
  };
}

function wordsOf(command: Command, path: readonly string[]): readonly string[] {
  if (path.length === 1 && path[0] === "help") return Object.keys(pages).sort();
  return command.registeredArguments[0]?.argChoices ?? [];
}
