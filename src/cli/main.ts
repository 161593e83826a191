import { Command, CommanderError } from "commander";
import { consola } from "consola";
import { version } from "../../package.json";
import { ExitCode, SkyscanError } from "../config/errors.ts";
import { plotCommand } from "./plot.ts";
import { resultCommand } from "./result.ts";
import { skyCommand } from "./sky.ts";
import { tablesCommand } from "./tables.ts";

/** The whole command line; each subcommand's flags are in its own file beside this one. */
function program(): Command {
  return new Command("skyscan")
    .description("Localise a neutrino alert: a likelihood scan of the sky.")
    .version(version)
    .showHelpAfterError("(add --help for usage)")
    .addCommand(plotCommand())
    .addCommand(resultCommand())
    .addCommand(skyCommand())
    .addCommand(tablesCommand());
}

const withSubcommands = (command: Command): Command[] => [
  command,
  ...command.commands.flatMap(withSubcommands),
];

/**
 * Runs one command line and returns its exit code.
 * @param argv arguments after the program's name
 */
export async function main(argv: readonly string[]): Promise<number> {
  const root = program();
  for (const command of withSubcommands(root)) command.exitOverride();
  try {
    await root.parseAsync([...argv], { from: "user" });
    return ExitCode.done;
  } catch (error) {
    if (error instanceof CommanderError)
      return error.exitCode === 0 ? ExitCode.done : ExitCode.badInput;
    if (error instanceof SkyscanError) {
      consola.error(error.message);
      return error.exitCode;
    }
    consola.error(error);
    return ExitCode.internal;
  }
}
