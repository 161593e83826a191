import { afterAll, describe, test } from "bun:test";
import { openStage, signals } from "../signal_sweep.ts";

const stage = await openStage();
afterAll(() => stage.close());

/** Every so many ms of a subcommand's first seconds. */
const step = 25;
const last = 4 * stage.loading;
const atOnce = 4;

describe.each(stage.subcommands)("%s", (subcommand) => {
  test.each(signals)("%s at any moment ends it within 10 s", async (signal) => {
    const moments = Array.from({ length: Math.ceil(last / step) }, (_, n) => n * step);
    for (let n = 0; n < moments.length; n += atOnce)
      await Promise.all(
        moments.slice(n, n + atOnce).map((ms) => stage.send(subcommand, signal, ms)),
      );
  });
});
