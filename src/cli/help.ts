import { Command } from "commander";
import { InputError } from "../config/errors.ts";
import { print } from "../config/print.ts";
import { pages } from "../docs/pages.ts";

const topics = Object.keys(pages).sort();

/** `skyscan help`: a page for users, or how a command is used. @param root the whole command line */
export function helpCommand(root: Command): Command {
  return (
    new Command("help")
      .description(`Show how a command is used, or a page about: ${topics.join(", ")}.`)
      .argument("[topic...]", "a page, or a command's name")
      // Commander's own --help would answer a wrong topic as if all were well.
      .helpOption(false)
      .option("-h, --help", "the same")
      .addHelpText("after", "\nExamples:\n  skyscan help formats\n  skyscan help result convert")
      .action((words: string[]) => {
        const [topic, ...rest] = words;
        const page = topic !== undefined && rest.length === 0 && Object.hasOwn(pages, topic);
        if (page) print(pages[topic]!);
        else print(commandNamed(root, words).helpInformation());
      })
  );
}

/** The command that words lead to, e.g. "result", "convert". */
function commandNamed(root: Command, words: readonly string[]): Command {
  return words.reduce((command, word) => {
    const next = command.commands.find((known) => known.name() === word);
    if (next === undefined)
      throw new InputError(
        `there is no "${word}"; "skyscan help" lists the commands, and pages are about ${topics.join(", ")}`,
      );
    return next;
  }, root);
}
