/** Flags whose value is a secret; files of secrets are not. */
const secretFlag = /^(?:-a|--[a-z-]*(?:token|password|secret|auth))$/;

/**
 * A command line for the record: as a shell takes it, what is secret left out.
 * @param argv arguments after the program's name
 */
export function commandLine(argv: readonly string[]): string {
  const words = argv.map((word, i) => {
    if (secretFlag.test(argv[i - 1] ?? "")) return "…";
    const [name, value] = split(word);
    if (value !== undefined && secretFlag.test(name)) return `${name}=…`;
    // -aTOKEN, as short flags may be written.
    if (/^-a./.test(word)) return "-a…";
    // user:password@host, with and without a scheme before it.
    return quoted(word.replace(/((?:^|\/\/|=)[^/@:\s]*:)[^@\s]*@/g, "$1…@"));
  });
  return ["skyscan", ...words].join(" ");
}

/** --flag=value */
function split(word: string): [string, string | undefined] {
  const at = word.indexOf("=");
  return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}

const quoted = (word: string): string =>
  /^[\w@%+=:,./…-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
