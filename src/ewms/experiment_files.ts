import { dirname } from "node:path";
import { consola } from "consola";
import { systemClock } from "../config/clock.ts";
import { STANDARD_GCD_DIRS } from "../detector/gcd.ts";
import { STANDARD_TABLE_DIRS, tableNames } from "../light/photon_tables.ts";
import type { LightPurpose } from "../native/light.ts";
import { type Source, type StagingSurroundings, staged, Unreachable } from "./staging.ts";

/** The experiment's large files on this machine, fetched where need be; offline what is built in has to do. */

const realSurroundings: StagingSurroundings = {
  fetch: (url, init) => fetch(url, init),
  clock: systemClock,
};

/**
 * Where a baseline GCD file lies here.
 * @returns undefined where it is not to be had: the built-in detector has to do
 */
export async function baselinePath(
  name: string,
  source: Source | undefined,
  surroundings = realSurroundings,
): Promise<string | undefined> {
  if (name === "") return undefined;
  const shelf = { places: STANDARD_GCD_DIRS, remote: "baseline_gcds" } as const;
  const path = await orOffline(staged(name, shelf, source, surroundings));
  if (path === undefined)
    consola.warn(
      `baseline ${name} is not here: the built-in IC86 geometry serves (--gcd-dir makes it an error)`,
    );
  return path;
}

/**
 * The folder of the photon tables of a light here.
 * @returns undefined where they are not to be had, all of them: the built-in light has to do
 */
export async function tablesDirectory(
  light: LightPurpose,
  source: Source | undefined,
  surroundings = realSurroundings,
): Promise<string | undefined> {
  const shelf = { places: STANDARD_TABLE_DIRS, remote: "spline-tables" } as const;
  const folders = new Set<string | undefined>();
  for (const name of tableNames(light)) {
    const path = await orOffline(staged(name, shelf, source, surroundings));
    folders.add(path && dirname(path));
    if (path === undefined) break;
  }
  const [folder] = folders;
  if (folders.size === 1 && folder !== undefined) return folder;
  consola.warn(
    "photon tables are not here: the built-in light serves (--photon-tables makes it an error)",
  );
  return undefined;
}

/** Without network what is built in serves; a network that fails in mid-way is this machine's fault. */
async function orOffline(path: Promise<string | undefined>): Promise<string | undefined> {
  try {
    return await path;
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    consola.warn(error.message);
    return undefined;
  }
}
