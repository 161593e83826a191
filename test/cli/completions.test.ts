import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { manualPage } from "../../scripts/release/manual.ts";
import { completionsFor, type Shell, shells } from "../../src/cli/completions.ts";
import { program } from "../../src/cli/main.ts";
import { outlineOf } from "../../src/cli/outline.ts";
import { recoNames } from "../../src/reco/registry.ts";

const outline = outlineOf(await program());
const has = (command: string) => Bun.which(command) !== null;
for (const command of [...shells, "man"])
  if (!has(command)) console.warn(`skipped, needs ${command}: completions and manual page`);

/** Runs a script of a shell that has the completions in "$1". */
function run(shell: Shell, script: string): string {
  const folder = mkdtempSync(join(tmpdir(), "skyscan-completions-"));
  const file = join(folder, "completions");
  writeFileSync(file, completionsFor(shell, outline));
  const { stdout, stderr, status } = spawnSync(shell, ["-c", script.replaceAll("FILE", file)], {
    encoding: "utf8",
  });
  rmSync(folder, { recursive: true });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return stdout;
}

/** What may follow, for each line typed so far. */
const cases: [typed: string, words: string[]][] = [
  ["skydriver s", ["scan", "status"]],
  ["scan --reco-algo mill", recoNames.filter((name) => name.startsWith("mill")).sort()],
  ["scan --nsi", ["--nsides"]],
  ["skydriver scan --max-pi", ["--max-pixel-reco-time"]],
  ["help ew", ["ewms"]],
  ["completions z", ["zsh"]],
  ["fit-pro", []],
];

describe("completions", () => {
  test.skipIf(!has("bash")).each(cases)("bash: skyscan %s", (typed, words) => {
    const array = ["skyscan", ...typed.split(" ")].map((word) => `'${word}'`).join(" ");
    const count = typed.split(" ").length;
    const script = `source FILE; COMP_WORDS=(${array}); COMP_CWORD=${count}; _skyscan; printf '%s\\n' "\${COMPREPLY[@]}"`;
    expect(run("bash", script).split("\n").filter(Boolean)).toEqual(words);
  });

  test.skipIf(!has("fish")).each(cases)("fish: skyscan %s", (typed, words) => {
    const lines = run("fish", `source FILE; complete -C 'skyscan ${typed}'`).split("\n");
    expect(lines.map((line) => line.split("\t")[0]!).filter(Boolean)).toEqual(words);
  });

  test.skipIf(!has("zsh"))("zsh: the script is one", () => {
    run("zsh", "zsh -n FILE");
  });
});

test.skipIf(!has("man"))(
  "the manual page: every command with its flags, and nothing roff warns of",
  () => {
    const page = manualPage(outline, "1.2.3", "2026-11-28");
    const { stdout, stderr } = spawnSync("man", ["--warnings", "-l", "-"], {
      input: page,
      encoding: "utf8",
      env: { ...process.env, MANWIDTH: "100", PAGER: "cat", MANPAGER: "cat" },
    });
    expect(stderr).toBe("");
    const shown = stdout.replaceAll(/\s+/g, " ");
    const missing = outline
      .filter(({ path, commands }) => path.length > 0 && commands.length === 0)
      .map(({ path }) => `skyscan ${path.join(" ")} `)
      .filter((usage) => !shown.includes(usage));
    expect(missing).toEqual([]);
    expect(shown.includes("--client-startup-json <file>")).toBe(true);
  },
);
