import { ExitCode, InputError } from "../config/errors.ts";
import { dummy } from "./dummy.ts";
import type { Reco } from "./reco.ts";

const DEFAULT_PROBABILITY = 0.5;

/**
 * The dummy that, at times, takes its process down or hangs for ever: a test of whoever runs the fits.
 * Whether it does is never decided by the seed, or a fit tried again would fail for good.
 */
export const crashDummy: Reco = {
  ...dummy,
  name: "crash_dummy",
  open: (prepared, light, options) => {
    const probability = crashProbability();
    const fitter = dummy.open(prepared, light, options);
    return {
      ...fitter,
      fit: async (seed, task) => {
        const fit = await fitter.fit(seed, task);
        if (Math.random() < probability) fail();
        return fit;
      },
    };
  },
};

function fail(): never {
  if (Math.random() < 0.5) {
    process.stderr.write("crash_dummy: crashing on purpose\n");
    process.exit(ExitCode.internal);
  }
  process.stderr.write("crash_dummy: hanging on purpose\n");
  // Deaf to everything but SIGKILL and signals nobody handles, without burning a core.
  const never = new Int32Array(new SharedArrayBuffer(4));
  for (;;) Atomics.wait(never, 0, 0);
}

/** _SKYSCAN_CI_CRASH_DUMMY_PROBABILITY, in [0, 1]. */
function crashProbability(): number {
  const text = process.env._SKYSCAN_CI_CRASH_DUMMY_PROBABILITY;
  if (!text) return DEFAULT_PROBABILITY;
  const value = Number(text);
  if (!(value >= 0 && value <= 1))
    throw new InputError(
      `_SKYSCAN_CI_CRASH_DUMMY_PROBABILITY is "${text}": expected a number from 0 to 1`,
    );
  return value;
}
