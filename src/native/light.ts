import { type Pointer, ptr } from "bun:ffi";
import { angularAcceptance } from "../detector/acceptance.ts";
import { type Ice, spiceMie } from "../detector/ice.ts";
import { check, core } from "./binding.ts";
import { openTableLight } from "./tables.ts";

/** A light model loaded into the native core. Read-only: any number of likelihoods may share one. */
export interface LightModel {
  readonly kind: "embedded" | "tables";
  /** One line for logs and the manifest: which model, which files. */
  readonly description: string;
  /** The core's; see lightPointer. */
  readonly handle: Pointer;
  close(): void;
}

/** The core's handle of a light model. For the other files of this directory only. */
export const lightPointer = (light: LightModel): Pointer => light.handle;

/** Which light a reconstruction asks for: of muon tracks, of cascades, of cascades from the newer tables. */
export type LightPurpose = "muon" | "cascade" | "cascade-ftp";

export interface LightOptions {
  readonly reco: LightPurpose;
  /** Directory with photospline FITS tables; default: the standard places. */
  readonly photonTables?: string;
  /** Round the light of cascades from tables as photospline does, number by number: slow. */
  readonly singlePrecision?: boolean;
}

/** Mean of the h2-50cm acceptance over the sphere. */
const MEAN_ACCEPTANCE = 0.338;
/** Time resolution of electronics and photomultiplier, ns (J. Ahrens et al., NIM A 524 (2004) 169). */
const JITTER = 15;
/** Height of the surface in detector coordinates, m. */
const SURFACE = 1948.07;
/** skyscan_light_kinds. */
const MUON_LIGHT = 1;
const CASCADE_LIGHT = 2;

/** The light model for a reconstruction: photon tables where they are found, else the embedded one. */
export function openLight(options: LightOptions): LightModel {
  const { reco, photonTables, singlePrecision } = options;
  return openTableLight(reco, photonTables, singlePrecision) ?? openEmbeddedLight(reco);
}

/**
 * The analytic light model that needs no files.
 * @param jitter σ of the Gaussian that smears arrival times, ns, at least 1
 * @param ice optical properties by depth
 */
export function openEmbeddedLight(
  purpose: LightPurpose,
  jitter = JITTER,
  ice: Ice = spiceMie(),
): LightModel {
  const layers = new Float64Array(3 * ice.layers.length);
  ice.layers.toReversed().forEach(({ depth, scattering, absorption }, i) => {
    layers.set([SURFACE - depth, scattering, absorption], 3 * i);
  });
  const acceptance = Float64Array.from(angularAcceptance("h2-50cm").coefficients);
  const kinds = purpose === "muon" ? MUON_LIGHT : CASCADE_LIGHT;
  const handle = opened((out, message, size) =>
    core.skyscan_light_embedded_open(
      ice.layers.length,
      ptr(layers),
      acceptance.length,
      ptr(acceptance),
      MEAN_ACCEPTANCE,
      jitter,
      kinds,
      out,
      message,
      size,
    ),
  );
  return {
    kind: "embedded",
    description: `embedded light model (${ice.source} ice, Pandel timing)`,
    handle,
    close: () => core.skyscan_light_close(handle),
  };
}

/** A track or cascade: where (m), when (ns), and the direction the particle comes FROM (rad). */
export interface Source {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly time: number;
  readonly zenith: number;
  readonly azimuth: number;
}

/** x, y, z, time, zenith, azimuth: how the core takes a hypothesis. */
export const hypothesisArray = ({ x, y, z, time, zenith, azimuth }: Source): Float64Array =>
  Float64Array.of(x, y, z, time, zenith, azimuth);

/** Runs one of the core's *_open calls and returns the handle. */
export function opened(open: (out: Pointer, message: Pointer, size: number) => number): Pointer {
  const out = new BigUint64Array(1);
  check((message, size) => open(ptr(out), message, size));
  return Number(out[0]) as Pointer;
}

/**
 * PE that an infinite muon leaves at DOMs: expected = bare·(1 + muonLowEnergyFactor(E)) + stochastic·E.
 * @param sites x, y, z, relative efficiency of each DOM
 * @returns per DOM; 0 where the model knows nothing
 */
export function muonExpectation(
  light: LightModel,
  track: Source,
  sites: Float64Array,
): { bare: Float64Array; stochastic: Float64Array } {
  const count = sites.length / 4;
  const bare = new Float64Array(count);
  const stochastic = new Float64Array(count);
  const hypothesis = hypothesisArray(track);
  if (count > 0)
    check((message, size) =>
      core.skyscan_muon_expectation(
        light.handle,
        ptr(hypothesis),
        count,
        ptr(sites),
        ptr(bare),
        ptr(stochastic),
        message,
        size,
      ),
    );
  return { bare, stochastic };
}

/** Light of the small losses that a muon of this energy (GeV) always has, relative to the bare muon's. */
export const muonLowEnergyFactor = (light: LightModel, energy: number): number =>
  core.skyscan_muon_low_energy_factor(light.handle, energy);

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
  track: Source,
  site: readonly number[],
  delays: readonly number[],
  kind: "direct" | "noise" = "direct",
): MuonAtDom | undefined {
  const [hypothesis, at] = [hypothesisArray(track), Float64Array.from(site)];
  const times = Float64Array.from(delays.length > 0 ? delays : [0]);
  const out = new Float64Array(13 + 9 * times.length);
  check((message, size) =>
    core.skyscan_muon_light(
      light.handle,
      ptr(hypothesis),
      ptr(at),
      kind === "noise" ? 1 : 0,
      delays.length,
      ptr(times),
      ptr(out),
      message,
      size,
    ),
  );
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
  cascade: Source,
  site: readonly number[],
  edges: readonly number[],
): CascadeAtDom | undefined {
  const [hypothesis, at] = [hypothesisArray(cascade), Float64Array.from(site)];
  const times = Float64Array.from(edges.length > 0 ? edges : [0]);
  const out = new Float64Array(6 + 5 * times.length);
  check((message, size) =>
    core.skyscan_cascade_light(
      light.handle,
      ptr(hypothesis),
      ptr(at),
      edges.length,
      ptr(times),
      ptr(out),
      message,
      size,
    ),
  );
  if (out[0] === 0) return undefined;
  const withGradient = (i: number): WithGradient => ({
    value: out[i]!,
    gradient: [...out.subarray(i + 1, i + 5)],
  });
  return { amplitude: withGradient(1), cumulative: edges.map((_, k) => withGradient(6 + 5 * k)) };
}

/**
 * Cascades along a track seen by one DOM (x, y, z, efficiency), as searches see them.
 * @param lengths where they are, m from the track's vertex
 * @returns per cascade PE, 0 outside the model's reach, and its share before each edge (ns, ascending)
 */
export function cascadeString(
  light: LightModel,
  track: Source,
  lengths: readonly number[],
  site: readonly number[],
  edges: readonly number[],
): { amplitude: number; cumulative: number[] }[] {
  const [hypothesis, at] = [hypothesisArray(track), Float64Array.from(site)];
  const places = Float64Array.from(lengths);
  const times = Float64Array.from(edges.length > 0 ? edges : [0]);
  const out = new Float64Array(lengths.length * (1 + times.length));
  check((message, size) =>
    core.skyscan_cascade_string(
      light.handle,
      ptr(hypothesis),
      lengths.length,
      ptr(places),
      ptr(at),
      edges.length,
      ptr(times),
      ptr(out),
      message,
      size,
    ),
  );
  return lengths.map((_, i) => {
    const start = lengths.length + i * edges.length;
    return { amplitude: out[i]!, cumulative: [...out.subarray(start, start + edges.length)] };
  });
}
