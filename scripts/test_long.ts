/**
 * The long tests, for `make test-long`: as many files at once as there are processors, those that need the machine to
 * themselves before. None stops another; at the end each stands with its time and result.
 */
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";

const repository = resolve(import.meta.dir, "..");
const suffix = ".long.ts";

/** Two thousand clients, a broker and a server already share the machine here. */
const alone = ["load"];
/** Of those side by side the longest begin, so that none is left over at the end: half an hour, and minutes. */
const longestFirst = ["millipede", "system", "splinempe", "signals", "sanitizers"];

interface Piece {
  readonly name: string;
  readonly command: readonly string[];
}

interface Course extends Piece {
  readonly seconds: number;
  readonly hasPassed: boolean;
  /** Its own summary: how many passed and failed. */
  readonly summary: string;
}

const rank = ({ name }: Piece): number => {
  const found = longestFirst.indexOf(name);
  return found < 0 ? longestFirst.length : found;
};

function allPieces(): Piece[] {
  const folder = join(repository, "test/long");
  const tests = readdirSync(folder)
    .filter((file) => file.endsWith(suffix))
    .map((file) => ({
      name: file.slice(0, -suffix.length),
      command: [process.execPath, "test", "--timeout", "3600000", join(folder, file)],
    }));
  const core = "build/test-core-sanitized";
  const made = `make --no-print-directory --silent ${core} && ${core} --no-colors`;
  return [...tests, { name: "sanitizers", command: ["sh", "-c", made] }].sort(
    (a, b) => rank(a) - rank(b),
  );
}

async function run(piece: Piece): Promise<Course> {
  const began = performance.now();
  const child = Bun.spawn([...piece.command], {
    cwd: repository,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: process.env,
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  const text = `${stdout}${stderr}`;
  const seconds = (performance.now() - began) / 1000;
  const counted = text.match(/^ *\d+ (?:pass|skip|fail)$|test cases:.*\d+ failed/gm) ?? [];
  const summary = counted.map((line) => line.trim()).join(", ");
  console.log(`\n=== ${piece.name}, ${seconds.toFixed(0)} s, code ${code}\n${text}`);
  return { ...piece, seconds, hasPassed: code === 0, summary };
}

/** Runs pieces in their order, at most so many at once. */
async function runAll(pieces: readonly Piece[], atOnce: number): Promise<Course[]> {
  const waiting = [...pieces];
  const done: Course[] = [];
  const worker = async () => {
    for (let piece = waiting.shift(); piece !== undefined; piece = waiting.shift())
      done.push(await run(piece));
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return done;
}

const wanted = process.argv.slice(2);
const pieces = allPieces().filter(({ name }) => wanted.length === 0 || wanted.includes(name));
const unknown = wanted.filter((name) => !pieces.some((piece) => piece.name === name));
if (unknown.length > 0) throw new Error(`no such long tests: ${unknown.join(", ")}`);
const isAlone = ({ name }: Piece) => alone.includes(name);
const courses = [
  ...(await runAll(pieces.filter(isAlone), 1)),
  ...(await runAll(
    pieces.filter((piece) => !isAlone(piece)),
    availableParallelism(),
  )),
];
console.log();
for (const { name, seconds, hasPassed, summary } of courses)
  console.log(
    `${hasPassed ? "passed" : "FAILED"} ${`${seconds.toFixed(0)} s`.padStart(7)}  ${name.padEnd(12)} ${summary}`,
  );
const failed = courses.filter(({ hasPassed }) => !hasPassed).length;
console.log(`${courses.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
