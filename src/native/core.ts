import { dlopen, type FFIFunction, type FFITypeOrString, type Pointer } from "bun:ffi";
import baseline from "../../build/libskyscan-x86-64.so" with { type: "file" };
import avx2 from "../../build/libskyscan-x86-64-v3.so" with { type: "file" };
import { InputError, MachineError } from "../config/errors.ts";

/** A call that can fail: it ends with (message, message_size) and returns a status. */
export const fallible = <const Kinds extends readonly FFITypeOrString[]>(...kinds: Kinds) =>
  ({ args: [...kinds, "ptr", "i64"], returns: "i32" }) as const;
/** Frees a handle; null is fine. */
export const closing = { args: ["ptr"], returns: "void" } as const;

/** The C interface, abi/skyscan.h, name by name; a test compares the two. */
export const symbols = {
  skyscan_cpu_level: { args: [], returns: "i32" },

  // Directions (sky.ts)
  skyscan_moment_at: fallible("f64", "i32", "ptr"),
  skyscan_to_equatorial: fallible("ptr", "i64", "ptr", "ptr", "ptr", "ptr"),
  skyscan_to_detector: fallible("ptr", "i64", "ptr", "ptr", "ptr", "ptr"),

  // bzip2 (bzip2.ts)
  skyscan_bzip2_open: fallible("ptr"),
  skyscan_bzip2_close: closing,
  skyscan_bzip2_decompress: fallible("ptr", "ptr", "i64", "ptr", "i64", "ptr"),

  // Light (light.ts)
  skyscan_light_embedded_open: fallible("i32", "i64", "ptr", "i64", "ptr", "f64", "i32", "ptr"),
  skyscan_light_tables_open: fallible("ptr", "ptr", "ptr", "i32", "i32", "ptr"),
  skyscan_light_close: closing,
  skyscan_muon_expectation: fallible("ptr", "ptr", "i64", "ptr", "ptr", "ptr"),
  skyscan_muon_low_energy_factor: fallible("ptr", "f64", "ptr"),
  skyscan_muon_light: fallible("ptr", "ptr", "ptr", "i32", "i64", "ptr", "ptr", "ptr"),
  skyscan_cascade_expectation: fallible("ptr", "ptr", "i64", "ptr", "ptr"),
  skyscan_cascade_light: fallible("ptr", "ptr", "ptr", "i64", "ptr", "ptr", "ptr"),

  // splinempe (splinempe.ts)
  skyscan_splinempe_open: fallible("ptr", "i64", "ptr", "ptr", "ptr"),
  skyscan_splinempe_close: closing,
  skyscan_splinempe_evaluate: fallible("ptr", "ptr", "ptr", "ptr"),
  skyscan_splinempe_evaluate_exactly: fallible("ptr", "ptr", "ptr"),
  skyscan_splinempe_search: fallible("ptr", "f64", "f64", "i32", "ptr", "ptr", "ptr"),
  skyscan_splinempe_search_beside: fallible(
    ...(["ptr", "f64", "f64", "ptr", "i64", "ptr", "ptr", "ptr"] as const),
  ),
  skyscan_splinempe_free_direction: fallible("ptr", "ptr", "i64", "ptr"),
  skyscan_splinempe_fit: fallible("ptr", "ptr", "i64", "ptr", "i64", "ptr"),
  skyscan_splinempe_vertex: fallible("ptr", "ptr", "i64", "ptr", "ptr"),

  // Millipede (millipede.ts)
  skyscan_millipede_open: fallible(
    ...(["ptr", "ptr", "i64", "ptr", "ptr", "ptr", "ptr", "ptr", "ptr", "ptr"] as const),
  ),
  skyscan_millipede_close: closing,
  skyscan_millipede_bins: fallible("ptr", "ptr", "i64", "ptr"),
  skyscan_millipede_evaluate: fallible("ptr", "ptr", "f64", "f64", "ptr"),
  skyscan_millipede_direction_open: fallible("ptr", "f64", "f64", "ptr", "ptr", "ptr"),
  skyscan_millipede_direction_close: closing,
  skyscan_millipede_fit: fallible("ptr", "ptr", "ptr", "ptr", "ptr", "ptr"),
  skyscan_millipede_fit_from: fallible("ptr", "ptr", "i64", "ptr", "ptr", "ptr"),
  skyscan_millipede_minima: fallible("ptr", "ptr", "i64", "ptr"),
  skyscan_millipede_widened_fit: fallible("ptr", "ptr", "f64", "f64", "ptr"),
  skyscan_millipede_losses: fallible("ptr", "ptr", "i64", "ptr"),

  // Spline tables (spline_table.ts)
  skyscan_table_open: fallible("ptr", "ptr"),
  skyscan_table_close: closing,
  skyscan_table_convolve: fallible("ptr", "i32", "i32", "ptr"),
  skyscan_table_describe: fallible("ptr", "ptr", "i64", "ptr"),
  skyscan_table_evaluate: fallible("ptr", "i64", "ptr", "ptr", "ptr", "ptr"),
  skyscan_table_fit: fallible("ptr", "i32", "ptr", "ptr", "ptr", "ptr", "ptr", "i32", "ptr"),
} as const satisfies Record<string, FFIFunction>;

function open(path: string) {
  try {
    return dlopen(path, symbols);
  } catch (cause) {
    throw new MachineError(
      `cannot load the native core from ${path}: ${cause instanceof Error ? cause.message : cause} (the directory for temporary files, TMPDIR, must be writable, not full and not mounted noexec)`,
      { cause },
    );
  }
}

/** What the core is built for: every x86-64, or those with AVX2 and FMA. */
export type Level = "x86-64" | "x86-64-v3";

/** The library built for the best instruction set this machine has. SKYSCAN_CPU=x86-64 forces the plain one. */
function load() {
  const plain = open(baseline);
  const isPlain = process.env.SKYSCAN_CPU === "x86-64" || plain.symbols.skyscan_cpu_level() < 3;
  const level: Level = isPlain ? "x86-64" : "x86-64-v3";
  return { functions: (isPlain ? plain : open(avx2)).symbols, level };
}

/** The library's functions as they are, and which of the two libraries they are from. */
export const { functions: core, level } = load();

type Symbols = typeof symbols;
type NameEnding<End extends string> = Extract<keyof Symbols, `skyscan_${string}${End}`>;
/** Calls that return a status. */
type Fallible = {
  [Name in keyof Symbols]: Symbols[Name]["args"] extends readonly [...unknown[], "ptr", "i64"]
    ? Name
    : never;
}[keyof Symbols];

/** What stands for a pointer of the header: numbers laid out as it says, a handle, or nothing. */
export type Data = NodeJS.TypedArray | Handle | null;
type Values<Kinds> = { readonly [K in keyof Kinds]: Kinds[K] extends "ptr" ? Data : number };
/** A call's arguments without the buffer for its explanation. */
type Arguments<Name extends keyof Symbols> = Symbols[Name]["args"] extends readonly [
  ...infer Kinds,
  "ptr",
  "i64",
]
  ? Values<Kinds>
  : never;
/** Those of an opening call, without the place for its handle either. */
type OpeningArguments<Name extends keyof Symbols> =
  Arguments<Name> extends readonly [...infer Rest, Data] ? Rest : never;

const SKYSCAN_BAD_INPUT = 1;
const message = new Uint8Array(1024);
/** Stands for an empty array, for which bun:ffi has no address. */
const nothing = new Float64Array(1);

const native = (value: number | Data): number | NodeJS.TypedArray | Pointer | null => {
  if (value instanceof Handle) return value.pointer;
  return ArrayBuffer.isView(value) && value.byteLength === 0 ? nothing : value;
};

/**
 * Makes one fallible call of the core. Throws InputError when the caller's data is at fault, Error when a
 * handle has been closed or the core fails.
 * @param values the header's arguments up to `message`
 */
export function call<Name extends Fallible>(name: Name, ...values: Arguments<Name>): void {
  check(core[name] as NativeFunction, values as readonly (number | Data)[]);
}

type NativeFunction = (...values: unknown[]) => number;

/** Calls any function of the core's convention; for libraries beside the core's own. See {@link call}. */
export function check(symbol: NativeFunction, values: readonly (number | Data)[]): void {
  const status = symbol(...values.map(native), message, message.length);
  if (status === 0) return;
  const text = new TextDecoder().decode(message.subarray(0, message.indexOf(0)));
  throw status === SKYSCAN_BAD_INPUT ? new InputError(text) : new Error(`native core: ${text}`);
}

/**
 * Makes one of the core's opening calls. Throws as {@link call} does.
 * @param what is opened, for the error of later use: "light model"
 * @param values the header's arguments up to the place for the handle
 */
export function opened<Name extends NameEnding<"_open">>(
  what: string,
  name: Name,
  close: NameEnding<"_close">,
  ...values: OpeningArguments<Name>
): Handle {
  const out = new BigUint64Array(1);
  check(core[name] as NativeFunction, [...(values as readonly (number | Data)[]), out]);
  return new Handle(what, Number(out[0]) as Pointer, core[close]);
}

/** Something the core holds for us. It closes once, and refuses use afterwards. */
export class Handle {
  readonly #what: string;
  readonly #close: (pointer: Pointer) => void;
  #pointer: Pointer | undefined;

  /** @param close frees what `pointer` points to */
  constructor(what: string, pointer: Pointer, close: (pointer: Pointer) => void) {
    this.#what = what;
    this.#pointer = pointer;
    this.#close = close;
  }

  /** Throws Error once closed. */
  get pointer(): Pointer {
    if (this.#pointer === undefined) throw new Error(`this ${this.#what} has been closed`);
    return this.#pointer;
  }

  /** Frees what the core holds; a second time does nothing. */
  close(): void {
    const pointer = this.#pointer;
    this.#pointer = undefined;
    if (pointer !== undefined) this.#close(pointer);
  }
}

/** Text as the core takes it: UTF-8, terminated. */
export const textBytes = (value: string): Uint8Array => new TextEncoder().encode(`${value}\0`);
