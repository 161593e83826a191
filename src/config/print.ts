/**
 * Characters that steer a terminal, or make a text read other than it stands: C0 and C1 controls but tab and newline,
 * line and paragraph separators, marks that turn the direction of writing.
 */
const steering =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * A text that may come from outside (host names, reasons, event and file names), made harmless to a terminal. What
 * steers one is shown as JSON writes it, so that a JSON document keeps its meaning.
 */
export const printable = (text: string): string =>
  text.replace(steering, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** The same for a text that is one line of a log: no line is to be made up from outside. */
export const printableLine = (text: string): string => printable(text).replaceAll("\n", "\\n");

let written: Promise<void> = Promise.resolve();

/** Writes to the standard output, as everything must that goes there. */
export const print = (text: string): void => {
  written = new Promise((resolve) => {
    // Where it fails the program ends: the output's own error handler sees to it.
    process.stdout.write(printable(text), (error) => {
      if (!error) resolve();
    });
  });
};

/** Fulfilled when the last of it is on its way: a pipe takes 64 KiB at a time, and what waits dies with the process. */
export const printed = (): Promise<void> => written;
