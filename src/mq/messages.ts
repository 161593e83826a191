import * as v from "valibot";
import { parseJson } from "../config/json.ts";
import { farthestPlace, mostMinima } from "../geometry/minima.ts";
import { forFitValues, forSeedValues } from "../scan/fit_values.ts";

/** Raised whenever a message changes its meaning: server and clients must agree. */
export const protocolVersion = 3;

/** A task of this nside is no pixel: in the pixel's place stands the number of a pseudo-experiment. No map is so fine. */
export const experimentNside = 1 << 16;

/** The longest message anyone accepts, bytes; start-up parts stay below {@link startupPartSize} plus their frame. */
export const maxMessageSize = 1 << 20;

/** Start-up data travels in parts of this many bytes: under every broker's default limit (256 KiB and more). */
export const startupPartSize = 100_000;

/** No start-up data is longer than this, bytes (alerts are up to 500 KB). */
export const maxStartupSize = 64 << 20;

/** Texts on the wire are no longer, UTF-16 units: why a fit failed; why a scan did; what a light model is. */
export const longestReason = 500;
export const longestText = 2000;

/** Tasks or results in one message. */
export const maxBatch = 500;

/** What one task or result takes in a message at most, and usually far less, bytes. */
const longestEntry = 2000;

/** Tasks or results in one message where the broker takes messages of so many bytes only. */
export const batchWithin = (longest: number | undefined): number =>
  Math.max(1, Math.min(maxBatch, Math.floor((longest ?? maxMessageSize) / longestEntry)));

/** Leases a client may name in its status there: each is a number of up to 16 digits and a comma. */
export const leasesWithin = (longest: number | undefined): number =>
  Math.floor((longest ?? maxMessageSize) / 20 / 2);

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const text = (length: number) => v.pipe(v.string(), v.maxLength(length));
/** JSON has no NaN: it travels as null. */
const real = v.pipe(
  v.nullable(v.pipe(v.number(), v.finite())),
  v.transform((value) => value ?? Number.NaN),
);
const nside = v.pipe(
  v.number(),
  v.integer(),
  v.minValue(1),
  v.maxValue(1 << 16),
  v.check((n) => (n & (n - 1)) === 0, "nside must be a power of two"),
);
/** No pixel has more fits, and none is looked at again more often. */
const most = 64;
const posvar = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(most - 1));
const fits = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(most));
const round = posvar;
const clientId = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,64}$/));
const lease = count;
/** JSON can write numbers beyond all bounds (1e999): they are no times. */
const seconds = v.pipe(v.number(), v.finite(), v.minValue(0));

const exists = (nside: number, pixel: number): boolean => pixel < 12 * nside ** 2;
const noSuchPixel = "pixel: there is no such pixel at this nside";

/** Vertex (m, ns) and energy (GeV) of the coarser pixel's fit a seed starts from. */
const parent = v.tuple(forSeedValues(() => real));

const metres = v.pipe(v.number(), v.minValue(-farthestPlace), v.maxValue(farthestPlace));
const finite = v.pipe(v.number(), v.finite());

/** [x, y, z (m, see scan/minima.ts), llh of a minimum that is known, or null] */
const start = v.tuple([metres, metres, metres, v.nullable(finite)]);
/** A pixel's own minima and a few of each of its neighbours'. */
export const mostStarts = 9 * mostMinima;
const minimum = v.tuple([metres, metres, metres, finite]);

/** What a task is: the pixel, its first seed, how many seeds, which round. */
const whichTask = [lease, nside, count, posvar, fits, round] as const;

/** Where a fit that leaves the direction free starts: [nside, pixel, x, y, z, llh]. */
const freeStart = v.pipe(
  v.tuple([nside, count, metres, metres, metres, finite]),
  v.check(([nside, pixel]) => exists(nside, pixel), noSuchPixel),
);
/** More would find nothing else. */
export const mostFreeStarts = 64;

/**
 * [lease, nside, pixel, posvar, fits, round, parent [x, y, z, time, energy] or null, starts or null, starts with their
 * directions or null]
 */
const taskEntry = v.pipe(
  v.tuple([
    ...whichTask,
    v.nullable(parent),
    v.nullable(v.pipe(v.array(start), v.maxLength(mostStarts))),
    v.nullable(v.pipe(v.array(freeStart), v.minLength(1), v.maxLength(mostFreeStarts))),
  ]),
  v.check(([, nside, pixel]) => exists(nside, pixel), noSuchPixel),
);

/** Server → one client. */
export const TaskMessage = v.object({
  session: count,
  tasks: v.pipe(v.array(taskEntry), v.maxLength(maxBatch)),
  /** The server will not work with this client; why. */
  refused: v.optional(text(1000)),
});
export type TaskMessage = v.InferOutput<typeof TaskMessage>;
export type TaskEntry = v.InferOutput<typeof taskEntry>;

/** Of the whole circle, rad. */
const rightAscension = v.pipe(v.number(), v.minValue(0), v.maxValue(2 * Math.PI));
const declination = v.pipe(v.number(), v.minValue(-Math.PI / 2), v.maxValue(Math.PI / 2));
const direction = v.tuple([rightAscension, declination, real, real, real]);

/** Fits without a result: [posvar, reason]. */
const failedVariations = v.pipe(v.array(v.tuple([posvar, text(longestReason)])), v.maxLength(most));

/**
 * [lease, nside, pixel, posvar, fits, round, the best fit's llh, x, y, z, time, energy, E_in, E_tot, seconds, evaluations,
 * fits without a result or null, the direction's minima or null, the direction that was left free or null: ra, dec (rad),
 * covariance east-east, east-north, north-north (rad²)]; of a pseudo-experiment, last, what came of it
 */
const resultEntry = v.pipe(
  v.tupleWithRest(
    [
      ...whichTask,
      ...forFitValues(() => real),
      ...([seconds, count, v.nullable(failedVariations)] as const),
      v.nullable(v.pipe(v.array(minimum), v.maxLength(mostMinima))),
      v.nullable(direction),
    ],
    v.unknown(),
  ),
  v.check(([, nside, pixel]) => exists(nside, pixel), noSuchPixel),
);

/** [lease, nside, pixel, posvar, fits, round, reason, seconds] */
const failureEntry = v.pipe(
  v.tuple([...whichTask, text(longestReason), seconds]),
  v.check(([, nside, pixel]) => exists(nside, pixel), noSuchPixel),
);

/** Client → server. */
export const ResultMessage = v.object({
  client: clientId,
  session: count,
  /** Tasks the client wants to hold from now on. */
  want: v.pipe(count, v.maxValue(100_000)),
  results: v.pipe(v.array(resultEntry), v.maxLength(maxBatch)),
  /** Attempts that crashed, hung or threw: to be tried elsewhere. */
  failures: v.pipe(v.array(failureEntry), v.maxLength(maxBatch)),
});
export type ResultMessage = v.InferOutput<typeof ResultMessage>;
export type ResultEntry = v.InferOutput<typeof resultEntry>;
export type FailureEntry = v.InferOutput<typeof failureEntry>;

/** Client → server, retained; as last will with state "gone". */
export const ClientStatus = v.object({
  protocol: count,
  /** ready: wants tasks; draining: wants none any more; gone: holds nothing. */
  state: v.picklist(["ready", "draining", "gone"]),
  version: text(50),
  /** For people: which machine. */
  host: text(255),
  workers: v.pipe(count, v.maxValue(100_000)),
  want: v.pipe(count, v.maxValue(100_000)),
  /** The light model's kind and description; null for algorithms that need none. */
  light: v.nullable(v.object({ kind: text(20), description: text(longestText) })),
  session: count,
  /** Leases held: what the server thinks beyond these got lost on the way. */
  holding: v.optional(v.pipe(v.array(lease), v.maxLength(100_000))),
});
export type ClientStatus = v.InferOutput<typeof ClientStatus>;

/** Server → clients, retained. */
export const Control = v.object({
  protocol: count,
  version: text(50),
  state: v.picklist(["open", "done", "failed"]),
  /** Why it failed. */
  reason: v.optional(text(longestText)),
  /** Counts the server's starts: tasks of an earlier one are handed out anew. */
  session: count,
  event: text(200),
  reco: text(100),
  /** Random seed of the scan; null: none given. */
  seed: v.nullable(v.number()),
  isRealEvent: v.boolean(),
  /** Two seed variations only. */
  miniTest: v.boolean(),
  /** What the user chose of light and detector; absent: nothing. */
  choice: v.optional(v.unknown()),
  /** What pseudo-experiments are made of; absent: tasks are pixels. */
  experiments: v.optional(v.unknown()),
  /** Longest time one fit may take, s. */
  recoTimeout: seconds,
  /** How long clients without a setting of their own wait for work, s. */
  timeoutToClients: seconds,
  /** The longest message the broker takes, bytes; absent: as long as any need be. */
  longestMessage: v.optional(v.pipe(count, v.minValue(1000))),
  /** Parts, bytes and SHA-256 (hex) of the start-up data. */
  startup: v.object({
    parts: v.pipe(count, v.maxValue(1000)),
    bytes: v.pipe(count, v.maxValue(maxStartupSize)),
    sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  }),
});
export type Control = v.InferOutput<typeof Control>;

/** What a client needs of the event; also the file startup.json. Names as in the system this replaces. */
export const StartupData = v.object({
  mq_basename: text(128),
  /** The baseline GCD's path on the server's machine, of which the name counts; empty when none was read. */
  baseline_GCD_file: text(4096),
  GCDQp_packet: v.unknown(),
  /** As in {@link Control}: for who works without a broker. */
  choice: v.optional(v.unknown()),
});
export type StartupData = v.InferOutput<typeof StartupData>;

const progressCounts = v.object({ done: count, sent: count, estimated: count });

/** Server → anyone, retained: the part of the manifest that a status display shows. */
export const Progress = v.looseObject({
  scan: v.looseObject({ updated: text(50) }),
  first_direction: v.optional(
    v.nullable(
      v.looseObject({
        ...{ ra: finite, dec: finite, llh: finite },
        sigma: v.nullable(v.object({ a: finite, b: finite, pa: finite })),
        radius_90: v.nullable(finite),
      }),
    ),
  ),
  progress: v.looseObject({
    recos: progressCounts,
    by_nside: v.record(
      v.pipe(v.string(), v.regex(/^\d{1,6}$/)),
      v.looseObject({ pixels: progressCounts }),
    ),
    recos_per_second_lately: v.nullable(v.number()),
    seconds_left: v.nullable(v.number()),
  }),
});
export type Progress = v.InferOutput<typeof Progress>;

const decoder = new TextDecoder("utf-8", { fatal: true });

/** A message that must not be believed: too long, no JSON, or not what its topic promises. */
export class MalformedMessage extends Error {}

/**
 * Reads one message from the wire; one from within this process, whose types the compiler has seen to, is what it is.
 * Throws MalformedMessage with one line of explanation.
 */
export function parseMessage<TSchema extends v.GenericSchema>(
  schema: TSchema,
  payload: Uint8Array | Readonly<Record<string, unknown>>,
): v.InferOutput<TSchema> {
  if (!(payload instanceof Uint8Array)) return payload;
  if (payload.length > maxMessageSize)
    throw new MalformedMessage(`${payload.length} bytes, more than ${maxMessageSize}`);
  let json: unknown;
  try {
    json = parseJson(decoder.decode(payload));
  } catch {
    throw new MalformedMessage("no JSON");
  }
  const parsed = v.safeParse(schema, json, { abortEarly: true });
  if (parsed.success) return parsed.output;
  const issue = parsed.issues[0];
  throw new MalformedMessage(`${v.getDotPath(issue) ?? "message"}: ${issue.message}`);
}
