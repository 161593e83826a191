// What the user may choose of light and detector: one plain value, which travels to clients with the start-up data.
import * as v from "valibot";
import { InputError } from "../config/errors.ts";
import type { Detector } from "../detector/detector.ts";
import { parseDomName } from "../i3/omkey.ts";

/** The light models there are. A name with a version means the same numbers for ever. */
export const lightNames = ["embedded-2026a", "embedded-2026b", "tables"] as const;
export type LightName = (typeof lightNames)[number];
export type EmbeddedName = Exclude<LightName, "tables">;
/** What serves where there are no photon tables, and what "embedded" means without a version. */
export const NEWEST_EMBEDDED = "embedded-2026b" satisfies EmbeddedName;

const positive = v.pipe(v.number(), v.finite(), v.gtValue(0));
const layer = v.object({
  depth: v.pipe(v.number(), v.finite()),
  scattering: positive,
  absorption: positive,
});

/** See {@link LightChoice}. */
export const LightChoice = v.object({
  /** Absent: photon tables where they are found, else the newest embedded model. */
  light: v.optional(v.picklist(lightNames)),
  /** Absent: SPICE-Mie. This and the next two are the embedded models' only: tables have their own. */
  ice: v.optional(
    v.object({
      source: v.pipe(v.string(), v.maxLength(500)),
      layers: v.pipe(v.array(layer), v.readonly()),
    }),
  ),
  iceScale: v.optional(v.object({ scattering: positive, absorption: positive })),
  /** The DOMs' angular acceptance: 0: of h2-50cm (the default), 1: nominal, between: of each so much. */
  holeIce: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
  /** Factor on every DOM's efficiency. */
  domEfficiency: v.optional(positive),
  /** Names ("string,om") of DOMs to be left out besides those the event's own lists have. */
  badDoms: v.optional(
    v.pipe(v.array(v.pipe(v.string(), v.regex(/^\d{1,3},\d{1,3}$/))), v.readonly()),
  ),
});

/** Which light is expected, in which ice, and how which DOMs answer it. Absent: the default. */
export type LightChoice = v.InferOutput<typeof LightChoice>;

/** Whether the choice only makes sense with an embedded model. */
export const needsEmbedded = (choice: LightChoice): boolean =>
  choice.light?.startsWith("embedded") === true ||
  choice.ice !== undefined ||
  choice.iceScale !== undefined ||
  choice.holeIce !== undefined;

/** Throws InputError where photon tables are asked for together with what only an embedded model has. */
export function requireOneIce(choice: LightChoice, photonTables: string | undefined): void {
  if (needsEmbedded(choice) && (choice.light === "tables" || photonTables !== undefined))
    throw new InputError(
      "photon tables have their own ice and hole ice: they exclude an embedded --light, --ice, --ice-scale and --hole-ice",
    );
}

/** The detector as chosen: efficiencies scaled, further DOMs taken out. */
export function chosenDetector(detector: Detector, choice: LightChoice): Detector {
  const { domEfficiency = 1, badDoms = [] } = choice;
  if (domEfficiency === 1 && badDoms.length === 0) return detector;
  const bad = new Set(badDoms.map(parseDomName));
  const doms = [...detector.doms].map(([key, dom]) => {
    const { relativeEfficiency } = dom;
    const known = Number.isNaN(relativeEfficiency) ? 1 : relativeEfficiency;
    const answer = domEfficiency === 1 ? relativeEfficiency : known * domEfficiency;
    const isOn = dom.isOn && !bad.has(key);
    return [key, { ...dom, relativeEfficiency: answer, isOn }] as const;
  });
  const words = [
    ...(domEfficiency === 1 ? [] : [`efficiency × ${domEfficiency}`]),
    ...(bad.size === 0 ? [] : [`${bad.size} further DOMs left out`]),
  ];
  return {
    ...detector,
    doms: new Map(doms),
    badDoms: new Set([...detector.badDoms, ...bad]),
    badDomsSlc: new Set([...detector.badDomsSlc, ...bad]),
    source: [detector.source, ...words].join(", "),
  };
}

export const isAnythingChosen = (choice: LightChoice): boolean => Object.keys(choice).length > 0;

/** A choice that has come from elsewhere. Throws InputError where it is none. */
export function readChoice(choice: unknown = {}): LightChoice {
  const read = v.safeParse(LightChoice, choice);
  if (read.success) return read.output;
  const [issue] = read.issues;
  throw new InputError(`choice of light: ${v.getDotPath(issue) ?? "document"}: ${issue.message}`);
}

/** The choice for the manifest: without the ice's layers, which the file that it names has. */
export const namedChoice = ({ ice, ...choice }: LightChoice) => ({
  ...choice,
  ...(ice && { ice: ice.source }),
});
