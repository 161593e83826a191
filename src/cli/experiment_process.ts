import { Command } from "commander";
import { experimentProcessName } from "./process_names.ts";

/** Runs pseudo-experiments for the process that started it. */
export function experimentProcessCommand(): Command {
  return new Command(experimentProcessName)
    .description("(internal) run pseudo-experiments")
    .action(async () => {
      const { runExperimentProcess } = await import("../calibrate/experiment_process.ts");
      await runExperimentProcess();
    });
}
