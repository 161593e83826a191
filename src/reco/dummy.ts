import { InputError } from "../config/errors.ts";
import { uniformNumbers } from "../config/random.ts";
import type { Detector } from "../detector/detector.ts";
import type { Event } from "../event/event.ts";
import { keysOf } from "../event/objects.ts";
import type { PulseMap } from "../i3/pulses.ts";
import { ALWAYS } from "../pulses/exclusions.ts";
import { basePulses, heseVertex, inputNames } from "../pulses/inputs.ts";
import { hlcPulses } from "../pulses/local_coincidence.ts";
import type { Fit, FitTask, Fitter, FitterOptions, PreparedEvent, Reco } from "./reco.ts";
import { point } from "./variations.ts";

/** How long a dummy fit takes, s. */
const DEFAULT_SECONDS: readonly [number, number] = [1, 3];

/** Random results after a random time: everything of a scan but the physics. */
export const dummy: Reco = {
  name: "dummy",
  seeds: {
    variations: point(),
    rotateVertex: true,
    refineTime: true,
    addFallbackPosition: false,
  },
  prepare,
  open: (_, __, options) => openDummy(options),
};

function prepare(event: Event, detector: Detector): PreparedEvent {
  const hasPulses = keysOf(event).includes(inputNames(event).pulses);
  const hlc: PulseMap = hasPulses ? hlcPulses(basePulses(event)) : new Map();
  return {
    detector,
    pulses: { hlc, cleaned: hlc },
    cleaned: hlc,
    hlc,
    vertex: heseVertex(event) ?? { x: 0, y: 0, z: 0, time: 0 },
    exclusions: new Map(),
    readoutWindow: ALWAYS,
  };
}

function openDummy(options?: FitterOptions): Fitter {
  const [least, most] = dummySeconds();
  return {
    fit: async (_, task) => {
      const random = generator(options?.seed, task);
      const fit: Fit = {
        llh: random(),
        x: random(),
        y: random(),
        z: random(),
        time: random(),
        energy: random(),
        E_in: random(),
        E_tot: random(),
        evaluations: 1,
      };
      await Bun.sleep(1000 * (least + (most - least) * random()));
      return fit;
    },
    evaluate: () => ({ llh: generator(options?.seed)() }),
    close: () => {},
  };
}

/** SKYSCAN_DUMMY_SECONDS=a,b: fits take between a and b seconds. */
function dummySeconds(): readonly [number, number] {
  const text = process.env.SKYSCAN_DUMMY_SECONDS;
  if (!text) return DEFAULT_SECONDS;
  const [a = Number.NaN, b = Number.NaN, ...more] = text.split(",").map(Number);
  if (!(0 <= a && a <= b && Number.isFinite(b)) || more.length > 0)
    throw new InputError(
      `SKYSCAN_DUMMY_SECONDS is "${text}": expected two numbers of seconds, least,most`,
    );
  return [a, b];
}

/** Uniform numbers: with a seed, they depend on it and the task alone. */
function generator(seed: number | undefined, task?: FitTask): () => number {
  if (seed === undefined) return Math.random;
  const { nside = 0, pixel = 0, posvar = 0 } = task ?? {};
  return uniformNumbers(seed, nside, pixel, posvar);
}
