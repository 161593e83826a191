import { expect, spyOn, test } from "bun:test";
import { createConsola } from "consola";
import fc from "fast-check";
import { clean } from "../../src/config/log.ts";
import { printable, printableLine } from "../../src/config/print.ts";

/** Sets a title, clears the screen, in C0 and in C1 controls; turns the direction of writing. */
const hostile = "\u001b]0;owned\u0007\u001b[2J\u009b31m\u202etxt.exe\r\n INFO  best fit";

test("nothing that steers a terminal is printed", () => {
  expect(printable(hostile)).toBe(
    "\\u001b]0;owned\\u0007\\u001b[2J\\u009b31m\\u202etxt.exe\\u000d\n INFO  best fit",
  );
  expect(printableLine(hostile)).not.toContain("\n");
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(printable(text)).not.toMatch(/[^\P{Cc}\t\n]/u);
    }),
  );
});

test("a JSON document means the same when it is printed", () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const once = JSON.stringify(JSON.parse(text));
      expect(JSON.parse(printable(once))).toEqual(JSON.parse(once));
    }),
  );
});

test.each([
  ["text", hostile],
  ["error", new Error(hostile)],
])("a log line with a hostile %s is one harmless line", (_kind, what) => {
  const lines: string[] = [];
  const stderr = spyOn(process.stderr, "write").mockImplementation((text) => {
    lines.push(String(text));
    return true;
  });
  const log = createConsola({ stdout: process.stderr, stderr: process.stderr });
  clean(log);
  log.error(what);
  stderr.mockRestore();
  // Its own colours it may have.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
  const shown = lines.join("").replace(/\u001b\[\d+m/g, "");
  expect(shown).toContain("owned");
  expect(shown).not.toMatch(/[^\P{Cc}\t\n]/u);
  expect(shown.split("\n").find((line) => line.includes("owned"))).toContain("best fit");
});
