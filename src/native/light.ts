import type { Hypothesis } from "../geometry/track.ts";
import { call, type Handle } from "./core.ts";

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

/** x, y, z, time, zenith, azimuth: how the core takes a hypothesis. */
export const hypothesisArray = ({ x, y, z, time, zenith, azimuth }: Hypothesis): Float64Array =>
  Float64Array.of(x, y, z, time, zenith, azimuth);

/**
 * PE that an infinite muon leaves at DOMs: expected = bare·(1 + muonLowEnergyFactor(E)) + stochastic·E.
 * @param sites x, y, z, relative efficiency of each DOM
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
  const hypothesis = hypothesisArray(track);
  call("skyscan_muon_expectation", light.handle, hypothesis, count, sites, bare, stochastic);
  return { bare, stochastic };
}

/** Light of the small losses that a muon of this energy (GeV) always has, relative to the bare muon's. */
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
  const [hypothesis, at] = [hypothesisArray(track), Float64Array.from(site)];
  const times = Float64Array.from(delays);
  const out = new Float64Array(13 + 9 * times.length);
  const noise = kind === "noise" ? 1 : 0;
  call("skyscan_muon_light", light.handle, hypothesis, at, noise, times.length, times, out);
  if (out[0] === 0) return undefined;
  const withGradient = (i: number): WithGradient => ({
    value: out[i]!,
    gradient: [...out.subarray(i + 1, i + 4)],
  });
  return {
    geometricTime: withGradient(1),
    bare: withGradient(5),
    stochastic: withGradient(9),
    timing: delays.map((_, k) => {
      const i = 13 + 9 * k;
      return {
        density: { value: out[i]!, gradient: [...out.subarray(i + 3, i + 6)] },
        cumulative: { value: out[i + 1]!, gradient: [...out.subarray(i + 6, i + 9)] },
        slope: out[i + 2]!,
      };
    }),
  };
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
  const [hypothesis, at] = [hypothesisArray(cascade), Float64Array.from(site)];
  const times = Float64Array.from(edges);
  const out = new Float64Array(6 + 5 * times.length);
  call("skyscan_cascade_light", light.handle, hypothesis, at, times.length, times, out);
  if (out[0] === 0) return undefined;
  const withGradient = (i: number): WithGradient => ({
    value: out[i]!,
    gradient: [...out.subarray(i + 1, i + 5)],
  });
  return { amplitude: withGradient(1), cumulative: edges.map((_, k) => withGradient(6 + 5 * k)) };
}
