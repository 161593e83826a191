import { InputError } from "../config/errors.ts";
import type { Detector, Dom } from "../detector/detector.ts";
import type { Event } from "../event/event.ts";
import type { Flood } from "../geometry/minima.ts";
import type { Seed } from "../geometry/track.ts";
import type { Pulse } from "../i3/pulses.ts";
import type { LightModel } from "../native/light.ts";
import {
  type DirectionMinima,
  type FirstPulse,
  openSplineMpe,
  type SplineMpe,
  type SplineMpeFit,
} from "../native/splinempe.ts";
import { basePulses } from "../pulses/inputs.ts";
import { hlcPulses } from "../pulses/local_coincidence.ts";
import { cleanSeededRt } from "../pulses/seeded_rt.ts";
import { iceCubePulses } from "../pulses/strings.ts";
import { cleanTimeWindow, pulseSpan } from "../pulses/time_window.ts";
import { estimateEnergy } from "./energy.ts";
import { firstVertex } from "./first_vertex.ts";
import { middleOf, placeOf, vertexOf } from "./places.ts";
import type {
  DirectionFits,
  EnergyEstimate,
  Fit,
  Fitter,
  Place,
  PreparedEvent,
  Reco,
  SeedSettings,
} from "./reco.ts";
import { cylinder } from "./variations.ts";

/** Length of the window with most pulses, ns: IceCube's standard for muons. */
const TIME_WINDOW = 6000;
/** Charges (PE) the vertex seed asks for: the HESE selection's, else what faint events have. */
const SEED_THRESHOLDS = [250, 5];

const seeds: SeedSettings = {
  variations: cylinder(),
  rotateVertex: true,
  refineTime: true,
  addFallbackPosition: true,
};

/**
 * Of a direction's minima four are enough, and what is 15 llh above the best is nobody's: measured on three alerts. Starts
 * 10 m apart lead as low as those 6 m apart do (of 3008 pixels 34 end higher by 0.1, 38 lower) with a twentieth fewer calls.
 * One pixel in 16 of the second map is searched whole: of 2432 pixels of nside 64 of these 15 ended higher than 0.1.0's by
 * 0.1 and more, 24 without, and it takes a fortieth of the time.
 */
const flood: Flood = {
  most: 4,
  margin: 15,
  separation: 10,
  known: 5,
  rounds: 4,
  sown: 4,
  sownWithin: 0,
  searched: 16,
};

/** Of three alerts' twelve best pixels of nside 8 three at least led to the lowest track. */
const freeStarts = 12;

/** Track likelihood on the first pulse of each DOM ("SplineMPE max"); free vertex, fixed time. */
export const splinempe: Reco = {
  name: "splinempe",
  likelihood: "first photons",
  seeds,
  light: "muon",
  flood,
  freeStarts,
  prepare,
  open,
};

function prepare(event: Event, detector: Detector, light: LightModel | undefined): PreparedEvent {
  const base = basePulses(event);
  const hlc = hlcPulses(base);
  const rt = cleanSeededRt(base, detector);
  const time_window = cleanTimeWindow(rt, TIME_WINDOW);
  const ic = iceCubePulses(time_window);
  const readoutWindow = pulseSpan(ic);
  if (!readoutWindow)
    throw new InputError(
      "no pulses are left on strings 1 to 78 after cleaning: splinempe has nothing to fit",
    );
  const energy = estimateEnergy(event, ic, detector, light);
  return {
    detector,
    pulses: { hlc, rt, time_window, ic, cleaned: ic },
    cleaned: ic,
    hlc,
    vertex: firstVertex(hlc, detector, SEED_THRESHOLDS),
    exclusions: new Map(),
    readoutWindow,
    ...(energy ? { energy } : {}),
  };
}

/** What a fit of first pulses does not tell, GeV. */
const noLosses = { E_in: Number.NaN, E_tot: Number.NaN };

/** What the likelihood takes of a DOM and its pulses. */
export function firstPulseOf(dom: Dom, series: readonly Pulse[]): FirstPulse {
  const { x, y, z, relativeEfficiency } = dom;
  return {
    ...{ x, y, z },
    efficiency: Number.isNaN(relativeEfficiency) ? 1 : relativeEfficiency,
    firstTime: series[0]!.time,
    charge: series.reduce((sum, pulse) => sum + pulse.charge, 0),
  };
}

function open(prepared: PreparedEvent, light: LightModel | undefined): Fitter {
  if (!light) throw new Error("splinempe needs a light model");
  const energy = requiredEnergy(prepared.energy);
  const doms = [...prepared.cleaned].map(([key, series]) =>
    firstPulseOf(prepared.detector.doms.get(key)!, series),
  );
  // One for each energy asked for: a scan's seeds all bring the same one.
  const cores = new Map<number, SplineMpe>();
  const coreFor = (wanted: number): SplineMpe => {
    const known = cores.get(wanted);
    if (known) return known;
    const core = openSplineMpe(light, { doms, window: prepared.readoutWindow, energy: wanted });
    cores.set(wanted, core);
    return core;
  };
  coreFor(energy);
  const middle = middleOf(prepared.cleaned, prepared.detector);
  // Whoever fits seeds one by one fits those of one direction one after the other: its minima serve until another comes.
  let latest: (DirectionMinima & { core: SplineMpe; thorough: boolean }) | undefined;
  const searched = (seed: Seed) => {
    const core = coreFor(seed.energy ?? energy);
    const { zenith, azimuth } = seed;
    // Where a coarser pixel's fit is given, the pixel is one of those that decide the result.
    const thorough = seed.fallback !== undefined;
    const isKnown =
      latest?.core === core &&
      latest.zenith === zenith &&
      latest.azimuth === azimuth &&
      latest.thorough === thorough;
    const found =
      isKnown && latest ? latest : { ...core.search(seed, { thorough }), core, thorough };
    latest = found;
    // The search counts with the first fit of its direction.
    return { found, evaluations: isKnown ? 0 : found.evaluations };
  };
  const fitAll = (seeds: readonly [Seed, ...Seed[]]): DirectionFits => {
    const [first] = seeds;
    const { found, evaluations } = searched(first);
    const best = found.core.fit(seeds, found);
    const fit: Fit = {
      ...best,
      evaluations: evaluations + best.evaluations,
      energy: first.energy ?? energy,
      ...noLosses,
    };
    return { fits: [fit], minima: [...passedOn(found), placeOf(fit, first, middle)] };
  };
  /** A direction's minima as its neighbours take them. */
  const passedOn = ({ minima }: DirectionMinima): Place[] =>
    minima.map(({ x, y, z, llh }) => ({ x: x - middle.x, y: y - middle.y, z: z - middle.z, llh }));
  const fitBeside = (seeds: Iterable<Seed>, starts: readonly Place[]): DirectionFits => {
    const vertices = starts.map((start) => vertexOf(start, middle));
    let found: (DirectionMinima & { readonly lowest: number }) | undefined;
    let best: SplineMpeFit | undefined;
    let used = energy;
    for (const seed of seeds) {
      if (found === undefined) {
        used = seed.energy ?? energy;
        const minima = coreFor(used).searchBeside(seed, vertices);
        found = { ...minima, lowest: Math.min(...minima.minima.map(({ llh }) => llh)) };
      }
      // All seeds end in the lowest minimum; the first says where on its track the vertex is, if it can be there.
      const fit = coreFor(used).vertexAt(seed, found);
      if (best === undefined || fit.llh < best.llh) best = fit;
      if (best.llh === found.lowest) break;
    }
    const { zenith, azimuth } = found!;
    // What was just found is the likelihood's own; a minimum known before came with a place that was rounded on its way, and
    // no minimum's is the value where no vertex could be at one.
    const isNew = best!.llh === found!.lowest && vertices.every(({ llh }) => llh !== best!.llh);
    const llh = isNew ? best!.llh : coreFor(used).evaluate({ ...best!, zenith, azimuth });
    const evaluations = found!.evaluations + (isNew ? 0 : 1);
    return {
      fits: [{ ...best!, llh, evaluations, energy: used, ...noLosses }],
      minima: passedOn(found!),
    };
  };
  return {
    fit: (seed) => fitAll([seed]).fits[0],
    fitDirection: (seeds, starts) =>
      starts.length > 0 ? fitBeside(seeds, starts) : fitAll([...seeds] as [Seed, ...Seed[]]),
    fitFreely(starts) {
      const core = coreFor(energy);
      const found = core.freeDirection(
        starts.map((start) => ({
          ...vertexOf(start, middle),
          ...{ zenith: start.zenith, azimuth: start.azimuth },
        })),
      );
      return { ...found, energy, ...noLosses };
    },
    evaluate: (hypothesis, options) => ({
      llh: coreFor(options?.energy ?? energy).evaluate(hypothesis, options),
    }),
    close: () => {
      for (const core of cores.values()) core.close();
    },
  };
}

function requiredEnergy(estimate: EnergyEstimate | undefined): number {
  if (!estimate) throw new Error("splinempe was prepared without a light model to estimate with");
  return estimate.value;
}
