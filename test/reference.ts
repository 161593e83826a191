/** The reference numbers and real alerts that tests are checked against: all of ../shared, or the part in test/data. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { zstdDecompressSync } from "node:zlib";

const root = resolve(import.meta.dir, "..");
/** The whole, kept beside the repository; absent in a bare clone. */
const whole = resolve(root, "../shared");
export const hasShared = existsSync(whole);
const folder = hasShared ? whole : await unpackedFixture();

/** The archives of test/data, unpacked once for each of their contents. */
async function unpackedFixture(): Promise<string> {
  const packed = ["reference.tar.zst", "photon_tables.tar.zst"].map((name) =>
    readFileSync(join(root, "test/data", name)),
  );
  const hash = createHash("sha256");
  for (const bytes of packed) hash.update(bytes);
  const unpacked = join(root, "build", `reference-${hash.digest("hex").slice(0, 12)}`);
  if (existsSync(unpacked)) return unpacked;
  mkdirSync(join(root, "build"), { recursive: true });
  const partial = mkdtempSync(`${unpacked}.`);
  for (const bytes of packed) await new Bun.Archive(zstdDecompressSync(bytes)).extract(partial);
  try {
    renameSync(partial, unpacked);
  } catch {
    // Another process was faster.
    rmSync(partial, { recursive: true });
  }
  return unpacked;
}

/** Path of a reference file, named as in ../shared. */
export const shared = (...path: string[]): string => join(folder, ...path);

/**
 * The cases whose reference files are there. In a clone with ../shared that is all of them, in any other one at
 * least: no claim goes unproved unnoticed.
 */
export function present<T>(
  cases: readonly T[],
  filesOf: (one: T) => string | readonly string[],
): T[] {
  const lacking = (one: T) => [filesOf(one)].flat().filter((file) => !existsSync(shared(file)));
  const found = cases.filter((one) => lacking(one).length === 0);
  if (found.length === 0 || (hasShared && found.length < cases.length))
    throw new Error(`no such reference files: ${cases.flatMap(lacking).join(", ")}`);
  return found;
}
