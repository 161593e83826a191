import { Command, CommanderError } from "commander";
import { version } from "../../package.json";
import { ExitCode, InputError, unwritable } from "../config/errors.ts";
import { logToStderr } from "../config/log.ts";
import { printable } from "../config/print.ts";
import { batchCommand } from "./batch.ts";
import { brokerCommand } from "./broker.ts";
import { calibrateCommand } from "./calibrate.ts";
import { clientCommand } from "./client.ts";
import { completionsCommand } from "./completions.ts";
import { coverageCommand } from "./coverage.ts";
import { eventCommand } from "./event.ts";
import { experimentProcessCommand, experimentProcessName } from "./experiment_process.ts";
import { fitProcessCommand, fitProcessName } from "./fit_process.ts";
import { helpCommand } from "./help.ts";
import { lightCommand } from "./light.ts";
import { joinNsides } from "./nsides.ts";
import { plotCommand } from "./plot.ts";
import { recoCommand } from "./reco.ts";
import { report } from "./report.ts";
import { resultCommand } from "./result.ts";
import { scanCommand } from "./scan.ts";
import { serveCommand } from "./serve.ts";
import { serverCommand } from "./server.ts";
import { simulateCommand } from "./simulate.ts";
import { skyCommand } from "./sky.ts";
import { skydriverCommand } from "./skydriver.ts";
import { statusCommand } from "./status.ts";
import { tablesCommand } from "./tables.ts";

/** The whole command line; each subcommand's flags are in its own file beside this one. */
export function program(): Command {
  const root = new Command("skyscan");
  return root
    .description("Localise a neutrino alert: a likelihood scan of the sky.")
    .version(version)
    .showHelpAfterError("(add --help for usage)")
    .addCommand(scanCommand())
    .addCommand(batchCommand())
    .addCommand(serverCommand())
    .addCommand(clientCommand())
    .addCommand(brokerCommand())
    .addCommand(serveCommand())
    .addCommand(statusCommand())
    .addCommand(fitProcessCommand(), { hidden: true })
    .addCommand(calibrateCommand())
    .addCommand(coverageCommand())
    .addCommand(experimentProcessCommand(), { hidden: true })
    .addCommand(recoCommand())
    .addCommand(eventCommand())
    .addCommand(lightCommand())
    .addCommand(plotCommand())
    .addCommand(resultCommand())
    .addCommand(simulateCommand())
    .addCommand(skyCommand())
    .addCommand(skydriverCommand())
    .addCommand(tablesCommand())
    .addCommand(completionsCommand(root))
    .helpCommand(false)
    .addCommand(helpCommand(root));
}

/** What is started by ourselves only. */
const internal = new Set([fitProcessName, experimentProcessName]);

const withSubcommands = (command: Command): Command[] => [
  command,
  ...command.commands.flatMap(withSubcommands),
];

/** Commander answers a wrong name beside --help with the help, as if all were well. @returns what is wrong */
function unknownCommand(root: Command, argv: readonly string[]): InputError | undefined {
  let command = root;
  for (const word of argv) {
    if (word.startsWith("-") || command.commands.length === 0) return undefined;
    // The root's own help says for itself what it does not know.
    if (word === "help" && command === root) return undefined;
    if (word === "help") continue;
    const next = command.commands.find((known) => known.name() === word);
    if (next === undefined) {
      const names = command.commands.map((known) => known.name());
      const possible = names.filter((name) => !internal.has(name)).join(", ");
      return new InputError(`there is no "${word}"; expected one of ${possible}`);
    }
    command = next;
  }
  return undefined;
}

/**
 * Runs one command line and returns its exit code.
 * @param argv arguments after the program's name
 */
export async function main(argv: readonly string[]): Promise<number> {
  logToStderr();
  // Who reads our output may have seen enough (`skyscan … | head`).
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    process.exit(
      error.code === "EPIPE"
        ? (process.exitCode ?? ExitCode.done)
        : report(unwritable("standard output", error)),
    );
  });
  // A log nobody reads any more, or that finds no room, is no reason to lose a scan.
  process.stderr.on("error", () => {});
  // What nobody waited for is a bug like any other: not Bun's dump of the source, and never unnoticed.
  const broken = (error: unknown) => process.exit(report(error));
  process.on("unhandledRejection", broken);
  process.on("uncaughtException", broken);
  const root = program();
  for (const command of withSubcommands(root)) {
    command.exitOverride();
    command.configureOutput({ writeErr: (text) => void process.stderr.write(printable(text)) });
  }
  const unknown = unknownCommand(root, argv);
  if (unknown !== undefined) return report(unknown);
  try {
    await root.parseAsync(joinNsides(argv), { from: "user" });
    return ExitCode.done;
  } catch (error) {
    if (error instanceof CommanderError)
      return error.exitCode === 0 ? ExitCode.done : ExitCode.badInput;
    return report(error);
  }
}
