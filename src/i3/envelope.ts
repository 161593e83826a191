import { deflateSync, inflateSync } from "node:zlib";
import * as v from "valibot";
import { InputError } from "../config/errors.ts";
import { parseJson } from "../config/json.ts";
import { stringBytes } from "./bytes.ts";
import { inContext } from "./context.ts";
import { decodeFrame, encodeFrame, type Frame } from "./frame.ts";
import { PickledFrame, type PickleValue, readPickle } from "./pickle.ts";

/** An alert as it travels: frames, the short message beside them, and the format's version. */
export interface Alert {
  readonly frames: readonly Frame[];
  /** `value.version`; "" in alerts that have none. */
  readonly formatVersion: string;
  /** `value.data` without its frames; empty in alerts of before 2018. */
  readonly message: Readonly<Record<string, unknown>>;
}

/**
 * All frames of an alert together take at most this much memory, bytes: three times a whole GCD of today
 * (36 MB); real alerts, with differences, take 2 MB.
 */
const LARGEST_ALERT = 128 * 2 ** 20;
/** First bytes of pickles: of a dictionary in protocols 2 and later, 0, 1, or a class; JSON begins with none. */
const PICKLE_STARTS = [0x80, 0x28, 0x7d, 0x63];
/** Frames in one alert: G, C, D, Q, P, and room for the unusual. */
const MOST_FRAMES = 16;

const FrameEntry = v.pipe(
  v.array(v.unknown()),
  v.length(2, "[stop, text] expected"),
  v.transform(([stop, text]) => ({ stop, text })),
  v.object({ stop: v.pipe(v.string(), v.length(1)), text: v.string() }),
);
const Frames = v.pipe(
  v.array(FrameEntry),
  v.minLength(1, "no frames"),
  v.maxLength(MOST_FRAMES, `more than ${MOST_FRAMES} frames`),
);
const Message = v.objectWithRest({ frames: Frames }, v.unknown());
const Framed = v.object({
  value: v.object({ data: v.unknown(), version: v.optional(v.string(), "") }),
});

/** Keys under which SkyDriver keeps an alert: in a scan's manifest, and in the request that begins one. */
const WRAPPINGS = ["event_i3live_json_dict", "event_i3live_json"];
/** A manifest's alert as a JSON text in a list is wrapped three times. */
const MOST_WRAPPINGS = 8;

/** The alert inside of what others have put around it: a list of one, a JSON text, SkyDriver's documents. */
function unwrapped(document: unknown): unknown {
  let inner = document;
  for (let i = 0; i < MOST_WRAPPINGS; i++) {
    const content = contentOf(inner);
    if (content === undefined) break;
    inner = content;
  }
  if (isDictionary(inner) && typeof inner.value === "string")
    return { ...inner, value: parsedJson(inner.value) };
  return inner;
}

function contentOf(document: unknown): unknown {
  if (typeof document === "string") return parsedJson(document);
  // A list of frames holds lists.
  if (Array.isArray(document) && document.length === 1 && !Array.isArray(document[0]))
    return document[0];
  const key = isDictionary(document) && WRAPPINGS.find((name) => name in document);
  return key ? (document as Record<string, unknown>)[key] : undefined;
}

/** Whether a document may begin so: one of JSON's, after blanks or a byte order mark, or a pickle. */
export const beginsAlert = (start: Uint8Array): boolean =>
  PICKLE_STARTS.includes(start[0]!) || /^(\xef\xbb\xbf)?[\s[{"]/.test(stringOf(start));

const stringOf = (start: Uint8Array): string => String.fromCharCode(...start.subarray(0, 4));

/**
 * Decodes an alert document: JSON text, or a pickle of the same dictionary.
 * Throws InputError where it is neither, or a frame is damaged.
 */
export function decodeAlert(bytes: Uint8Array): Alert {
  const document = unwrapped(PICKLE_STARTS.includes(bytes[0]!) ? pickled(bytes) : json(bytes));
  // a framed document has the data in value.data; an unframed one is the data
  const isFramed = isDictionary(document) && "value" in document;
  const framed = isFramed
    ? parsed(Framed, document, "no alert").value
    : { data: document, version: "" };
  const { data, version: formatVersion } = framed;
  if (!Array.isArray(data) && !(isDictionary(data) && "frames" in data))
    throw new InputError(
      "no alert: no frames in it (value.data.frames, or value.data as their list)",
    );
  const { frames: entries, ...message } = Array.isArray(data)
    ? { frames: parsed(Frames, data, "no alert: its frames") }
    : parsed(Message, data, "no alert");
  let room = LARGEST_ALERT;
  const frames = entries.map(({ stop, text }, i) =>
    inContext(`frame ${i + 1} (${stop})`, () => {
      const inflated = inflate(base64(text), room);
      room -= inflated.length;
      return decodeFrame(unpickledFrame(inflated));
    }),
  );
  return { frames, formatVersion, message };
}

const isDictionary = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function parsed<S extends v.GenericSchema>(
  schema: S,
  input: unknown,
  what: string,
): v.InferOutput<S> {
  const result = v.safeParse(schema, input, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = v.getDotPath(issue);
  throw new InputError(`${what}: ${path ? `${path}: ` : ""}${issue.message}`);
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** One JSON document; Python's NaN and Infinity, which JSON does not have, are read as null. */
function json(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw new InputError("neither JSON nor a pickle nor I3 frames");
  }
  return parsedJson(text);
}

function parsedJson(text: string): unknown {
  try {
    return parseJson(text);
  } catch (first) {
    try {
      return parseJson(withoutNaN(text));
    } catch {
      const lines = text.split("\n", 1000).filter((line) => line.trim() !== "");
      if (
        lines.length > 1 &&
        lines.every((line) => line.startsWith("{") && line.trimEnd().endsWith("}"))
      )
        throw new InputError(`holds ${lines.length} events, one per line; one expected`);
      throw new InputError(`truncated or no JSON: ${(first as Error).message}`);
    }
  }
}

/** The text with bare NaN and ±Infinity replaced; strings stay as they are. */
function withoutNaN(text: string): string {
  const parts: string[] = [];
  for (let at = 0; at < text.length; ) {
    const quote = text.indexOf('"', at);
    const end = quote < 0 ? text.length : quote;
    parts.push(text.slice(at, end).replace(/-?\b(NaN|Infinity)\b/g, "null"));
    if (quote < 0) break;
    let close = quote + 1;
    while (close < text.length && text[close] !== '"') close += text[close] === "\\" ? 2 : 1;
    parts.push(text.slice(quote, close + 1));
    at = close + 1;
  }
  return parts.join("");
}

/** A pickled dictionary as plain objects. */
function pickled(bytes: Uint8Array): unknown {
  const plain = (value: PickleValue): unknown => {
    if (Array.isArray(value)) return value.map(plain);
    if (value instanceof Map)
      return Object.fromEntries([...value].map(([key, item]) => [String(key), plain(item)]));
    if (value instanceof Uint8Array || value instanceof PickledFrame)
      throw new InputError("no alert: pickle holds bytes where text is expected");
    return value;
  };
  return plain(inContext("pickle", () => readPickle(bytes)));
}

function base64(text: string): Uint8Array {
  try {
    return Uint8Array.fromBase64(text, { lastChunkHandling: "strict" });
  } catch {
    throw new InputError("text is no base64");
  }
}

/** Undoes zlib; refuses to fill more than `limit` bytes. */
function inflate(bytes: Uint8Array, limit: number): Uint8Array {
  try {
    return inflateSync(bytes, { maxOutputLength: Math.max(1, limit) });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ERR_BUFFER_TOO_LARGE")
      throw new InputError(
        `inflates to more than ${LARGEST_ALERT / 2 ** 20} MiB with the frames before it`,
      );
    throw new InputError(`damaged zlib stream: ${message}`);
  }
}

function unpickledFrame(bytes: Uint8Array): Uint8Array {
  const value = readPickle(bytes);
  if (!(value instanceof PickledFrame) || !value.blob)
    throw new InputError("pickle holds no I3Frame");
  return value.blob;
}

/** Which Python wrote a frame's pickle: the two differ in every byte, and in what old readers accept. */
export type PickleStyle = "python2" | "python3";

/** A frame as an alert carries it: stop, and the base64 text of its zlib-compressed pickle. */
export function encodeFrameEntry(frame: Frame, style: PickleStyle = "python3"): [string, string] {
  const pickle = pickleFrame(encodeFrame(frame), style);
  return [frame.stream, deflateSync(pickle, { level: 9 }).toString("base64")];
}

/** The pickle of a frame's blob, protocol 2, byte for byte as Python writes it. */
export function pickleFrame(blob: Uint8Array, style: PickleStyle): Uint8Array {
  const length = new Uint8Array(4);
  const head = (text: string) => stringBytes(text);
  if (style === "python2") {
    new DataView(length.buffer).setInt32(0, blob.length, true);
    return Buffer.concat([
      head("\x80\x02cicecube.icetray\nI3Frame\nq\x01)Rq\x02}q\x03T"),
      length,
      blob,
      head("\x86b."),
    ]);
  }
  const text = Buffer.from(Buffer.from(blob).toString("latin1"), "utf8");
  new DataView(length.buffer).setUint32(0, text.length, true);
  return Buffer.concat([
    head("\x80\x02cicecube._icetray\nI3Frame\nq\x00)Rq\x01}q\x02c_codecs\nencode\nq\x03X"),
    length,
    text,
    head("q\x04X\x06\x00\x00\x00latin1q\x05\x86q\x06Rq\x07\x86q\x08b."),
  ]);
}

export interface AlertOptions {
  readonly formatVersion?: string;
  /** What stands beside the frames (run_id, event_id, eventtime, …). */
  readonly message?: Readonly<Record<string, unknown>>;
  readonly style?: PickleStyle;
  /** Framing fields; the defaults are the reference's. */
  readonly service?: string;
  readonly varname?: string;
  readonly prio?: number;
  readonly topics?: string | readonly string[];
}

/** An alert document (i3live JSON with framing) of these frames. */
export function encodeAlert(frames: readonly Frame[], options: AlertOptions = {}): string {
  const { formatVersion, message = {}, style = "python3" } = options;
  const { service = "hese", varname = "heseEvent", prio = 1, topics = "heseEvent" } = options;
  return JSON.stringify({
    prio,
    service,
    varname,
    value: {
      zmqnotify: { topics },
      ...(formatVersion ? { version: formatVersion } : {}),
      data: { frames: frames.map((frame) => encodeFrameEntry(frame, style)), ...message },
    },
  });
}
