import type { Detector, Dom } from "../detector/detector.ts";
import { instrumentedVolume, intersection } from "../detector/volume.ts";
import type { Event } from "../event/event.ts";
import { speedOfLight } from "../geometry/constants.ts";
import type { Flood } from "../geometry/minima.ts";
import type { Direction, EnergyLoss, Hypothesis, Seed, Vertex } from "../geometry/track.ts";
import type { OMKey } from "../i3/omkey.ts";
import type { PulseMap } from "../i3/pulses.ts";
import { openEmbeddedLight } from "../light/light.ts";
import type { LightModel } from "../native/light.ts";
import {
  type Millipede,
  type MillipedeFit,
  type MillipedeSearch,
  type MillipedeSettings,
  type MillipedeValue,
  openMillipede,
  type SearchedDirection,
} from "../native/millipede.ts";
import { heseVertex } from "../pulses/inputs.ts";
import { firstVertex } from "./first_vertex.ts";
import { middleOf, placeOf, vertexOf } from "./places.ts";
import type { Fit, Fitter, FitterOptions, Place, PreparedEvent } from "./reco.ts";

/** The light that searches with photon tables begin with: smooth, and what their numbers were measured with. */
const SKETCH = "embedded-2026a";

/** What the two millipede settings differ in (reference: M. G. Aartsen et al., JINST 9 (2014) P03009). */
export interface Unfolding extends Omit<MillipedeSettings, "window" | "regularisation"> {
  /** Light that reaches the PMT, relative to the light model. */
  readonly domEfficiency: number;
  /** Relative uncertainty of the expectation in every bin; 0: plain Poisson. */
  readonly relativeUncertainty: number;
  /** Fits minimise the likelihood widened by it, not the plain one. */
  readonly isWidened?: boolean;
  readonly search: MillipedeSearch;
}

/**
 * 1/GeV². Keeps a cascade that hardly any DOM could see from an energy beyond any particle's; one of 2e7 GeV
 * it changes by less than a thousandth. The penalty of the wilks setting, 1e-14, leaves no trace in the energies
 * the reference makes with it, though it would be 4 in llh at 2e7 GeV: its unit cannot be 1/GeV².
 */
const REGULARISATION = 1e-18;
/** I3OMGeo::OMType of a DOM in the ice. */
const ICECUBE_DOM = 20;
/** 100 V in the I3 unit (1 V = 1e-9): a DOM below is as good as off. */
const LEAST_VOLTAGE = 100e-9;
/** A loss this far outside the instrumented volume still counts as inside, m. */
const MARGIN = 60;

/**
 * Minima are farther apart in llh than splinempe's, and lists too short lost some (see MillipedeFitOptions): six of each
 * direction, however high.
 */
export const millipedeFlood: Flood = {
  most: 6,
  margin: 120,
  separation: 8,
  known: 15,
  rounds: 2,
  sown: 4,
  sownWithin: 0,
  searched: 0,
};

const takesPart = (dom: Dom): boolean =>
  dom.isOn && dom.omType === ICECUBE_DOM && Math.abs(dom.highVoltage) >= LEAST_VOLTAGE;

/** The HESE filter's vertex, else the vertex seed for the first threshold (PE) that the charge exceeds. */
export function millipedeVertex(
  event: Event,
  detector: Detector,
  hlc: PulseMap,
  thresholds: readonly number[],
): Vertex {
  return heseVertex(event) ?? firstVertex(hlc, detector, thresholds);
}

/** Loads a prepared event into the core: the DOMs that take part, in order, and their data. */
export function millipedeData(
  prepared: PreparedEvent,
  light: LightModel,
  settings: Unfolding,
  sketchLight?: LightModel,
): { readonly keys: readonly OMKey[]; readonly core: Millipede } {
  const { detector, cleaned, exclusions, readoutWindow } = prepared;
  const doms = [...detector.doms.values()].filter(takesPart);
  const core = openMillipede(
    light,
    doms.map((dom) => ({
      x: dom.x,
      y: dom.y,
      z: dom.z,
      efficiency:
        (Number.isNaN(dom.relativeEfficiency) ? 1 : dom.relativeEfficiency) *
        dom.meanSpeCharge *
        settings.domEfficiency,
      noiseRate: dom.noiseRate,
      pulses: cleaned.get(dom.key) ?? [],
      exclusions: exclusions.get(dom.key) ?? [],
    })),
    { ...settings, regularisation: REGULARISATION, window: readoutWindow },
    sketchLight,
  );
  return { keys: doms.map((dom) => dom.key), core };
}

/**
 * Makes a prepared event ready for fits and evaluations. Fits minimise the plain Poisson likelihood, the
 * reference's, unless the setting is widened, and draw no random numbers: `seed` changes nothing here. `evaluate` widens the likelihood by the
 * setting's relative uncertainty unless `exact`.
 */
export function openUnfolding(
  prepared: PreparedEvent,
  light: LightModel | undefined,
  settings: Unfolding,
  _options: FitterOptions = {},
): Fitter {
  if (!light) throw new Error("millipede needs a light model");
  // Much cheaper than tables, and near enough to find where the minima are.
  const sketchLight =
    light.kind === "tables" ? openEmbeddedLight("cascade", { model: SKETCH }) : undefined;
  const { keys, core } = millipedeData(prepared, light, settings, sketchLight);
  const bins = core.bins.reduce((sum, dom) => sum + dom.charges.length, 0);
  const volume = instrumentedVolume(prepared.detector);

  const { search } = settings;
  // The direction searched last: a scan asks for all seeds of one in a row.
  let latest: { zenith: number; azimuth: number; searched: SearchedDirection } | undefined;
  /** The minima of the seed's direction, and how many evaluations they took now. */
  const searchedFor = ({ zenith, azimuth }: Direction) => {
    if (latest?.zenith === zenith && latest.azimuth === azimuth)
      return { searched: latest.searched, evaluations: 0 };
    latest?.searched.close();
    latest = undefined;
    const searched = core.searchDirection({ zenith, azimuth }, search);
    latest = { zenith, azimuth, searched };
    return { searched, evaluations: searched.evaluations };
  };

  /** From the plain likelihood's minimum to the widened one's next to it, where that is asked for. */
  const widened = (plain: MillipedeFit, { zenith, azimuth }: Direction): MillipedeFit => {
    if (!settings.isWidened || plain.reason !== undefined) return plain;
    const track = { ...plain, zenith, azimuth };
    const found = core.widenedFit(track, search.spacing, settings.relativeUncertainty);
    const evaluations = plain.evaluations + found.evaluations;
    return { ...found, minima: plain.minima, evaluations };
  };

  const middle = middleOf(prepared.cleaned, prepared.detector);
  const asFit = (seed: Seed, { losses, reason, minima: _, ...found }: MillipedeFit): Fit => {
    const track = { ...found, zenith: seed.zenith, azimuth: seed.azimuth };
    const failed = reason !== undefined;
    return {
      ...found,
      energy: Number.NaN,
      E_in: failed ? Number.NaN : lossInside(volume, track, losses),
      E_tot: failed ? Number.NaN : losses.reduce((sum, loss) => sum + loss.energy, 0),
      losses,
      ...(failed ? { reason } : {}),
    };
  };
  const fitOne = (seed: Seed): MillipedeFit => {
    const known = seed.fallback || !(search.reach > 0) ? undefined : searchedFor(seed);
    const found = widened(core.fit(seed, search, known?.searched), seed);
    return { ...found, evaluations: found.evaluations + (known?.evaluations ?? 0) };
  };
  const passedOn = (seed: Seed, fits: readonly MillipedeFit[]): Place[] =>
    fits.flatMap(({ minima }) => minima.map((minimum) => placeOf(minimum, seed, middle)));

  return {
    fit: (seed) => asFit(seed, fitOne(seed)),
    fitDirection(seeds, starts) {
      if (starts.length > 0) {
        const [first] = seeds;
        const vertices = starts.map((start) => vertexOf(start, middle));
        // Seeds of the first map have no other to fall back on. Far from the source, where most of its pixels are, slopes
        // alone end high: of 384 pixels of nside 8 that started from their neighbours 207 by 0.1 and more, 126 with simplices.
        const settles = search.settles && first!.fallback !== undefined;
        const found = widened(core.fitFrom(first!, vertices, { ...search, settles }), first!);
        const hasMinimum = starts.some(({ llh }) => !Number.isNaN(llh));
        // Where neighbours' minima lead nowhere there may be others.
        if (hasMinimum || found.reason === undefined)
          return { fits: [asFit(first!, found)], minima: passedOn(first!, [found]) };
      }
      const all = [...seeds];
      const found = all.map(fitOne);
      const fits = found.map((fit, n) => asFit(all[n]!, fit)) as [Fit, ...Fit[]];
      return { fits, minima: passedOn(all[0]!, found) };
    },
    evaluate(hypothesis, options = {}) {
      const value: MillipedeValue = core.evaluate(
        hypothesis,
        options.spacing ?? settings.search.spacing,
        options.exact ? 0 : settings.relativeUncertainty,
      );
      return {
        llh: value.llh,
        energies: value.losses.map((loss) => loss.energy),
        bins,
        doms: keys.length,
      };
    },
    close() {
      latest?.searched.close();
      latest = undefined;
      core.close();
      sketchLight?.close();
    },
  };
}

/** Energy (GeV) lost between 60 m before the track's entry into the instrumented volume and 60 m after its exit. */
function lossInside(
  volume: ReturnType<typeof instrumentedVolume>,
  track: Hypothesis,
  losses: readonly EnergyLoss[],
): number {
  const inside = intersection(volume, track);
  if (!inside) return 0;
  return losses.reduce((sum, loss) => {
    const length = (loss.time - track.time) * speedOfLight;
    return length >= inside.entry - MARGIN && length <= inside.exit + MARGIN
      ? sum + loss.energy
      : sum;
  }, 0);
}
