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
  "i3",
  "detector",
  "native",
  "light",
  "event",
  "pulses",
  "reco",
  "sky",
  "scan",
  "mq",
  "store",
  "result",
  "plot",
  "server",
  "client",
  "cli",
];

/** Types vanish when the program is built: they may name what a later room defines. */
const typeOnly = (statement: string): boolean => /^\s*(import|export)\s+type\b/.test(statement);

const importPattern = /^\s*(?:import|export)\s[^;]*?from\s+"(\.[^"]+)"|import\("(\.[^"]+)"\)/gm;

describe("the house", () => {
  test("every folder of src is a room", async () => {
    const found = new Set<string>();
    for await (const file of new Glob("*/**/*").scan(source)) found.add(file.split("/")[0]!);
    expect([...found].sort()).toEqual([...rooms].sort());
  });

  test("a room imports only rooms before it in the data's order", async () => {
    const against: string[] = [];
    for await (const file of new Glob("**/*.ts").scan(source)) {
      const room = rooms.indexOf(file.split("/")[0]!);
      const text = await Bun.file(resolve(source, file)).text();
      for (const match of text.matchAll(importPattern)) {
        if (typeOnly(match[0])) continue;
        const target = relative(source, resolve(source, dirname(file), (match[1] ?? match[2])!));
        if (target.startsWith("..")) continue;
        if (rooms.indexOf(target.split("/")[0]!) > room) against.push(`${file} → ${target}`);
      }
    }
    expect(against).toEqual([]);
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
  const folderOf = (file: string): string => file.split("/")[0]!;

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
    const graph = await includes();
    const circles: string[] = [];
    for (const start of graph.keys()) {
      const seen = new Set<string>();
      const next = [...graph.get(start)!];
      for (let file = next.pop(); file !== undefined; file = next.pop()) {
        if (file === start) circles.push(start);
        if (seen.has(file)) continue;
        seen.add(file);
        next.push(...(graph.get(file) ?? []));
      }
    }
    expect(circles).toEqual([]);
  });
});
