import { Command, CommanderError } from "commander";
import { version } from "../../package.json";
import { ExitCode, unwritable } from "../config/errors.ts";
import { logToStderr } from "../config/log.ts";
import { brokerCommand } from "./broker.ts";
import { clientCommand } from "./client.ts";
import { eventCommand } from "./event.ts";
import { fitProcessCommand } from "./fit_process.ts";
import { plotCommand } from "./plot.ts";
import { recoCommand } from "./reco.ts";
import { report } from "./report.ts";
import { resultCommand } from "./result.ts";
import { scanCommand } from "./scan.ts";
import { serverCommand } from "./server.ts";
import { simulateCommand } from "./simulate.ts";
import { skyCommand } from "./sky.ts";
import { statusCommand } from "./status.ts";
import { tablesCommand } from "./tables.ts";

/** The whole command line; each subcommand's flags are in its own file beside this one. */
function program(): Command {
  return new Command("skyscan")
    .description("Localise a neutrino alert: a likelihood scan of the sky.")
    .version(version)
    .showHelpAfterError("(add --help for usage)")
    .addCommand(scanCommand())
    .addCommand(serverCommand())
    .addCommand(clientCommand())
    .addCommand(brokerCommand())
    .addCommand(statusCommand())
    .addCommand(fitProcessCommand(), { hidden: true })
    .addCommand(recoCommand())
    .addCommand(eventCommand())
    .addCommand(plotCommand())
    .addCommand(resultCommand())
    .addCommand(simulateCommand())
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
  logToStderr();
  // Who reads our output may have seen enough (`skyscan … | head`).
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    process.exit(
      error.code === "EPIPE" ? ExitCode.done : report(unwritable("standard output", error)),
    );
  });
  const root = program();
  for (const command of withSubcommands(root)) command.exitOverride();
  try {
    await root.parseAsync([...argv], { from: "user" });
    return ExitCode.done;
  } catch (error) {
    if (error instanceof CommanderError)
      return error.exitCode === 0 ? ExitCode.done : ExitCode.badInput;
    return report(error);
  }
}
