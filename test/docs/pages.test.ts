import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { program as wholeProgram } from "../../src/cli/main.ts";
import { outlineOf } from "../../src/cli/outline.ts";
import { pages } from "../../src/docs/pages.ts";
import { program } from "../programs.ts";

const folder = resolve(import.meta.dir, "../../src/docs");
const commandLine = await wholeProgram();
const readme = readFileSync(resolve(folder, "../../README.md"), "utf8");

function help(...words: string[]): { code: number; text: string } {
  const { exitCode, stdout } = Bun.spawnSync([...program, "help", ...words], { stderr: "ignore" });
  return { code: exitCode, text: stdout.toString() };
}

describe("pages for users", () => {
  test("every page of the folder is a topic, and the README links it", () => {
    const files = readdirSync(folder).filter((name) => name.endsWith(".md"));
    expect(files.sort()).toEqual(
      Object.keys(pages)
        .sort()
        .map((topic) => `${topic}.md`),
    );
    for (const file of files) expect(readme).toContain(`](src/docs/${file})`);
  });

  test.each(Object.entries(pages))("%s is shown as it is, and fits a terminal", (topic, page) => {
    expect(page).toMatch(/^# .+\n\n/);
    const long = page.split("\n").filter((line) => line.length > 120);
    expect(long).toEqual([]);
    expect(help(topic)).toEqual({
      code: 0,
      text: readFileSync(join(folder, `${topic}.md`), "utf8"),
    });
  });

  test("a flag that is written of is there: anywhere, and on the desk's page, at what it is about", () => {
    const written = (text: string) =>
      new Set([...text.matchAll(/(?<![\w-])--[a-z][\w-]*/g)].map(([flag]) => flag));
    const flags = (chosen: (path: string) => boolean) =>
      new Set(
        outlineOf(commandLine)
          .filter(({ path }) => chosen(path.join(" ")))
          .flatMap((command) => command.flags.flatMap(({ names }) => names)),
      );
    // ligo-skymap-plot's own.
    const known = flags(() => true).add("--contour");
    for (const text of [readme, ...Object.values(pages)])
      expect([...written(text).difference(known)]).toEqual([]);
    const desks = flags((path) => /^(serve|client|scan|server)$/.test(path));
    expect([...written(pages.desk!).difference(desks)]).toEqual([]);
  });

  test("without a topic: the commands; with a command's name: its usage", () => {
    expect(help().text).toContain("Usage: skyscan [options] [command]");
    expect(help("--help").text).toBe(help().text);
    expect(help("result", "convert").text).toContain("Usage: skyscan result convert");
  });
});
