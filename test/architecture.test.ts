import { describe, expect, test } from "bun:test";
import { dirname, relative, resolve } from "node:path";
import { Glob } from "bun";

const source = resolve(import.meta.dir, "../src");

/** The core's folders, from the bottom: each may include itself and those before it. */
const coreFolders = [
  "platform",
  "base",
  "math",
  "minimise",
  "sky",
  "splines",
  "light",
  "splinempe",
  "millipede",
  "abi",
];

/** The rooms in the order in which data flows; each may import itself and those before it. */
const rooms = [
  "core",
  "config",
  "geometry",
  "native",
  "i3",
  "detector",
  "light",
  "event",
  "pulses",
  "reco",
  "sky",
  "scan",
  "mq",
  "store",
  "result",
  "publish",
  "plot",
  "skydriver",
  "ewms",
  "server",
  "client",
  "calibrate",
  "docs",
  "desk",
  "page",
  "cli",
];

/** Files that depend on themselves by a detour. @param graph what each file depends on directly */
function inCircles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  return [...graph.keys()].filter((start) => {
    const seen = new Set<string>();
    const next = [...graph.get(start)!];
    for (let file = next.pop(); file !== undefined; file = next.pop()) {
      if (file === start) return true;
      if (seen.has(file)) continue;
      seen.add(file);
      next.push(...(graph.get(file) ?? []));
    }
    return false;
  });
}

const folderOf = (file: string): string => file.split("/")[0]!;

describe("the house", () => {
  const importPattern = /^\s*(?:import|export)\s[^;]*?from\s+"(\.[^"]+)"|import\("(\.[^"]+)"\)/gm;

  /** Every file and what it imports, relative to src. Types count too: they tie files together as much. */
  async function imports(): Promise<Map<string, string[]>> {
    const found = new Map<string, string[]>();
    for await (const file of new Glob("**/*.ts").scan(source)) {
      const text = await Bun.file(resolve(source, file)).text();
      const targets = [...text.matchAll(importPattern)]
        .map((match) => relative(source, resolve(source, dirname(file), (match[1] ?? match[2])!)))
        .filter((target) => !target.startsWith(".."));
      found.set(file, targets);
    }
    return found;
  }

  test("every folder of src is a room", async () => {
    const found = new Set<string>();
    for await (const file of new Glob("*/**/*").scan(source)) found.add(folderOf(file));
    expect([...found].sort()).toEqual([...rooms].sort());
  });

  test("a room imports only rooms before it in the data's order", async () => {
    const against: string[] = [];
    for (const [file, targets] of await imports())
      for (const target of targets)
        if (rooms.indexOf(folderOf(target)) > rooms.indexOf(folderOf(file)))
          against.push(`${file} → ${target}`);
    expect(against).toEqual([]);
  });

  test("no file imports itself by a detour", async () => {
    expect(inCircles(await imports())).toEqual([]);
  });
});

describe("the core", () => {
  const core = resolve(source, "core");
  const includePattern = /^#include "([^"]+)"/gm;

  /** Every file of the core and what it includes, both relative to src/core. */
  async function includes(): Promise<Map<string, string[]>> {
    const found = new Map<string, string[]>();
    for await (const file of new Glob("**/*.{cpp,hpp,h}").scan(core)) {
      const text = await Bun.file(resolve(core, file)).text();
      found.set(
        file,
        [...text.matchAll(includePattern)].map((match) => match[1]!),
      );
    }
    return found;
  }

  test("every folder of src/core is known", async () => {
    const found = new Set([...(await includes()).keys()].map(folderOf));
    expect([...found].sort()).toEqual([...coreFolders].sort());
  });

  test("a folder includes only itself and those below it", async () => {
    const against: string[] = [];
    for (const [file, targets] of await includes())
      for (const target of targets) {
        const from = folderOf(file);
        const to = folderOf(target);
        const isApart =
          (from === "splinempe" && to === "millipede") ||
          (from === "millipede" && to === "splinempe");
        if (isApart || coreFolders.indexOf(to) > coreFolders.indexOf(from) || !target.includes("/"))
          against.push(`${file} → ${target}`);
      }
    expect(against).toEqual([]);
  });

  test("no header includes itself by a detour", async () => {
    expect(inCircles(await includes())).toEqual([]);
  });
});
