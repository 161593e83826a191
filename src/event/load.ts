import { createHash } from "node:crypto";
import { InputError } from "../config/errors.ts";
import { inContext } from "../i3/context.ts";
import { type Alert, beginsAlert, decodeAlert } from "../i3/envelope.ts";
import { beginsFrame, bytesOf, framesOf, peeked, unpacked, unreadable } from "../i3/file.ts";
import type { Frame } from "../i3/frame.ts";
import { modifiedJulianDate } from "../i3/time.ts";
import type { Event, EventMetadata } from "./event.ts";
import { type FrameView, findOf } from "./objects.ts";
import { isMarkedSimulated } from "./truth.ts";

export interface LoadOptions {
  /** Detector data or simulation. Default: what the event's own keys tell; alerts of the detector do not say. */
  readonly isRealEvent?: boolean;
}

/** The longest document read as an alert, and the largest event in frames, bytes; those of the detector have half a megabyte. */
const LARGEST_FILE = 128 * 2 ** 20;

/**
 * Reads one event from a file: an alert (.json, .pkl) or I3 frames (.i3), any of them packed too (.gz, .bz2, .zst),
 * told apart by content. "-" is the standard input; pipes will do.
 * @throws InputError, one line, naming the file, for anything that is no such event
 */
export async function loadEvent(path: string, options: LoadOptions = {}): Promise<Event> {
  const { alert, sha256 } = await loadAlert(path);
  return inContext(path, () => ({ ...eventOf(alert, options), sha256 }));
}

/** The same, but a file without physics frame (a GCD file) is no error: its frames are what it holds. */
export async function loadContents(
  path: string,
  options: LoadOptions = {},
): Promise<Event | Alert> {
  const { alert } = await loadAlert(path);
  return alert.frames.some(isPhysics) ? inContext(path, () => eventOf(alert, options)) : alert;
}

const isPhysics = ({ stream }: Frame): boolean => stream === "P" || stream === "p";

/** Reads once and onwards only: a pipe serves as well as a file, and what never ends is given up. */
async function loadAlert(path: string): Promise<{ alert: Alert; sha256: string }> {
  try {
    const hash = createHash("sha256");
    const { start, all } = await peeked(unpacked(seen(bytesOf(path), (part) => hash.update(part))));
    const alert = beginsFrame(start)
      ? await alertOfFrames(framesOf(all))
      : alertOf(await gathered(start, all));
    return { alert, sha256: hash.digest("hex") };
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** The same chunks, each shown to somebody on its way. */
async function* seen(
  chunks: AsyncIterable<Uint8Array>,
  see: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    see(chunk);
    yield chunk;
  }
}

/** All bytes of an alert document. Throws InputError where it begins like none, or is too long. */
async function gathered(start: Uint8Array, chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  if (!beginsAlert(start)) throw new InputError("neither JSON nor a pickle nor I3 frames");
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > LARGEST_FILE) throw new InputError(`more than ${LARGEST_FILE} bytes are no alert`);
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

function sizeOf(records: Frame["records"]): number {
  let size = 0;
  for (const { buffer } of records.values()) size += buffer.length;
  return size;
}

/** The one event of an .i3 file: its physics frame (if any), and the newest frame of each other stream before it. */
async function alertOfFrames(file: AsyncIterable<Frame>): Promise<Alert> {
  const frames = new Map<string, Frame>();
  let physics: Frame | undefined;
  for await (const frame of file) {
    if (isPhysics(frame) && physics)
      throw new InputError("several physics frames, one event expected");
    if (isPhysics(frame)) physics = frame;
    else if (!physics && "GCDQ".includes(frame.stream)) frames.set(frame.stream, frame);
    const held = [...frames.values()].reduce((sum, { records }) => sum + sizeOf(records), 0);
    if (held > LARGEST_FILE) throw new InputError(`an event of ${held} bytes`);
  }
  // files do not carry the realtime format's version; the newer ones are known by their key names
  const formatVersion = physics?.records.has("SplitInIcePulses") ? "2023a" : "";
  const inOrder = [..."GCDQ"].flatMap((stream) => frames.get(stream) ?? []);
  return { frames: physics ? [...inOrder, physics] : inOrder, formatVersion, message: {} };
}

/** One event from the bytes of an alert. `name` stands for the file in error messages. */
export const parseEvent = (bytes: Uint8Array, name: string, options: LoadOptions = {}): Event =>
  inContext(name, () => eventOf(alertOf(bytes), options));

function alertOf(bytes: Uint8Array): Alert {
  if (bytes.length === 0) throw new InputError("empty file");
  return decodeAlert(bytes);
}

function eventOf(alert: Alert, options: LoadOptions): Event {
  const physics = alert.frames.filter(isPhysics);
  if (physics.length !== 1 || !physics[0])
    throw new InputError(`${physics.length} physics frames (P or p), one expected`);
  const streams = alert.frames.map(({ stream }) => stream);
  const repeated = streams.find((stream, i) => streams.indexOf(stream) !== i);
  if (repeated) throw new InputError(`two ${repeated} frames`);
  return {
    metadata: metadataOf(
      { frames: [physics[0]] },
      options.isRealEvent ?? !isMarkedSimulated(alert.frames),
    ),
    formatVersion: alert.formatVersion,
    frames: alert.frames,
    message: alert.message,
  };
}

/** What identifies the event; all of it from the P frame, as the original reads it. */
function metadataOf(physics: FrameView, isRealEvent: boolean): EventMetadata {
  const header = findOf(physics, "I3EventHeader", "I3EventHeader");
  if (!header) throw new InputError("the physics frame has no I3EventHeader");
  return {
    runId: header.run_id,
    eventId: header.event_id,
    eventType: eventTypeOf(physics),
    mjd: modifiedJulianDate(header.start_time),
    isRealEvent,
  };
}

/** Streams by their key in the short message, in the order in which they are asked for. */
const STREAMS = [
  ["hese", "HESE"],
  ["ehe", "EHE"],
  ["neutrino", "neutrino"],
  ["estres", "ESTRES"],
] as const;
/** Streams by a key that only their alerts carry, for alerts without a short message. */
const MARKS = [
  ["HESE_llhratio", "HESE"],
  ["Estres_p_miss", "ESTRES"],
  ["PoleEHEOphelia_ImpLF", "EHE"],
] as const;

/** The alert's stream; "None" where nothing tells it (as the original names such files). */
function eventTypeOf(physics: FrameView): string {
  const message = findOf(physics, "AlertShortFollowupMsg", "I3String");
  if (message) {
    let content: unknown;
    try {
      content = JSON.parse(message.value.replace(/\bNaN\b/g, "null"));
    } catch {
      throw new InputError('key "AlertShortFollowupMsg": no JSON');
    }
    if (typeof content === "object" && content !== null)
      for (const [key, type] of STREAMS) if (key in content) return type;
    return "None";
  }
  for (const [key, type] of MARKS) if (physics.frames[0]?.records.has(key)) return type;
  return "None";
}
