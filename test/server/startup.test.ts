import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { forgetOtherScans, writeStartupFiles } from "../../src/server/startup.ts";
import { testFolder } from "../folder.ts";

const folder = testFolder();
const data = (mq_basename: string, baseline_GCD_file = "") => ({
  ...{ mq_basename, baseline_GCD_file, GCDQp_packet: { frames: [] } },
});
const read = (...path: string[]) => readFileSync(join(folder, ...path), "utf8");

describe("start-up files", () => {
  test("the baseline's file is never empty: shells drop what is", async () => {
    await writeStartupFiles({ directory: join(folder, "built in") }, data("one"));
    expect(read("built in", "baseline_GCD_file.txt")).toBe("built-in");
    await writeStartupFiles({ directory: join(folder, "gcd") }, data("one", "/gcd/b.i3"));
    expect(read("gcd", "baseline_GCD_file.txt")).toBe("/gcd/b.i3");
  });

  test("one file alone, under a name of the user's", async () => {
    const file = join(folder, "alone", "mine.json");
    await writeStartupFiles({ file }, data("one"));
    expect(JSON.parse(read("alone", "mine.json"))).toEqual(data("one"));
    expect(existsSync(join(folder, "alone", "mq-basename.txt"))).toBe(false);
  });

  test.each([
    ["this scan's own stays", JSON.stringify(data("ours")), true],
    ["another scan's goes", JSON.stringify(data("theirs")), false],
    ["half a file goes", '{"mq_basename": "ou', false],
    ["anything else goes", "null", false],
  ])("a file from before: %s", async (name, before, stays) => {
    const directory = join(folder, name);
    mkdirSync(directory);
    const file = join(directory, "startup.json");
    writeFileSync(file, before);
    await forgetOtherScans({ directory }, "ours");
    expect(existsSync(file)).toBe(stays);
  });

  test("there need not be one", async () => {
    const directory = join(folder, "nowhere");
    await forgetOtherScans({ directory }, "ours");
    expect(existsSync(directory)).toBe(false);
  });
});
