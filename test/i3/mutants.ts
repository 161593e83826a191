import { readdirSync, readFileSync } from "node:fs";
import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { InputError } from "../../src/config/errors.ts";
import { randomIntegers } from "../../src/config/random.ts";
import { recordJson } from "../../src/event/json.ts";
import { parseEvent } from "../../src/event/load.ts";
import { seenFrom } from "../../src/event/objects.ts";
import { stringBytes } from "../../src/i3/bytes.ts";
import { decodeAlert, encodeAlert, pickleFrame } from "../../src/i3/envelope.ts";
import { readI3 } from "../../src/i3/file.ts";
import { decodeFrame, encodeFrame, type Frame, type FrameRecord } from "../../src/i3/frame.ts";
import { omKey } from "../../src/i3/omkey.ts";
import { PickledFrame, readPickle } from "../../src/i3/pickle.ts";
import { eventHeaderOf, makeFrame, maskOf, particleOf, superDstOf } from "../../src/i3/write.ts";
import { shared } from "../shared.ts";

/**
 * Damaged alerts and .i3 files by the thousand: flipped bits, cuts, blown-up lengths, pieces moved about, zip
 * bombs, deep pickles; at every level of the format, so that checksums do not hide what lies below them.
 */

/** Whole numbers below a limit. */
function randomBelow(seed: number): Random {
  const next = randomIntegers(seed);
  return (limit) => next() % limit;
}
type Random = (limit: number) => number;

const ABSURD = [0xffffffff, 0xfffffffe, 0x7fffffff, 0x80000000, 0x10000000, 0x01000000, 0xffff, 0];

/** One to four damages to a copy. */
export function mutate(original: Uint8Array, random: Random): Uint8Array {
  let bytes = original.slice();
  for (let times = 1 + random(2) * random(4); times > 0 && bytes.length > 8; times--) {
    const at = random(bytes.length);
    const length = 1 + random(Math.min(64, bytes.length));
    const view = new DataView(bytes.buffer);
    switch (random(9)) {
      case 0:
      case 1:
      case 2:
        bytes[at]! ^= 1 << random(8);
        break;
      case 3:
        bytes[at] = random(256);
        break;
      case 4:
        bytes = bytes.slice(0, at);
        break;
      case 5:
        view.setUint32(Math.min(at, bytes.length - 4), ABSURD[random(ABSURD.length)]!, true);
        break;
      case 6: // a 64-bit size behind its escape value
        view.setUint32(Math.min(at, bytes.length - 8), 0xffffffff, true);
        view.setUint32(Math.min(at, bytes.length - 8) + 4, random(0xffffffff), true);
        break;
      case 7: // a piece left out
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
        break;
      default: // a piece twice
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - length))]);
    }
    bytes = new Uint8Array(bytes);
  }
  return bytes;
}

interface Sample {
  readonly name: string;
  readonly bytes: Uint8Array;
}
interface Corpus {
  readonly documents: readonly Sample[];
  readonly frames: readonly Frame[];
  /** Records with the frames they are seen among. */
  readonly records: readonly {
    readonly frame: Frame;
    readonly record: FrameRecord;
    readonly frames: readonly Frame[];
  }[];
  readonly files: readonly Sample[];
}

/** An alert of this program's own making, so that there is something to damage in a bare clone. */
function madeAlert(): Uint8Array {
  const header = eventHeaderOf({
    runId: 1,
    eventId: 2,
    start: new Date("2024-01-01T00:00:00Z"),
    durationNs: 1e4,
  });
  const pulses = new Map(
    [1, 2, 3, 70].map((string) => [
      omKey(string, 10),
      Array.from({ length: string }, (_, i) => ({
        time: 500 * i,
        charge: Math.fround(0.525),
        width: 8,
        flags: i % 2 ? 4 : 7,
      })),
    ]),
  );
  const readout = makeFrame("Q", {
    QI3EventHeader: header,
    I3SuperDST: superDstOf(pulses),
    InIceDSTPulses: maskOf("I3SuperDST", pulses),
    UncleanedInIcePulses: { type: "I3RecoPulseSeriesMap", pulses },
    CalibrationErrata: {
      type: "I3TimeWindowSeriesMap",
      windows: new Map([[omKey(1, 10), [{ start: 1, stop: 2 }]]]),
    },
  });
  const physics = makeFrame("P", {
    I3EventHeader: header,
    SplitInIcePulses: maskOf("InIceDSTPulses", pulses, (_, { flags }) => flags === 7),
    All: { type: "I3RecoPulseSeriesMapUnion", keys: ["InIceDSTPulses", "UncleanedInIcePulses"] },
    Track: particleOf({ position: [1, 2, 3], zenith: 1, azimuth: 2, time: 3 }),
    AlertShortFollowupMsg: { type: "I3String", value: '{"neutrino": {}}' },
  });
  return new TextEncoder().encode(encodeAlert([readout, physics], { formatVersion: "2023a" }));
}

export function corpusOf(): Corpus {
  const made = { name: "made.json", bytes: madeAlert() };
  const alerts = readdirSync(shared("events"))
    .filter((name) => /\.(pkl|json)$/.test(name))
    .map((name) => ({ name, bytes: new Uint8Array(readFileSync(shared("events", name))) }));
  const packetFile = shared("oracle/gcd/packet_BRONZE_nominalGCDdiff.json");
  const packet = { name: "packet", bytes: new Uint8Array(readFileSync(packetFile)) };
  const all = [made, packet, ...alerts];
  const decoded = all.map(({ bytes }) => decodeAlert(bytes).frames);
  const records = decoded.flatMap((frames) =>
    frames.flatMap((frame) =>
      [...frame.records.values()].map((record) => ({ frame, record, frames })),
    ),
  );
  const small = decoded.flat().filter((frame) => encodeFrame(frame).length < 20_000);
  const plain = Buffer.concat(small.slice(0, 6).map(encodeFrame));
  const files = [
    { name: "plain", bytes: new Uint8Array(plain) },
    { name: "gzip", bytes: new Uint8Array(gzipSync(plain)) },
    { name: "zstd", bytes: new Uint8Array(zstdCompressSync(plain)) },
    { name: "bzip2", bytes: BZIP2 },
    {
      name: "gzip bomb",
      bytes: new Uint8Array(gzipSync(Buffer.concat([stringBytes("[i3]"), new Uint8Array(5e6)]))),
    },
  ];
  return {
    documents: all.filter(({ bytes }) => bytes.length < 120_000),
    frames: small,
    records,
    files,
  };
}

/** bzip2 of a frame of one I3Double (made with Python's bz2). */
const BZIP2 = Uint8Array.fromBase64(
  "QlpoMTFBWSZTWREUDQEAAB//wnNACBAEAAgFZmHAChYlmoAQAEAAIABUNU0GgNNA0A0xtUGp6U9TIAAyaABMiSogBRrlAClgaWROaowmBHPtzxus73RxwgoLWr7Ugh0oGMEkIyyXsErBJ/F3JFOFCQERQNAQ",
);

export interface Report {
  mutants: number;
  refused: number;
  accepted: number;
  /** Most processor time any mutant took, ms: the machine's other work does not count. */
  slowest: number;
  /** Largest resident memory seen, bytes. */
  memory: number;
  /** What should not have happened, with what it takes to see it again. */
  failures: string[];
}

type Attempt = () => void | Promise<void>;

/** One mutant of some kind, ready to be read. The attempt throws InputError or does what it did before. */
function prepare(corpus: Corpus, random: Random): { kind: string; attempt: Attempt } {
  const any = <T>(list: readonly T[]): T => list[random(list.length)]!;
  const kind = any([
    ...Array(8).fill("record"),
    ...Array(3).fill("frame"),
    ...Array(3).fill("below checksum"),
    "pickle",
    "opcodes",
    "file",
    "file",
    "envelope",
    "document",
    "bomb",
  ]);
  switch (kind) {
    case "record": {
      const { frame, record, frames } = any(corpus.records);
      const damaged = { ...record, buffer: mutate(record.buffer, random) };
      return { kind: `record ${record.key}`, attempt: () => show(frames, frame, damaged) };
    }
    case "frame": {
      // under the checksum: refused, or the damage is where it means nothing
      const frame = any(corpus.frames);
      const blob = mutate(encodeFrame(frame), random);
      return { kind, attempt: () => mustEqual(decodeFrame(blob), [frame]) };
    }
    case "below checksum": {
      const frame = any(corpus.frames);
      const records = new Map([...frame.records].map(([key, record]) => [key, { ...record }]));
      const keys = [...records.keys()];
      const key = any(keys);
      const record = records.get(key)!;
      record.buffer = mutate(record.buffer, random);
      if (random(4) === 0) record.typeName = "";
      const blob =
        record.buffer.length > 0
          ? encodeFrame({ stream: frame.stream, records })
          : new Uint8Array(1);
      return {
        kind: `${kind} ${key}`,
        attempt: () => {
          const again = decodeFrame(blob);
          show([again], again, again.records.get(key)!);
        },
      };
    }
    case "pickle": {
      const frame = any(corpus.frames);
      const pickle = mutate(
        pickleFrame(encodeFrame(frame), any(["python2", "python3"] as const)),
        random,
      );
      return {
        kind,
        attempt: () => {
          const value = readPickle(pickle);
          if (value instanceof PickledFrame && value.blob)
            mustEqual(decodeFrame(value.blob), [frame]);
        },
      };
    }
    case "opcodes": {
      const opcodes =
        "(().000NNIJKMLGFSTUVX]]]lltt)aaee}}}dssuupqrghjbRc.\x80\x85\x86\x87\x88\x89\x8a\x8c\x93\x94\x95";
      const pickle = Uint8Array.from({ length: 3 + random(60) }, () =>
        random(3) ? opcodes.charCodeAt(random(opcodes.length)) : random(12),
      );
      return { kind, attempt: () => void readPickle(pickle) };
    }
    case "file": {
      const file = any(corpus.files);
      const bytes = mutate(file.bytes, random);
      const size = 1 + random(bytes.length || 1);
      return {
        kind: `file ${file.name}`,
        attempt: async () => {
          for await (const frame of readI3(inPieces(bytes, size)))
            if (file.name !== "bzip2") mustEqual(frame, corpus.frames);
        },
      };
    }
    case "envelope": {
      // the base64 text is sound, the zlib stream or the pickle in it is not
      const frame = any(corpus.frames);
      const deflated = deflateSync(pickleFrame(encodeFrame(frame), "python3"));
      const text = Buffer.from(mutate(deflated, random)).toString("base64");
      const document = stringBytes(JSON.stringify({ value: { data: [[frame.stream, text]] } }));
      return { kind, attempt: () => mustEqual(decodeAlert(document).frames[0]!, [frame]) };
    }
    case "document": {
      const document = any(corpus.documents);
      const bytes = mutate(document.bytes, random);
      return {
        kind: `document ${document.name}`,
        attempt: () => {
          for (const frame of parseEvent(bytes, document.name).frames) mustBeOneOf(frame, corpus);
        },
      };
    }
    default: {
      const bytes = bomb(random);
      return { kind, attempt: () => void parseEvent(bytes, "bomb") };
    }
  }
}

/** Inputs that are small and would grow. */
function bomb(random: Random): Uint8Array {
  const alert = (...texts: Uint8Array[]) =>
    stringBytes(
      JSON.stringify({
        value: { data: texts.map((text) => ["P", Buffer.from(text).toString("base64")]) },
      }),
    );
  const packed = (text: string) => new Uint8Array(deflateSync(stringBytes(text)));
  const times = 1000 + random(200_000);
  // zip bombs are the slowest to refuse, and all alike
  switch (random(60) === 0 ? 5 : random(5)) {
    case 0:
      return alert(packed(`${"(".repeat(times)}${"l".repeat(times)}.`));
    case 1:
      return alert(packed(`${"]".repeat(times)}${"a".repeat(times - 1)}.`));
    case 5:
      return alert(...Array.from({ length: 1 + random(16) }, () => zipBomb()));
    case 2:
      return stringBytes(`${"[".repeat(times)}${"]".repeat(times)}`);
    case 3:
      return stringBytes(`${'{"value":'.repeat(times)}1${"}".repeat(times)}`);
    default: {
      let pickle = "]q\x00";
      for (let i = 0; i < 200; i++)
        pickle += `0]q${String.fromCharCode(i + 1)}(${`h${String.fromCharCode(i)}`.repeat(2 + random(8))}e`;
      return stringBytes(`${pickle}.`);
    }
  }
}
let packedZeros: Uint8Array | undefined;
const zipBomb = (): Uint8Array =>
  (packedZeros ??= new Uint8Array(deflateSync(new Uint8Array(200 * 2 ** 20), { level: 1 })));

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Decodes a damaged record among its frames and shows it, as the `event` command would. */
function show(frames: readonly Frame[], frame: Frame, damaged: FrameRecord): void {
  const changed = {
    stream: frame.stream,
    records: new Map(frame.records).set(damaged.key, damaged),
  };
  const view = seenFrom(
    { frames: frames.map((other) => (other === frame ? changed : other)) },
    changed,
  );
  JSON.stringify(recordJson(view, damaged));
}

const fingerprints = new WeakMap<Frame, string>();
function fingerprint(frame: Frame): string {
  const known = fingerprints.get(frame);
  if (known !== undefined) return known;
  const print = Bun.hash(encodeFrame(frame)).toString();
  fingerprints.set(frame, print);
  return print;
}

/** A frame that passed its checksum must be one that was written. */
function mustEqual(frame: Frame, originals: readonly Frame[]): void {
  const print = fingerprint(frame);
  if (!originals.some((original) => fingerprint(original) === print))
    throw new Error(`silently wrong: frame ${frame.stream}`);
}
const known = new WeakMap<Corpus, Set<string>>();
function mustBeOneOf(frame: Frame, corpus: Corpus): void {
  let prints = known.get(corpus);
  if (!prints) {
    prints = new Set(corpus.records.map((entry) => fingerprint(entry.frame)));
    known.set(corpus, prints);
  }
  if (!prints.has(fingerprint(frame))) throw new Error(`silently wrong: frame ${frame.stream}`);
}

/** Tries `count` mutants. The same seed gives the same mutants. */
export async function fuzz(count: number, seed: number): Promise<Report> {
  const corpus = corpusOf();
  const report: Report = {
    mutants: 0,
    refused: 0,
    accepted: 0,
    slowest: 0,
    memory: 0,
    failures: [],
  };
  for (; report.mutants < count; report.mutants++) {
    const own = seed + report.mutants;
    const { kind, attempt } = prepare(corpus, randomBelow(own));
    // what is measured is one input, not what the collector has left of those before
    if (kind === "bomb") Bun.gc(true);
    const start = process.cpuUsage();
    try {
      await attempt();
      report.accepted++;
    } catch (error) {
      if (error instanceof InputError && !error.message.includes("\n")) report.refused++;
      else
        report.failures.push(
          `seed ${own}, ${kind}: ${error instanceof Error ? error.stack : error}`,
        );
    }
    const { user, system } = process.cpuUsage(start);
    const elapsed = (user + system) / 1000;
    if (elapsed > 5000) report.failures.push(`seed ${own}, ${kind}: took ${elapsed} ms`);
    report.slowest = Math.max(report.slowest, elapsed);
    if (kind === "bomb" || report.mutants % 100 === 0)
      report.memory = Math.max(report.memory, process.memoryUsage.rss());
  }
  return report;
}
