import { Command, CommanderError } from "commander";
import { version } from "../../package.json";
import { ExitCode, InputError, unwritable } from "../config/errors.ts";
import { logToStderr } from "../config/log.ts";
import { printable } from "../config/print.ts";
import { joinNsides } from "./nsides.ts";
import { experimentProcessName, fitProcessName } from "./process_names.ts";
import { report } from "./report.ts";

/** What is started by ourselves only. */
const internal: ReadonlySet<string> = new Set([fitProcessName, experimentProcessName]);

/**
 * The subcommands, in the order in which help lists them, each with its flags in a file of its own beside this one. Loaded
 * when they are asked for: every start of the program, and every fit process is one, would pay for all of them.
 */
const subcommands: Readonly<Record<string, (root: Command) => Promise<Command>>> = {
  scan: async () => (await import("./scan.ts")).scanCommand(),
  batch: async () => (await import("./batch.ts")).batchCommand(),
  server: async () => (await import("./server.ts")).serverCommand(),
  client: async () => (await import("./client.ts")).clientCommand(),
  broker: async () => (await import("./broker.ts")).brokerCommand(),
  serve: async () => (await import("./serve.ts")).serveCommand(),
  status: async () => (await import("./status.ts")).statusCommand(),
  [fitProcessName]: async () => (await import("./fit_process.ts")).fitProcessCommand(),
  calibrate: async () => (await import("./calibrate.ts")).calibrateCommand(),
  coverage: async () => (await import("./coverage.ts")).coverageCommand(),
  [experimentProcessName]: async () =>
    (await import("./experiment_process.ts")).experimentProcessCommand(),
  reco: async () => (await import("./reco.ts")).recoCommand(),
  event: async () => (await import("./event.ts")).eventCommand(),
  light: async () => (await import("./light.ts")).lightCommand(),
  plot: async () => (await import("./plot.ts")).plotCommand(),
  result: async () => (await import("./result.ts")).resultCommand(),
  simulate: async () => (await import("./simulate.ts")).simulateCommand(),
  sky: async () => (await import("./sky.ts")).skyCommand(),
  skydriver: async () => (await import("./skydriver.ts")).skydriverCommand(),
  tables: async () => (await import("./tables.ts")).tablesCommand(),
  completions: async (root) => (await import("./completions.ts")).completionsCommand(root),
  help: async (root) => (await import("./help.ts")).helpCommand(root),
};

/** These speak of all the others, and these of none. */
const aboutAll: ReadonlySet<string> = new Set(["completions", "help"]);
const aboutNone: ReadonlySet<string> = new Set(["--version", "-V"]);

/** @param word the first of a command line @returns the subcommands it may need */
function needed(word: string | undefined): readonly string[] {
  const all = Object.keys(subcommands);
  if (word === undefined || aboutAll.has(word)) return all;
  if (aboutNone.has(word)) return [];
  return Object.hasOwn(subcommands, word) ? [word] : all;
}

/** The command line, or as much of it as one that begins with this word needs. */
export async function program(firstWord?: string): Promise<Command> {
  const root = new Command("skyscan")
    .description("Localise a neutrino alert: a likelihood scan of the sky.")
    .version(version)
    .showHelpAfterError("(add --help for usage)")
    .helpCommand(false);
  for (const name of needed(firstWord))
    root.addCommand(await subcommands[name]!(root), { hidden: internal.has(name) });
  return root;
}

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
  const root = await program(argv[0]);
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
