import { afterAll, test } from "bun:test";
import { openStage, signals } from "../signal_sweep.ts";

const stage = await openStage();
afterAll(() => stage.close());

/** While the program loads, while it reads its event, while it works; the sweep of all is for the long tests. */
const moments = [0.1, 1.5, 2.5, 4].map((times) => Math.round(times * stage.loading));

test.each(stage.subcommands.map((name, n) => [name, n] as const))(
  "signals end %s within 10 s",
  async (subcommand, n) => {
    await Promise.all(
      signals.map((signal, k) => stage.send(subcommand, signal, moments[(n + k) % 4]!)),
    );
  },
);
