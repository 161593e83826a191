/** The command line that runs this program again: the executable, or Bun with the entry's source. */
export function selfCommand(): string[] {
  // A compiled executable's own files live in this file system.
  const isCompiled = Bun.main.startsWith("/$bunfs/");
  return isCompiled ? [process.execPath] : [process.execPath, Bun.main];
}
