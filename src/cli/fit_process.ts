import { Command } from "commander";
import { runFitProcess } from "../client/fit_process.ts";
import { fitProcessName } from "./process_names.ts";

/** Runs fits for the client process that started it. */
export function fitProcessCommand(): Command {
  return new Command(fitProcessName)
    .description("(internal) run fits for a client")
    .action(async () => {
      await runFitProcess(
        async (setup) => {
          if (setup.experiments === undefined)
            return await (await import("../client/fits.ts")).openFits(setup);
          const { openExperiments } = await import("../calibrate/experiment_fits.ts");
          return await openExperiments(setup);
        },
        async () => (await import("../client/fits.ts")).warmUp(),
      );
    });
}
