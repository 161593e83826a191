// What goes between a desk and the clients of its pool, on topics like a scan's below the desk's own name: clients say
// that they are there, the desk says which scan each is to work for.
import * as v from "valibot";

/** Raised whenever a message changes its meaning: desk and clients must agree. */
export const deskProtocolVersion = 1;

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const text = (length: number) => v.pipe(v.string(), v.maxLength(length));
const basename = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_.-]{1,128}$/));

/** Desk → clients, retained. */
export const DeskControl = v.object({
  desk: v.literal(deskProtocolVersion),
  version: text(50),
  /** Counts the desk's starts: after a new one clients say anew what they do. */
  session: count,
});
export type DeskControl = v.InferOutput<typeof DeskControl>;

/** Desk → one client. */
export const Assignment = v.object({
  session: count,
  /** Orders are obeyed in this order: one with a lower number has been overtaken. */
  order: count,
  /** Basename of the scan to work for; null: none for now. */
  scan: v.nullable(basename),
});
export type Assignment = v.InferOutput<typeof Assignment>;

/** Client → desk, retained; as last will with state "gone". */
export const DeskClientStatus = v.object({
  desk: count,
  version: text(50),
  /** For people: which machine. */
  host: text(255),
  workers: v.pipe(count, v.minValue(1), v.maxValue(100_000)),
  /** idle: waits for a scan; draining: takes none any more; gone: is no more. */
  state: v.picklist(["idle", "working", "draining", "gone"]),
  /** The scan it works for. */
  scan: v.nullable(basename),
  /** The last scan it could not work for, and why. */
  refused: v.optional(v.object({ scan: basename, reason: text(500) })),
});
export type DeskClientStatus = v.InferOutput<typeof DeskClientStatus>;
