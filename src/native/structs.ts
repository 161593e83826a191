// The structs of the C interface, field by field; a test compares them with the header.

type Kind = "f64" | "i32" | "i64";
/** A number, or so many in a row. */
type Field = Kind | readonly [Kind, number];
type Fields = Readonly<Record<string, Field>>;
/** What a struct's fields hold. */
export type Values<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends Kind ? number : readonly number[];
};

const SIZES = { f64: 8, i32: 4, i64: 8 } as const satisfies Record<Kind, number>;

const write = {
  f64: (view: DataView, at: number, value: number) => view.setFloat64(at, value, true),
  i32: (view: DataView, at: number, value: number) => view.setInt32(at, value, true),
  i64: (view: DataView, at: number, value: number) => view.setBigInt64(at, BigInt(value), true),
} as const;
const read = {
  f64: (view: DataView, at: number) => view.getFloat64(at, true),
  i32: (view: DataView, at: number) => view.getInt32(at, true),
  i64: (view: DataView, at: number) => Number(view.getBigInt64(at, true)),
} as const;

interface Placed {
  readonly field: string;
  readonly kind: Kind;
  /** Undefined: a number, not an array. */
  readonly length: number | undefined;
  readonly offset: number;
}

/**
 * A struct of the header. Fields are called as there, in camel case, and stand next to each other: what C would
 * pad is refused when the struct is described.
 */
export class Struct<F extends Fields> {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly fields: readonly Placed[];

  constructor(name: string, fields: F) {
    let size = 0;
    this.name = name;
    this.fields = Object.entries(fields).map(([field, of]) => {
      const [kind, length] = typeof of === "string" ? [of, undefined] : of;
      const offset = size;
      if (offset % SIZES[kind] !== 0) throw new Error(`${name}.${field} would be padded`);
      size += SIZES[kind] * (length ?? 1);
      return { field, kind, length, offset };
    });
    this.size = size;
  }

  /** Room for `count` structs, zero. */
  room(count = 1): Uint8Array {
    // A buffer of its own from the start: Bun makes one anew for a small array that is asked for its buffer.
    return new Uint8Array(new ArrayBuffer(count * this.size));
  }

  /** One struct as the core takes it. What a value has beside the fields is left out. */
  pack(value: Values<F>): Uint8Array {
    return this.packAll([value]);
  }

  /** Structs one after the other. */
  packAll(values: readonly Values<F>[]): Uint8Array {
    const bytes = this.room(values.length);
    const view = new DataView(bytes.buffer);
    let start = 0;
    for (const value of values) {
      for (const { field, kind, length, offset } of this.fields) {
        const at = start + offset;
        const held: number | readonly number[] = value[field]!;
        if (typeof held !== "number")
          for (let k = 0; k < length!; k++) write[kind](view, at + k * SIZES[kind], held[k]!);
        else if (kind === "f64") view.setFloat64(at, held, true);
        else write[kind](view, at, held);
      }
      start += this.size;
    }
    return bytes;
  }

  /** One of the structs that the core has written. */
  read(bytes: Uint8Array, index = 0): Values<F> {
    return this.#readAt(viewOf(bytes), index * this.size);
  }

  #readAt(view: DataView, start: number): Values<F> {
    const held: Record<string, number | readonly number[]> = {};
    for (const { field, kind, length, offset } of this.fields) {
      const at = start + offset;
      if (length !== undefined)
        held[field] = Array.from({ length }, (_, k) => read[kind](view, at + k * SIZES[kind]));
      else held[field] = kind === "f64" ? view.getFloat64(at, true) : read[kind](view, at);
    }
    return held as Values<F>;
  }

  /** All structs that the core has written. */
  readAll(bytes: Uint8Array): Values<F>[] {
    const view = viewOf(bytes);
    const all: Values<F>[] = [];
    for (let at = 0; at < bytes.length; at += this.size) all.push(this.#readAt(view, at));
    return all;
  }
}

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const vertex = { x: "f64", y: "f64", z: "f64", time: "f64" } as const;
const position = { x: "f64", y: "f64", z: "f64" } as const;

/** Units and meaning: abi/skyscan.h. */
export const structs = {
  hypothesis: new Struct("skyscan_hypothesis", { ...vertex, zenith: "f64", azimuth: "f64" }),
  vertex: new Struct("skyscan_vertex", vertex),
  site: new Struct("skyscan_site", { ...position, efficiency: "f64" }),
  interval: new Struct("skyscan_interval", { start: "f64", stop: "f64" }),

  iceLayer: new Struct("skyscan_ice_layer", {
    ...{ height: "f64", scattering: "f64", absorption: "f64" },
  }),
  muonAtSite: new Struct("skyscan_muon_at_site", {
    inside: "i64",
    geometricTime: "f64",
    geometricTimeGradient: ["f64", 3],
    bare: "f64",
    bareGradient: ["f64", 3],
    stochastic: "f64",
    stochasticGradient: ["f64", 3],
  }),
  muonTiming: new Struct("skyscan_muon_timing", {
    density: "f64",
    densitySlope: "f64",
    densityGradient: ["f64", 3],
    cumulative: "f64",
    cumulativeGradient: ["f64", 3],
  }),
  cascadeAtSite: new Struct("skyscan_cascade_at_site", {
    ...{ inside: "i64", amplitude: "f64", amplitudeGradient: ["f64", 4] },
  }),
  cascadeTiming: new Struct("skyscan_cascade_timing", {
    ...{ cumulative: "f64", cumulativeGradient: ["f64", 4] },
  }),

  splinempeDom: new Struct("skyscan_splinempe_dom", {
    ...{ ...position, efficiency: "f64", firstTime: "f64", charge: "f64" },
  }),
  splinempeSettings: new Struct("skyscan_splinempe_settings", {
    ...{ start: "f64", stop: "f64", energy: "f64" },
  }),
  splinempeMinimum: new Struct("skyscan_splinempe_minimum", { llh: "f64", ...position }),
  splinempeResult: new Struct("skyscan_splinempe_result", {
    ...{ llh: "f64", ...vertex, evaluations: "i64" },
  }),
  splinempeTrack: new Struct("skyscan_splinempe_track", {
    ...{ ...position, zenith: "f64", azimuth: "f64" },
  }),
  splinempeDirection: new Struct("skyscan_splinempe_direction", {
    ...{ llh: "f64", ...vertex, zenith: "f64", azimuth: "f64" },
    ...{ uu: "f64", uv: "f64", vv: "f64", evaluations: "i64" },
  }),

  pulse: new Struct("skyscan_pulse", { time: "f64", charge: "f64", width: "f64" }),
  millipedeDom: new Struct("skyscan_millipede_dom", {
    ...{ ...position, efficiency: "f64", noiseRate: "f64" },
  }),
  millipedeSettings: new Struct("skyscan_millipede_settings", {
    start: "f64",
    stop: "f64",
    binSigma: "f64",
    minTimeWidth: "f64",
    boundary: "f64",
    regularisation: "f64",
  }),
  millipedeSearch: new Struct("skyscan_millipede_search", {
    ...{ spacing: "f64", reach: "f64", keepsTime: "i32", settles: "i32", maxEvaluations: "i64" },
  }),
  millipedeValue: new Struct("skyscan_millipede_value", {
    ...{ llh: "f64", gradient: ["f64", 4], certificate: "f64", iterations: "i64" },
  }),
  millipedeMinimum: new Struct("skyscan_millipede_minimum", {
    ...{ llh: "f64", ...vertex, evaluations: "i32", outcome: "i32" },
  }),
  loss: new Struct("skyscan_loss", { ...vertex, energy: "f64" }),

  bzip2Progress: new Struct("skyscan_bzip2_progress", {
    ...{ taken: "i64", written: "i64", isComplete: "i64" },
  }),
} as const;
