// The C interface's two sides: the headers that C++ implements, and the tables TypeScript calls by.

import { dlopen } from "bun:ffi";
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { symbols } from "../../src/native/core.ts";
import { structs } from "../../src/native/structs.ts";
import { diagnosticSymbols, testingLibrary } from "./diagnostics.ts";

const root = resolve(import.meta.dir, "../..");

interface Declared {
  readonly returns: string;
  readonly args: readonly { readonly kind: string; readonly name: string }[];
}

/** bun:ffi's word for a C type. */
function kindOf(type: string): string {
  if (type.includes("*")) return "ptr";
  const kinds: Record<string, string> = {
    double: "f64",
    int32_t: "i32",
    int64_t: "i64",
    void: "void",
  };
  const kind = kinds[type.trim()];
  if (kind === undefined) throw new Error(`no kind for the C type ${type}`);
  return kind;
}

/** The functions that a header of the core declares. */
function declaredIn(header: string): Map<string, Declared> {
  const text = readFileSync(resolve(root, "src/core/abi", header), "utf8").replaceAll(
    /\/\*.*?\*\//gs,
    "",
  );
  return new Map(
    [...text.matchAll(/SKYSCAN_API ([\w ]+?\*?) ?(\w+)\(([^)]*)\);/g)].map(
      ([, returns, name, args]) => [
        name!,
        {
          returns: kindOf(returns!),
          args:
            args === "void"
              ? []
              : args!.split(",").map((arg) => ({
                  kind: kindOf(arg.slice(0, arg.lastIndexOf(/\w+$/.exec(arg)![0]))),
                  name: /\w+$/.exec(arg)![0],
                })),
        },
      ],
    ),
  );
}

test("structs are laid out as TypeScript writes and reads them, field by field", () => {
  const snake = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const types = { f64: "double", i32: "int32_t", i64: "int64_t" };
  const claims = Object.values(structs).flatMap(({ name, size, fields }) => [
    `sizeof(${name}) == ${size}`,
    ...fields.flatMap(({ field, kind, length, offset }) => [
      `offsetof(${name}, ${snake(field)}) == ${offset}`,
      `std::is_same_v<decltype(${name}::${snake(field)}), ${types[kind]}${length === undefined ? "" : `[${length}]`}>`,
    ]),
  ]);
  const program = [
    '#include "abi/skyscan.h"',
    "#include <type_traits>",
    ...claims.map((claim) => `static_assert(${claim}, "");`),
  ].join("\n");
  const compiler = Bun.spawnSync(
    ["g++", "-std=c++20", "-fsyntax-only", "-I", resolve(root, "src/core"), "-x", "c++", "-"],
    { stdin: new TextEncoder().encode(program) },
  );
  expect(compiler.stderr.toString()).toBe("");
  const header = readFileSync(resolve(root, "src/core/abi/skyscan.h"), "utf8");
  const declared = [...header.matchAll(/typedef struct (\w+) \{/g)].map(([, name]) => name!);
  // A moment is the core's own: nobody else looks into it.
  expect(declared.filter((name) => name !== "skyscan_moment").sort()).toEqual(
    Object.values(structs)
      .map(({ name }) => name)
      .sort(),
  );
});

/** What a shared library lets others call. */
function exportsOf(library: string): string[] {
  const { stdout, success } = Bun.spawnSync([
    "nm",
    "-D",
    "--defined-only",
    "--format=just-symbols",
    library,
  ]);
  expect(success).toBe(true);
  return stdout.toString().trim().split("\n").sort();
}

const sides = [
  ["skyscan.h", symbols],
  ["testing.h", diagnosticSymbols],
] as const;

test.each(sides)("%s declares what TypeScript calls, argument by argument", (header, table) => {
  const declared = Object.fromEntries(
    [...declaredIn(header)].map(([name, { args, returns }]) => [
      name,
      { args: args.map(({ kind }) => kind), returns },
    ]),
  );
  expect(declared).toEqual(structuredClone(table) as unknown as typeof declared);
});

test.each(["x86-64", "x86-64-v3"])(
  "the library for %s exports the C interface and nothing else",
  (level) => {
    expect(exportsOf(resolve(root, `build/libskyscan-${level}.so`))).toEqual(
      Object.keys(symbols).sort(),
    );
  },
);

test("the library for tests exports what only tests ask as well", () => {
  expect(exportsOf(testingLibrary)).toEqual(
    [...Object.keys(symbols), ...Object.keys(diagnosticSymbols)].sort(),
  );
});

/** Pointers that may be null, as the headers say; `message` may be, everywhere. */
const mayBeNull = new Set([
  "skyscan_light_tables_open stochastic",
  "skyscan_millipede_open sketch_light",
  "skyscan_millipede_fit searched",
  "skyscan_millipede_fit fallback",
  "skyscan_splinempe_evaluate gradient",
  "skyscan_table_evaluate gradients",
]);

const SKYSCAN_BAD_INPUT = 1;

// The other pointers point to zeros, which are no handle: whatever reads before it has looked at all pointers
// ends the process.
test.each(sides)(
  "%s: a null pointer is bad input that names it; null is closed in peace",
  (header, table) => {
    const { symbols: functions } = dlopen(testingLibrary, table);
    const zeros = new Uint8Array(1 << 16);
    const message = new Uint8Array(256);
    const said = () => new TextDecoder().decode(message.subarray(0, message.indexOf(0)));
    for (const [name, { args, returns }] of declaredIn(header)) {
      const native = (functions as unknown as Record<string, (...values: unknown[]) => number>)[
        name
      ]!;
      if (returns === "void") native(null);
      args.forEach((arg, nulled) => {
        if (returns !== "i32" || arg.kind !== "ptr" || arg.name === "message") return;
        if (mayBeNull.has(`${name} ${arg.name}`)) return;
        const values = args.map(({ kind, name: of }, i) => {
          if (of === "message") return message;
          if (of === "message_size") return message.length;
          if (kind !== "ptr") return 1;
          return i === nulled ? null : zeros;
        });
        expect([name, native(...values), said()]).toEqual([
          name,
          SKYSCAN_BAD_INPUT,
          `${arg.name}: null`,
        ]);
        expect(native(...values.map((value) => (value === message ? null : value)))).toBe(
          SKYSCAN_BAD_INPUT,
        );
      });
    }
  },
);
