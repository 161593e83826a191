import { describe, expect, test } from "bun:test";
import { dirname, relative, resolve } from "node:path";
import { Glob } from "bun";

const source = resolve(import.meta.dir, "../src");

/** The rooms in the order in which data flows; each may import itself and those before it. */
const rooms = [
  "config",
  "i3",
  "detector",
  "native",
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
