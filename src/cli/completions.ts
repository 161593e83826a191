import { Argument, Command } from "commander";
import { print } from "../config/print.ts";
import { type CommandOutline, type FlagOutline, outlineOf } from "./outline.ts";

/** Completions of the command line for shells, made of the same flags as its help. */

const writers = { bash: bashCompletions, zsh: zshCompletions, fish: fishCompletions } as const;
export type Shell = keyof typeof writers;
export const shells = Object.keys(writers) as Shell[];

/** The completions of a command line. @param outline from the program itself on */
export const completionsFor = (shell: Shell, outline: readonly CommandOutline[]): string =>
  writers[shell](outline);

/** `skyscan completions`. @param root the whole command line */
export function completionsCommand(root: Command): Command {
  return new Command("completions")
    .description("Print completions of the command line for a shell.")
    .addArgument(new Argument("<shell>", "whose").choices(shells))
    .addHelpText(
      "after",
      `
Examples:
  source <(skyscan completions bash)
  skyscan completions zsh > ~/.zfunc/_skyscan      # a folder of $fpath
  skyscan completions fish > ~/.config/fish/completions/skyscan.fish`,
    )
    .action((shell: Shell) => print(completionsFor(shell, outlineOf(root))));
}

/** In single quotes, as all three shells take it. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** One line without what a shell might see in it. */
const plain = (text: string): string => text.replaceAll(/\s+/g, " ").replaceAll(/[[\]:`$\\"]/g, "");

const namesOf = (flags: readonly FlagOutline[]): string[] => flags.flatMap(({ names }) => names);

/** Words that lead to commands, each as one text. */
const pathsOf = (outline: readonly CommandOutline[]): string[] =>
  outline.map(({ path }) => path.join(" ")).filter((path) => path !== "");

/** Shell code that finds the words of the command line that lead to a command. */
const caseOfPaths = (outline: readonly CommandOutline[], step: string): string =>
  `${pathsOf(outline).map(quoted).join("|")}) ${step} ;;`;

function bashCompletions(outline: readonly CommandOutline[]): string {
  const branches = outline.map(({ path, commands, words, flags }) => {
    const choices = flags
      .filter((flag) => flag.choices.length > 0)
      .map((flag) => `      ${flag.names.join("|")}) values=${quoted(flag.choices.join(" "))} ;;`);
    const taking = namesOf(flags.filter((flag) => flag.takes !== "" && flag.choices.length === 0));
    return `    ${quoted(path.join(" "))})
      commands=${quoted([...commands, ...words].join(" "))}
      flags=${quoted(namesOf(flags).join(" "))}
      case "$previous" in
${[...choices, ...(taking.length > 0 ? [`      ${taking.join("|")}) values=FILES ;;`] : [])].join("\n")}
      esac ;;`;
  });
  return `# bash completions of skyscan: source this file, or put it into a folder of bash-completion.
_skyscan() {
  local current previous path='' word commands='' flags='' values=''
  current=\${COMP_WORDS[COMP_CWORD]}
  previous=\${COMP_WORDS[COMP_CWORD-1]}
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${path:+$path }$word" in
      ${caseOfPaths(outline, `path="\${path:+$path }$word"`)}
    esac
  done
  case "$path" in
${branches.join("\n")}
  esac
  if [ "$values" = FILES ]; then
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$current"))
  elif [ -n "$values" ]; then
    COMPREPLY=($(compgen -W "$values" -- "$current"))
  elif [ "\${current#-}" != "$current" ]; then
    COMPREPLY=($(compgen -W "$flags" -- "$current"))
  elif [ -n "$commands" ]; then
    COMPREPLY=($(compgen -W "$commands" -- "$current"))
  else
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$current"))
  fi
}
complete -F _skyscan skyscan
`;
}

function zshCompletions(outline: readonly CommandOutline[]): string {
  const descriptions = new Map(
    outline.map(({ path, description }) => [path.join(" "), description]),
  );
  const branches = outline.map(({ path, commands, words, flags }) => {
    const here = path.join(" ");
    const specs = flags.flatMap(({ names, takes, choices, description }) =>
      names.map((name) => {
        const values = choices.length > 0 ? `(${choices.join(" ")})` : "_files";
        const value = takes === "" ? "" : `:${plain(takes.replaceAll(/[<>.]/g, ""))}:${values}`;
        return quoted(`${name}[${plain(description)}]${value}`);
      }),
    );
    const below = commands.map((name) => {
      const description = descriptions.get([...path, name].join(" ")) ?? "";
      return quoted(`${name}:${plain(description)}`);
    });
    const known = [...below, ...words.map((word) => quoted(`${word}:page`))];
    const others = known.length > 0 ? quoted("*: :_skyscan_commands") : quoted("*: :_files");
    return `    ${quoted(here)})
      skyscan_commands=(${known.join(" ")})
      _arguments ${[...specs, others].join(" \\\n        ")} ;;`;
  });
  return `#compdef skyscan
# zsh completions of skyscan: put this file as _skyscan into a folder of $fpath.
_skyscan_commands() { _describe command skyscan_commands; }
_skyscan() {
  local here='' word
  local -a skyscan_commands
  for word in \${words[2,CURRENT-1]}; do
    case "\${here:+$here }$word" in
      ${caseOfPaths(outline, `here="\${here:+$here }$word"`)}
    esac
  done
  case "$here" in
${branches.join("\n")}
  esac
}
if [ "$funcstack[1]" = _skyscan ]; then _skyscan "$@"; else compdef _skyscan skyscan; fi
`;
}

function fishCompletions(outline: readonly CommandOutline[]): string {
  const lines = outline.flatMap(({ path, commands, words, flags }) => {
    const here = `complete -c skyscan -n ${quoted(`__skyscan_at ${quoted(path.join(" "))}`.replaceAll("'", '"'))}`;
    const below = commands.map((name) => {
      const next = outline.find((one) => one.path.join(" ") === [...path, name].join(" "));
      return `${here} -f -a ${name} -d ${quoted(plain(next?.description ?? ""))}`;
    });
    const pages = words.map((word) => `${here} -f -a ${word}`);
    const options = flags.map(({ names, takes, choices, description }) => {
      const spelled = names.map((name) =>
        name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`,
      );
      const value =
        takes === "" ? "" : choices.length > 0 ? ` -x -a ${quoted(choices.join(" "))}` : " -r";
      return `${here} ${spelled.join(" ")}${value} -d ${quoted(plain(description))}`;
    });
    return [...below, ...pages, ...options];
  });
  return `# fish completions of skyscan: put this file into ~/.config/fish/completions.
function __skyscan_at
    set -l here ''
    for word in (commandline -opc)[2..-1]
        set -l next (string trim "$here $word")
        switch $next
            case ${pathsOf(outline).map(quoted).join(" ")}
                set here $next
        end
    end
    test "$here" = "$argv[1]"
end
${lines.join("\n")}
`;
}
