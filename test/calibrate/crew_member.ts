/** Stands for a process that runs pseudo-experiments: answers at once, ends itself or refuses as its numbers say. */
import type { ToExperimentProcess } from "../../src/calibrate/experiment_process.ts";

/** Ends the process; a number that fails; an input that is refused is a seed of 13. */
const [CRASHES, FAILS, UNLUCKY] = [7, 5, 13];

process.on("disconnect", () => process.exit(0));
process.on("message", (message: ToExperimentProcess) => {
  if (message.kind === "open") {
    const { seed } = message.request;
    if (seed === UNLUCKY) process.send!({ kind: "refused", message: "no such light", exitCode: 2 });
    else process.send!({ kind: "ready", light: "embedded", detector: "built-in" });
    return;
  }
  const { k } = message;
  if (k === CRASHES) process.kill(process.pid, "SIGKILL");
  else if (k === FAILS) process.send!({ kind: "failed", k, reason: "no light" });
  else process.send!({ kind: "done", k, outcome: { k, ts: k / 2, error: k / 10 } });
});
