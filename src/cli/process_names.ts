/** The hidden subcommands that only we start: fits for a client, and pseudo-experiments. */
export const fitProcessName = "fit-process";
export const experimentProcessName = "experiment-process";
