import type { Hypothesis } from "../geometry/track.ts";
import { call, type Handle } from "./core.ts";
import { structs } from "./structs.ts";

/** A light model loaded into the native core. Read-only: any number of likelihoods may share one. */
export interface LightModel {
  readonly kind: "embedded" | "tables";
  /** One line for logs and the manifest: which model, which files. */
  readonly description: string;
  /** The core's. */
  readonly handle: Handle;
  /** Once is enough; a likelihood opened on it before goes on working. */
  close(): void;
}

/** Which light a reconstruction asks for: of muon tracks, of cascades, of cascades from the newer tables. */
export type LightPurpose = "muon" | "cascade" | "cascade-ftp";

/** skyscan_light_kinds: what a model is opened for. */
export const LIGHT_KINDS = { muon: 1, cascade: 2, "cascade-ftp": 2 } as const satisfies Record<
  LightPurpose,
  number
>;

/**
 * PE that an infinite muon leaves at DOMs: expected = bare·(1 + muonLowEnergyFactor(E)) + stochastic·E.
 * Throws InputError when the model knows no muons, or the track is not finite.
 * @param sites x, y, z (m), relative efficiency of each DOM: a skyscan_site each
 * @returns per DOM; 0 where the model knows nothing
 */
export function muonExpectation(
  light: LightModel,
  track: Hypothesis,
  sites: Float64Array,
): { bare: Float64Array; stochastic: Float64Array } {
  const count = sites.length / 4;
  const bare = new Float64Array(count);
  const stochastic = new Float64Array(count);
  const hypothesis = structs.hypothesis.pack(track);
  call("skyscan_muon_expectation", light.handle, hypothesis, count, sites, bare, stochastic);
  return { bare, stochastic };
}

/**
 * Light of the small losses that a muon of this energy (GeV) always has, relative to the bare muon's. Throws
 * InputError when the model knows no muons.
 */
export const muonLowEnergyFactor = (light: LightModel, energy: number): number => {
  const factor = new Float64Array(1);
  call("skyscan_muon_low_energy_factor", light.handle, energy, factor);
  return factor[0]!;
};

/** A value and its gradient by the source's x, y, z. */
export interface WithGradient {
  readonly value: number;
  readonly gradient: readonly number[];
}

export interface MuonAtDom {
  /** Arrival of direct Cherenkov light after the track's time, ns. */
  readonly geometricTime: WithGradient;
  /** PE. */
  readonly bare: WithGradient;
  /** PE per GeV. */
  readonly stochastic: WithGradient;
  /** Per delay; densities in 1/ns, gradients at fixed delay. */
  readonly timing: readonly {
    readonly density: WithGradient;
    readonly cumulative: WithGradient;
    /** d density / d delay. */
    readonly slope: number;
  }[];
}

/**
 * All that a light model knows of a muon seen by one DOM (x, y, z, efficiency).
 * @param delays ns after the geometric time
 * @param kind "noise": the timing smeared by 1000 ns
 * @returns undefined outside the model's reach
 */
export function muonLight(
  light: LightModel,
  track: Hypothesis,
  site: readonly number[],
  delays: readonly number[],
  kind: "direct" | "noise" = "direct",
): MuonAtDom | undefined {
  const atSite = structs.muonAtSite.room();
  const timing = structs.muonTiming.room(delays.length);
  call(
    "skyscan_muon_light",
    light.handle,
    structs.hypothesis.pack(track),
    siteOf(site),
    kind === "noise" ? 1 : 0,
    delays.length,
    Float64Array.from(delays),
    atSite,
    timing,
  );
  const at = structs.muonAtSite.read(atSite);
  if (at.inside === 0) return undefined;
  return {
    geometricTime: { value: at.geometricTime, gradient: at.geometricTimeGradient },
    bare: { value: at.bare, gradient: at.bareGradient },
    stochastic: { value: at.stochastic, gradient: at.stochasticGradient },
    timing: structs.muonTiming.readAll(timing).map((of) => ({
      density: { value: of.density, gradient: of.densityGradient },
      cumulative: { value: of.cumulative, gradient: of.cumulativeGradient },
      slope: of.densitySlope,
    })),
  };
}

/** A DOM's x, y, z, efficiency as the core takes them. */
const siteOf = ([x, y, z, efficiency]: readonly number[]): Uint8Array =>
  structs.site.pack({ x: x!, y: y!, z: z!, efficiency: efficiency! });

/**
 * PE that a 1 GeV cascade leaves at DOMs; 0 where the model knows nothing. Throws InputError when the model knows no
 * cascades, or the cascade is not finite.
 * @param sites as of {@link muonExpectation}
 */
export function cascadeExpectation(
  light: LightModel,
  cascade: Hypothesis,
  sites: Float64Array,
): Float64Array {
  const count = sites.length / 4;
  const amplitude = new Float64Array(count);
  const hypothesis = structs.hypothesis.pack(cascade);
  call("skyscan_cascade_expectation", light.handle, hypothesis, count, sites, amplitude);
  return amplitude;
}

export interface CascadeAtDom {
  /** PE of 1 GeV; gradient by the cascade's x, y, z, t. */
  readonly amplitude: WithGradient;
  /** Share of the light before each edge; gradient by x, y, z, t. */
  readonly cumulative: readonly WithGradient[];
}

/**
 * A 1 GeV electromagnetic cascade seen by one DOM (x, y, z, efficiency).
 * @param edges absolute times, ns
 * @returns undefined outside the model's reach
 */
export function cascadeLight(
  light: LightModel,
  cascade: Hypothesis,
  site: readonly number[],
  edges: readonly number[],
): CascadeAtDom | undefined {
  const atSite = structs.cascadeAtSite.room();
  const timing = structs.cascadeTiming.room(edges.length);
  call(
    "skyscan_cascade_light",
    light.handle,
    structs.hypothesis.pack(cascade),
    siteOf(site),
    edges.length,
    Float64Array.from(edges),
    atSite,
    timing,
  );
  const { inside, amplitude, amplitudeGradient } = structs.cascadeAtSite.read(atSite);
  if (inside === 0) return undefined;
  return {
    amplitude: { value: amplitude, gradient: amplitudeGradient },
    cumulative: structs.cascadeTiming.readAll(timing).map((of) => ({
      value: of.cumulative,
      gradient: of.cumulativeGradient,
    })),
  };
}
