import type { Detector } from "../detector/detector.ts";
import type { Event } from "../event/event.ts";
import type { Flood } from "../geometry/minima.ts";
import type { Direction, EnergyLoss, Hypothesis, Seed, Vertex } from "../geometry/track.ts";
import type { PulseMap, TimeWindow, TimeWindowMap } from "../i3/pulses.ts";
import type { LightModel } from "../native/light.ts";

/** One minimisation's outcome. A fit that could not be done has llh NaN and a reason. */
export interface Fit extends Vertex {
  /** Negative log-likelihood at the minimum. */
  readonly llh: number;
  /** GeV. E_in: lost inside the instrumented volume, E_tot: all losses; NaN where the algorithm has none. */
  readonly energy: number;
  readonly E_in: number;
  readonly E_tot: number;
  /** Likelihood calls. */
  readonly evaluations: number;
  /** Energy losses along the track (millipede). */
  readonly losses?: readonly EnergyLoss[];
  readonly reason?: string;
}

/** The likelihood at one hypothesis, nothing minimised but (in millipede) the energies. */
export interface Evaluation {
  readonly llh: number;
  /** GeV per cascade (millipede). */
  readonly energies?: readonly number[];
  readonly bins?: number;
  readonly doms?: number;
}

export interface EvaluateOptions {
  /** Exactly as the reference computes it, at any cost. */
  readonly exact?: boolean;
  /** GeV (splinempe); default: the prepared event's estimate. */
  readonly energy?: number;
  /** Distance of neighbouring cascades, m (millipede). */
  readonly spacing?: number;
}

/** How an algorithm wants its seeds made; see seed.ts. */
export interface SeedSettings {
  /** Displacements of the vertex, m, before rotation; one fit each. */
  readonly variations: readonly (readonly [number, number, number])[];
  readonly rotateVertex: boolean;
  readonly refineTime: boolean;
  readonly addFallbackPosition: boolean;
  /** Scan only within this angle (rad) of the event's online track (pointed scans). */
  readonly pointedRadius?: number;
}

/** An event made ready for one algorithm: everything a fit needs, all of it plain data. */
export interface PreparedEvent {
  readonly detector: Detector;
  /** The cleaning steps by name (hlc, rt, time_window, ic, late, cleaned), in order; those the algorithm has. */
  readonly pulses: Readonly<Record<string, PulseMap>>;
  /** What is fitted: pulses.cleaned. */
  readonly cleaned: PulseMap;
  /** HLC pulses, for refine_time. */
  readonly hlc: PulseMap;
  /** The event's vertex seed. */
  readonly vertex: Vertex;
  /** Time windows excluded per DOM; a wholly excluded DOM has one [-Infinity, Infinity). */
  readonly exclusions: TimeWindowMap;
  /** Readout window of the fitted pulse series. */
  readonly readoutWindow: TimeWindow;
  readonly energy?: EnergyEstimate;
  /** Centre of a pointed scan, where the online track comes from (rad). */
  readonly pointing?: { readonly zenith: number; readonly azimuth: number };
}

export interface EnergyEstimate {
  /** GeV. */
  readonly value: number;
  /** The frame key or method it comes from. */
  readonly source: string;
}

/** A fit's place in the scan. */
export interface FitTask {
  readonly nside: number;
  readonly pixel: number;
  readonly posvar: number;
}

/**
 * Where a track of one direction is at the middle time of the event's light, relative to the middle of its place: m,
 * detector coordinates. llh NaN: a guess, where a direction nearby has a minimum.
 */
export interface Place {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly llh: number;
}

/** All fits of one direction. */
export interface DirectionFits {
  /** One for each seed, or one that stands for all of them; a reason and llh NaN where there is none. */
  readonly fits: readonly [Fit, ...Fit[]];
  /** What the direction's neighbours may start from, lowest first. */
  readonly minima: readonly Place[];
}

/** The place of a track that comes from a direction. */
export type FreePlace = Place & Direction;

/** A fit with free direction, and the covariance of that, rad²: u towards growing azimuth, v towards smaller zenith. */
export interface FreeFit extends Fit, Direction {
  readonly uu: number;
  readonly uv: number;
  readonly vv: number;
}

/** A prepared event loaded into the native core. Not shared between threads; close it when done. */
export interface Fitter {
  /** `task`: which fit of the scan it is, for algorithms with random numbers of their own (dummies). */
  fit(seed: Seed, task?: FitTask): Fit | Promise<Fit>;
  /**
   * All seeds of one direction at once, at least one; absent: they have nothing in common.
   * @param seeds made as they are asked for
   * @param starts where directions nearby have minima, and this direction's own as far as they are known: then only these are
   * looked at. Empty: the whole direction is searched
   */
  fitDirection?(seeds: Iterable<Seed>, starts: readonly Place[]): DirectionFits;
  /** The best fit of all directions, from tracks of some; absent: the direction is never free. */
  fitFreely?(starts: readonly FreePlace[]): FreeFit;
  evaluate(hypothesis: Hypothesis, options?: EvaluateOptions): Evaluation;
  close(): void;
}

/** Everything the rest of the program knows of an algorithm. One file each beside this one; registry.ts lists them. */
export interface Reco {
  readonly name: string;
  /** The likelihood that fits minimise, for the manifest and captions: "Poisson". */
  readonly likelihood?: string;
  readonly seeds: SeedSettings;
  /** For the light model to open: which of the two source kinds the algorithm fits. undefined: needs no light. */
  readonly light?: "muon" | "cascade" | "cascade-ftp";
  /** How directions pass on their minima; absent: its fitters do not fit whole directions. */
  readonly flood?: Flood;
  /** So many of the first stage's pixels are where its fit with free direction starts; absent: its fitters have none. */
  readonly freeStarts?: number;
  /** Throws InputError when the event lacks what the algorithm needs. */
  prepare(event: Event, detector: Detector, light: LightModel | undefined): PreparedEvent;
  open(prepared: PreparedEvent, light: LightModel | undefined, options?: FitterOptions): Fitter;
}

export interface FitterOptions {
  /** Seed for algorithms with random numbers of their own (dummies). */
  readonly seed?: number;
}
