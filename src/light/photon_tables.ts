import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { consola } from "consola";
import { MachineError } from "../config/errors.ts";
import { opened, textBytes } from "../native/core.ts";
import { LIGHT_KINDS, type LightModel, type LightPurpose } from "../native/light.ts";

/** Where IceCube's photon tables are looked for after --photon-tables. */
export const STANDARD_TABLE_DIRS = [
  "/opt/i3-data/photon-tables/splines",
  "/cvmfs/icecube.opensciencegrid.org/data/photon-tables/splines",
] as const;

/** The tables one kind of source needs, by their official names. */
const officialNames = {
  muon: {
    amplitude: "InfBareMu_mie_abs_z20a10_V2.fits",
    timing: "InfBareMu_mie_prob_z20a10_V2.fits",
    stochastic: "InfHighEStoch_mie_abs_z20a10.fits",
  },
  cascade: { amplitude: "ems_mie_z20_a10.abs.fits", timing: "ems_mie_z20_a10.prob.fits" },
  "cascade-ftp": {
    amplitude: "cascade_single_spice_ftp-v1_flat_z20_a5.abs.fits",
    timing: "cascade_single_spice_ftp-v1_flat_z20_a5.prob.v2.fits",
  },
} as const satisfies Record<LightPurpose, Record<string, string>>;

/** Paths of the files of one source's light. */
export interface PhotonTables {
  readonly directory: string;
  readonly amplitude: string;
  readonly timing: string;
  /** Muons only: amplitude of their stochastic losses. */
  readonly stochastic?: string;
  /** Tables beside them that are known but not used. */
  readonly unused: readonly string[];
}

/** Names of the tables one kind of source needs. */
export const tableNames = (source: LightPurpose): readonly string[] =>
  Object.values(officialNames[source]);

const effectiveDistance = ["eff", "prob", "tmod"].map(
  (kind) => `cascade_effectivedistance_spice_ftp-v1_z20.${kind}.fits`,
);

/**
 * Looks for the photon tables of one source: in `directory` if given (then they must be there, all of
 * them; otherwise MachineError: other machines may have them), else in the standard places; undefined
 * when they are in none.
 * @param isRequired MachineError also where they are in none of the standard places
 */
export function findTables(
  source: LightPurpose,
  directory?: string,
  isRequired = false,
): PhotonTables | undefined {
  const names = officialNames[source];
  for (const place of directory === undefined ? STANDARD_TABLE_DIRS : [directory]) {
    const missing = Object.values(names).filter((name) => !existsSync(join(place, name)));
    if (missing.length > 0) {
      if (directory === undefined) continue;
      throw new MachineError(`no photon table ${missing.join(", ")} in ${directory}`);
    }
    const paths = Object.fromEntries(
      Object.entries(names).map(([role, name]) => [role, join(place, name)]),
    ) as { amplitude: string; timing: string; stochastic?: string };
    const unused =
      source === "cascade-ftp"
        ? effectiveDistance.map((name) => join(place, name)).filter((path) => existsSync(path))
        : [];
    return { directory: place, ...paths, unused };
  }
  if (isRequired) throw new MachineError(`no photon tables in ${STANDARD_TABLE_DIRS.join(" or ")}`);
  return undefined;
}

/** How tables are found and read. */
export interface TableOptions {
  /** Where they must be; default: the standard places. */
  readonly photonTables?: string | undefined;
  /** Round the light of cascades as photospline does, number by number: slow. */
  readonly singlePrecision?: boolean | undefined;
  /** Not to find any is an error. */
  readonly isRequired?: boolean;
}

/**
 * The light model of the photon tables found by findTables, undefined when there are none. Logs a line
 * per file. Throws MachineError when they must be there and are not, InputError when they are of the wrong
 * kind or do not belong together.
 */
export function openTableLight(
  source: LightPurpose,
  options: TableOptions = {},
): LightModel | undefined {
  const { photonTables, singlePrecision, isRequired } = options;
  const tables = findTables(source, photonTables, isRequired);
  if (!tables) return undefined;
  const { amplitude, timing, stochastic, unused } = tables;
  const handle = opened(
    "light model",
    "skyscan_light_tables_open",
    "skyscan_light_close",
    textBytes(amplitude),
    textBytes(timing),
    stochastic === undefined ? null : textBytes(stochastic),
    LIGHT_KINDS[source],
    singlePrecision ? 1 : 0,
  );
  const used = [amplitude, timing, stochastic].filter((path) => path !== undefined);
  for (const path of used) consola.info(`photon table ${path}`);
  if (unused.length > 0)
    consola.warn(
      `effective-distance tables are not used (how they enter is not public): ${unused.join(", ")}`,
    );
  return {
    kind: "tables",
    description: `photon tables ${used.map((path) => basename(path)).join(", ")} from ${tables.directory}`,
    handle,
    close: () => handle.close(),
  };
}
