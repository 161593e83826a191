// Makes the finished executable deaf to the two variables by which Bun lets the environment turn a compiled program
// into something else: BUN_BE_BUN (the bun command line) and BUN_OPTIONS (flags of the run time). There is no switch
// for either, so their names in the file are replaced by ones of the same length that no environment can hold.
import { chmodSync, readFileSync, writeFileSync } from "node:fs";

/** Variable, what replaces it, and how often it stands in the run time this program is built with. */
const names = [
  ["BUN_BE_BUN", "=UN_BE_BUN", 1],
  ["BUN_OPTIONS", "=UN_OPTIONS", 2],
] as const;

const [, , path] = process.argv;
const bytes = readFileSync(path!);
for (const [name, replacement, expected] of names) {
  let count = 0;
  for (let at = bytes.indexOf(name); at >= 0; at = bytes.indexOf(name, at + 1), count++)
    bytes.write(replacement, at, "latin1");
  if (count !== expected)
    throw new Error(`${path}: ${name} stands in it ${count} times, not ${expected}: another Bun?`);
}
writeFileSync(path!, bytes);
chmodSync(path!, 0o755);
