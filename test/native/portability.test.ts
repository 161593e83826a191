import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The dynamic section's needs of a 64-bit little-endian ELF file: libraries, and symbol versions of them. */
function needs(path: string): { libraries: string[]; versions: string[] } {
  const bytes = readFileSync(path);
  const word = (at: number) => Number(bytes.readBigUInt64LE(at));
  const sections = Array.from({ length: bytes.readUInt16LE(0x3c) }, (_, i) => {
    const at = word(0x28) + i * bytes.readUInt16LE(0x3a);
    return {
      type: bytes.readUInt32LE(at + 4),
      offset: word(at + 24),
      size: word(at + 32),
      link: bytes.readUInt32LE(at + 40),
    };
  });
  const ofType = (type: number) => sections.find((section) => section.type === type)!;
  const textAt = (offset: number) => bytes.toString("latin1", offset, bytes.indexOf(0, offset));

  const [DYNAMIC, VERNEED, DT_NEEDED] = [6, 0x6ffffffe, 1];
  const dynamic = ofType(DYNAMIC);
  const strings = sections[dynamic.link]!.offset;
  const libraries: string[] = [];
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.size; at += 16)
    if (word(at) === DT_NEEDED) libraries.push(textAt(strings + word(at + 8)));

  const versions: string[] = [];
  const wanted = ofType(VERNEED);
  const names = sections[wanted.link]!.offset;
  for (let file = wanted.offset; ; ) {
    let entry = file + bytes.readUInt32LE(file + 8);
    for (let i = 0; i < bytes.readUInt16LE(file + 2); i++) {
      versions.push(textAt(names + bytes.readUInt32LE(entry + 8)));
      entry += bytes.readUInt32LE(entry + 12);
    }
    const next = bytes.readUInt32LE(file + 12);
    if (next === 0) break;
    file += next;
  }
  return { libraries, versions };
}

describe.each(["x86-64", "x86-64-v3"])("the native library for %s", (level) => {
  const { libraries, versions } = needs(
    join(import.meta.dir, `../../build/libskyscan-${level}.so`),
  );

  test("asks for no glibc newer than 2.28", () => {
    const glibc = versions.map((name) => /^GLIBC_2\.(\d+)/.exec(name)).filter((match) => match);
    expect(glibc.length).toBeGreaterThan(0);
    for (const match of glibc) expect(Number(match![1])).toBeLessThanOrEqual(28);
    expect(versions.filter((name) => !name.startsWith("GLIBC_2."))).toEqual([]);
  });

  test("needs nothing but glibc: C++ runtime, astronomy and minimisers are inside", () => {
    for (const library of libraries)
      expect(library).toMatch(/^(libc|libm|libdl|libpthread|ld-linux-x86-64)\.so\.\d$/);
  });
});
