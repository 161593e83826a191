import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readBaseline } from "../../src/client/startup_files.ts";
import { InputError } from "../../src/config/errors.ts";
import { testFolder } from "../folder.ts";

const folder = testFolder();
const path = (name: string) => join(folder, name);
const gcd = path("baseline gcd_138615.i3");
writeFileSync(gcd, new Uint8Array([...Buffer.from("[i3]"), ...new Uint8Array(8000)]));
writeFileSync(path("short.i3.gz"), new Uint8Array([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]));
writeFileSync(path("path.txt"), `${gcd}\n`);
writeFileSync(path("unnamed"), gcd);
writeFileSync(path("word.txt"), "built-in");
writeFileSync(path("empty.txt"), "");

describe("--baseline-gcd-file", () => {
  test.each([
    ["nothing", "", ""],
    ["the word", "built-in", ""],
    ["the baseline's path", gcd, gcd],
    ["its path on the server's machine", "/elsewhere/b.i3.zst", "/elsewhere/b.i3.zst"],
    ["a short packed file", path("short.i3.gz"), path("short.i3.gz")],
    ["a file with the path", path("path.txt"), gcd],
    ["a file with the path, under another name", path("unnamed"), gcd],
    ["a file with the word", path("word.txt"), ""],
    ["an empty file, as version 0.1.0 wrote it", path("empty.txt"), ""],
  ])("%s", async (_, given, expected) => {
    expect(await readBaseline(given)).toBe(expected);
  });

  test("a text file that is not there is no baseline", async () => {
    expect(readBaseline(path("none.txt"))).rejects.toThrow(InputError);
  });
});
