import { dlopen, type FFIFunction, ptr } from "bun:ffi";
import baseline from "../../build/libskyscan-x86-64.so" with { type: "file" };
import avx2 from "../../build/libskyscan-x86-64-v3.so" with { type: "file" };
import { InputError, MachineError } from "../config/errors.ts";

/** The C ABI, skyscan.h, name by name. Calls that can fail end with (message, messageSize). */
const symbols = {
  skyscan_cpu_level: { args: [], returns: "i32" },

  // Directions (astro.ts)
  skyscan_to_equatorial: {
    args: ["i64", "ptr", "ptr", "ptr", "ptr", "ptr", "ptr", "i64"],
    returns: "i32",
  },
  skyscan_to_detector: {
    args: ["i64", "ptr", "ptr", "ptr", "ptr", "ptr", "ptr", "i64"],
    returns: "i32",
  },

  // Millipede (millipede.ts)
  skyscan_millipede_open: {
    args: ["ptr", "ptr", "i64", "ptr", "ptr", "ptr", "ptr", "ptr", "ptr", "ptr", "ptr", "i64"],
    returns: "i32",
  },
  skyscan_millipede_close: { args: ["ptr"], returns: "void" },
  skyscan_millipede_bins: { args: ["ptr", "ptr", "i64", "ptr", "ptr", "i64"], returns: "i32" },
  skyscan_millipede_evaluate: {
    args: ["ptr", "ptr", "f64", "f64", "ptr", "ptr", "i64"],
    returns: "i32",
  },
  skyscan_millipede_llh: {
    args: ["ptr", "ptr", "f64", "f64", "ptr", "i64", "ptr", "ptr", "i64"],
    returns: "i32",
  },
  skyscan_millipede_column_sums: {
    args: ["ptr", "ptr", "f64", "i32", "ptr", "i64", "ptr", "ptr", "i64"],
    returns: "i32",
  },
  skyscan_millipede_fit: {
    args: ["ptr", "ptr", "ptr", "ptr", "ptr", "ptr", "i64"],
    returns: "i32",
  },
  skyscan_millipede_losses: { args: ["ptr", "ptr", "i64", "ptr", "ptr", "i64"], returns: "i32" },

  // Spline tables (tables.ts)
  skyscan_table_open: { args: ["ptr", "ptr", "ptr", "i64"], returns: "i32" },
  skyscan_table_close: { args: ["ptr"], returns: "void" },
  skyscan_table_convolve: { args: ["ptr", "i32", "i32", "ptr", "ptr", "i64"], returns: "i32" },
  skyscan_table_describe: { args: ["ptr", "ptr", "i64", "ptr", "ptr", "i64"], returns: "i32" },
  skyscan_table_evaluate: {
    args: ["ptr", "i64", "ptr", "ptr", "ptr", "ptr", "ptr", "i64"],
    returns: "i32",
  },
  skyscan_table_derivative: {
    args: ["ptr", "i64", "ptr", "ptr", "ptr", "ptr", "ptr", "i64"],
    returns: "i32",
  },
  skyscan_table_fit: {
    args: ["ptr", "i32", "ptr", "ptr", "ptr", "ptr", "ptr", "i32", "ptr", "ptr", "i64"],
    returns: "i32",
  },

  // Light (light.ts)
  skyscan_light_embedded_open: {
    args: ["i64", "ptr", "i64", "ptr", "f64", "f64", "i32", "ptr", "ptr", "i64"],
    returns: "i32",
  },
  skyscan_light_close: { args: ["ptr"], returns: "void" },
  skyscan_muon_expectation: {
    args: ["ptr", "ptr", "i64", "ptr", "ptr", "ptr", "ptr", "i64"],
    returns: "i32",
  },
  skyscan_muon_low_energy_factor: { args: ["ptr", "f64"], returns: "f64" },
  skyscan_muon_light: {
    args: ["ptr", "ptr", "ptr", "i32", "i64", "ptr", "ptr", "ptr", "i64"],
    returns: "i32",
  },
  skyscan_cascade_light: {
    args: ["ptr", "ptr", "ptr", "i64", "ptr", "ptr", "ptr", "i64"],
    returns: "i32",
  },
  skyscan_cascade_string: {
    args: ["ptr", "ptr", "i64", "ptr", "ptr", "i64", "ptr", "ptr", "ptr", "i64"],
    returns: "i32",
  },
  skyscan_convoluted_pandel: {
    args: ["f64", "f64", "i64", "ptr", "ptr", "ptr", "ptr", "i64"],
    returns: "i32",
  },

  // splinempe (splinempe.ts)
  skyscan_splinempe_open: {
    args: ["ptr", "i64", "ptr", "f64", "f64", "f64", "ptr", "ptr", "i64"],
    returns: "i32",
  },
  skyscan_splinempe_close: { args: ["ptr"], returns: "void" },
  skyscan_splinempe_evaluate: {
    args: ["ptr", "ptr", "f64", "i32", "ptr", "ptr", "i64"],
    returns: "i32",
  },
  skyscan_splinempe_fit: {
    args: ["ptr", "ptr", "ptr", "f64", "ptr", "ptr", "i64"],
    returns: "i32",
  },

  // Light from photon tables (tables.ts)
  skyscan_light_tables_open: {
    args: ["ptr", "ptr", "ptr", "i32", "i32", "ptr", "ptr", "i64"],
    returns: "i32",
  },
  skyscan_table_pair_open: {
    args: ["ptr", "ptr", "i32", "f64", "ptr", "ptr", "i64"],
    returns: "i32",
  },
  skyscan_table_pair_close: { args: ["ptr"], returns: "void" },
  skyscan_table_pair_look: {
    args: [
      ...["ptr", "i32", "f64", "ptr", "ptr", "i64"],
      ...["ptr", "ptr", "ptr", "ptr", "ptr", "ptr", "ptr", "i64"],
    ] as const,
    returns: "i32",
  },
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

/** The library built for the best instruction set this machine has. SKYSCAN_CPU=x86-64 forces the plain one. */
function load() {
  const plain = open(baseline);
  if (process.env.SKYSCAN_CPU === "x86-64" || plain.symbols.skyscan_cpu_level() < 3) return plain;
  return open(avx2);
}

/** The native core's functions. For the other files of this directory only. */
export const core = load().symbols;

const SKYSCAN_BAD_INPUT = 1;
const message = new Uint8Array(1024);

/**
 * Runs one fallible call of the core, handing it the buffer for its explanation.
 * Throws InputError when the caller's data is at fault, Error otherwise.
 */
export function check(call: (message: ReturnType<typeof ptr>, size: number) => number): void {
  const status = call(ptr(message), message.length);
  if (status === 0) return;
  const text = new TextDecoder().decode(message.subarray(0, message.indexOf(0)));
  throw status === SKYSCAN_BAD_INPUT ? new InputError(text) : new Error(`native core: ${text}`);
}
