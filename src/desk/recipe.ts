// A recipe: what the desk runs for an alert, and which of it goes first.
import { readFileSync } from "node:fs";
import * as v from "valibot";
import { InputError } from "../config/errors.ts";
import { parseJson } from "../config/json.ts";
import { findReco } from "../reco/registry.ts";
import { DEFAULT_PROGRESSION, parseProgression } from "../sky/progression.ts";
import type { RecipeStep } from "./intake.ts";

/**
 * The file: {"scans": [{"reco_algo": "splinempe"}, {"reco_algo": "millipede_wilks", "nsides": "8:0 64:12", …}]}, in the
 * order in which they are to be seen.
 */
const Recipe = v.strictObject({
  scans: v.pipe(
    v.array(
      v.strictObject({
        reco_algo: v.string(),
        nsides: v.optional(v.string()),
        /** Beyond these until the contour is resolved. */
        refine_to_contour: v.optional(v.boolean()),
        /** Added to an alert's own; default: one less for each step, so that they go one after the other. */
        priority: v.optional(v.pipe(v.number(), v.minValue(-1e6), v.maxValue(1e6))),
        /** Only for alerts of at least this energy, GeV, by what they say themselves. */
        from_energy: v.optional(v.pipe(v.number(), v.minValue(0))),
      }),
    ),
    v.minLength(1, "expected at least one scan"),
    v.maxLength(16, "expected at most 16 scans"),
  ),
});

/** Reads a recipe. Throws InputError naming file and field. */
export function readRecipe(file: string): RecipeStep[] {
  const { scans } = recipeIn(file);
  return scans.map(({ reco_algo, nsides, refine_to_contour, priority, from_energy }, at) => {
    try {
      return {
        reco: findReco(reco_algo).name,
        nsides: nsides === undefined ? DEFAULT_PROGRESSION : parseProgression(nsides),
        priority: priority ?? -at,
        ...(refine_to_contour && { refineToContour: true }),
        ...(from_energy !== undefined && { fromEnergy: from_energy }),
      };
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      throw new InputError(`--recipe ${file}: scans.${at}: ${error.message}`);
    }
  });
}

function recipeIn(file: string): v.InferOutput<typeof Recipe> {
  let document: unknown;
  try {
    document = parseJson(readFileSync(file, "utf8"));
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new InputError(`--recipe ${file}: ${code ?? `no JSON: ${message}`}`, { cause });
  }
  const parsed = v.safeParse(Recipe, document);
  if (parsed.success) return parsed.output;
  const issue = parsed.issues[0];
  throw new InputError(`--recipe ${file}: ${v.getDotPath(issue) ?? "document"}: ${issue.message}`);
}
