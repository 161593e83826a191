import { dlopen, type FFIFunction, ptr } from "bun:ffi";
import baseline from "../../build/libskyscan-x86-64.so" with { type: "file" };
import avx2 from "../../build/libskyscan-x86-64-v3.so" with { type: "file" };
import { InputError } from "../config/errors.ts";

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
} as const satisfies Record<string, FFIFunction>;

function open(path: string) {
  try {
    return dlopen(path, symbols);
  } catch (cause) {
    throw new InputError(
      `cannot load the native core from ${path}: ${cause instanceof Error ? cause.message : cause} (the directory for temporary files, TMPDIR, must be writable and not mounted noexec)`,
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
