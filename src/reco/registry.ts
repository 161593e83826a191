import { InputError } from "../config/errors.ts";
import { crashDummy } from "./crash_dummy.ts";
import { dummy } from "./dummy.ts";
import { millipedeOriginal } from "./millipede_original.ts";
import { millipedeWilks, millipedeWilksWidened } from "./millipede_wilks.ts";
import type { Reco } from "./reco.ts";
import { splinempe } from "./splinempe.ts";
import { splinempePointed } from "./splinempe_pointed.ts";

/** Every algorithm; a new one is one file beside this one and its name here. */
const recos: readonly Reco[] = [
  splinempe,
  splinempePointed,
  millipedeOriginal,
  millipedeWilks,
  millipedeWilksWidened,
  dummy,
  crashDummy,
];

const aliases: Readonly<Record<string, string>> = { millipede: "millipede_original" };

/** Names for `--reco-algo`. */
export const recoNames: readonly string[] = recos.map((reco) => reco.name);

/** The algorithm of that name or alias. Throws InputError with the names there are. */
export function findReco(name: string): Reco {
  const wanted = aliases[name] ?? name;
  const reco = recos.find((candidate) => candidate.name === wanted);
  if (!reco)
    throw new InputError(
      `unknown reconstruction algorithm "${name}": expected one of ${recoNames.join(", ")}`,
    );
  return reco;
}

/**
 * The name of the algorithm that minimises the likelihood widened by its setting's relative uncertainty.
 * @throws InputError for algorithms whose setting has none
 */
export function widenedName(name: string): string {
  const { name: plain } = findReco(name);
  if (plain === millipedeWilks.name || plain === millipedeWilksWidened.name)
    return millipedeWilksWidened.name;
  throw new InputError(
    `--relative-uncertainty: ${plain} has none in its likelihood; expected ${millipedeWilks.name}`,
  );
}
