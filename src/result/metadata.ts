import * as v from "valibot";
import type { OtherField, PixelVersion, ResultMetadata } from "./result.ts";

/** A field of the metadata as the files have it; numbers say whether Python would hold an int or a float. */
export interface MetadataField {
  readonly name: string;
  readonly type: "int" | "float" | "bool" | "str";
  readonly value: boolean | number | string;
}

/** The fields both file formats know, in the order they are written after `nside`. */
const fields = [
  ["complete", "complete", "bool"],
  ["run_id", "runId", "int"],
  ["event_id", "eventId", "int"],
  ["event_type", "eventType", "str"],
  ["mjd", "mjd", "float"],
  ["is_real_event", "isRealEvent", "bool"],
  ["version", "version", "int"],
] as const;

const integer = v.pipe(v.number(), v.safeInteger());

/** One nside's metadata as read from a file. Everything but nside may be absent. */
const schema = v.objectWithRest(
  {
    nside: v.pipe(
      integer,
      v.check((n) => n > 0 && Number.isInteger(Math.log2(n)), "expected a power of two"),
    ),
    complete: v.optional(v.boolean()),
    run_id: v.optional(integer),
    event_id: v.optional(integer),
    event_type: v.optional(v.string()),
    mjd: v.optional(v.union([v.number(), v.nan()], "expected a number")),
    is_real_event: v.optional(v.boolean()),
    version: v.optional(v.picklist([0, 1], "expected 0 or 1")),
  },
  v.union(
    [v.boolean(), v.number(), v.nan(), v.string()],
    "expected a number, a text or true/false",
  ),
);

/**
 * Checks one nside's metadata record.
 * @returns the nside and the rest, or one line saying what is wrong
 */
export function parseMetadata(
  record: unknown,
): { nside: number; metadata: ResultMetadata } | { issue: string } {
  const parsed = v.safeParse(schema, record);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const path = v.getDotPath(issue);
    return { issue: path === null ? issue.message : `${path}: ${issue.message}` };
  }
  const { nside, complete, run_id, event_id, event_type, mjd, is_real_event, version, ...other } =
    parsed.output;
  return {
    nside,
    metadata: {
      ...(complete !== undefined && { complete }),
      ...(run_id !== undefined && { runId: run_id }),
      ...(event_id !== undefined && { eventId: event_id }),
      ...(event_type !== undefined && { eventType: event_type }),
      ...(mjd !== undefined && { mjd }),
      ...(is_real_event !== undefined && { isRealEvent: is_real_event }),
      ...(version !== undefined && { version: version as PixelVersion }),
      ...(Object.keys(other).length > 0 && { other: other as Record<string, OtherField> }),
    },
  };
}

/** The fields of one nside's metadata as they are written, those absent left out. */
export function metadataFields(nside: number, metadata: ResultMetadata = {}): MetadataField[] {
  const list: MetadataField[] = [{ name: "nside", type: "int", value: nside }];
  for (const [name, key, type] of fields) {
    const value = metadata[key];
    if (value !== undefined) list.push({ name, type, value });
  }
  for (const [name, value] of Object.entries(metadata.other ?? {}))
    list.push({ name, type: typeOf(value), value });
  return list;
}

function typeOf(value: OtherField): MetadataField["type"] {
  if (typeof value === "boolean") return "bool";
  if (typeof value === "string") return "str";
  return Number.isSafeInteger(value) ? "int" : "float";
}

/** The first field that two nsides' metadata do not agree on, by its name in the files. */
export function disagreement(a: ResultMetadata, b: ResultMetadata): string | undefined {
  const other = (m: ResultMetadata) =>
    new Map(metadataFields(0, m).map((field) => [field.name, field.value]));
  const [first, second] = [other(a), other(b)];
  return [...new Set([...first.keys(), ...second.keys()])].find(
    (name) => !Object.is(first.get(name), second.get(name)),
  );
}
