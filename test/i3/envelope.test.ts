import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { deflateSync, inflateSync } from "node:zlib";
import { stringBytes } from "../../src/i3/bytes.ts";
import { decodeAlert, encodeAlert, encodeFrameEntry, pickleFrame } from "../../src/i3/envelope.ts";
import { decodeFrame, encodeFrame } from "../../src/i3/frame.ts";
import { type PickledFrame, readPickle } from "../../src/i3/pickle.ts";
import { makeFrame } from "../../src/i3/write.ts";
import { shared } from "../shared.ts";

const utf8 = new TextEncoder();
const frame = makeFrame("P", { Answer: { type: "I3Double", value: 42 } });
const jsonOf = (data: unknown) => utf8.encode(JSON.stringify({ value: { data } }));

/** The frame entries of an alert document, as they stand. */
async function entriesOf(path: string): Promise<[string, string][]> {
  if (path.endsWith(".json")) {
    const { data } = (await Bun.file(path).json()).value;
    return data.frames ?? data;
  }
  const plain = (value: unknown): unknown =>
    value instanceof Map
      ? Object.fromEntries([...value].map(([key, item]) => [key, plain(item)]))
      : Array.isArray(value)
        ? value.map(plain)
        : value;
  const document = plain(readPickle(await Bun.file(path).bytes())) as {
    value: { data: { frames: [string, string][] } };
  };
  return document.value.data.frames;
}

const files = [
  ...readdirSync(shared("events")).map((name) => `events/${name}`),
  ...readdirSync(shared("oracle/gcd")).map((name) => `oracle/gcd/${name}`),
].filter((name) => /events.*\.(json|pkl)$|packet.*json$/.test(name));

describe("alerts written again", () => {
  test.each(files)("%s: every pickle and frame byte for byte", async (name) => {
    const path = shared(name);
    const entries = await entriesOf(path);
    const { frames } = decodeAlert(await Bun.file(path).bytes());
    expect(frames.length).toBe(5);
    for (const [i, [stop, text]] of entries.entries()) {
      const pickle = inflateSync(Buffer.from(text, "base64"));
      const style = pickle.includes("_codecs") ? "python3" : "python2";
      const again = encodeFrame(frames[i]!);
      expect(frames[i]!.stream).toBe(stop);
      expect(Buffer.compare((readPickle(pickle) as PickledFrame).blob!, again)).toBe(0);
      expect(Buffer.compare(pickle, pickleFrame(again, style))).toBe(0);
      expect(encodeFrameEntry(frames[i]!, style)[0]).toBe(stop);
    }
  });

  test.each(files)("%s: a GCDQp packet of it holds the same records", async (name) => {
    const { frames, formatVersion, message } = decodeAlert(await Bun.file(shared(name)).bytes());
    const packet = decodeAlert(utf8.encode(encodeAlert(frames, { formatVersion, message })));
    expect(packet.formatVersion).toBe(formatVersion);
    expect(packet.message).toEqual(message);
    for (const [i, { stream, records }] of packet.frames.entries()) {
      expect(stream).toBe(frames[i]!.stream);
      expect([...records.keys()]).toEqual([...frames[i]!.records.keys()]);
      for (const [key, { typeName, buffer }] of records) {
        const original = frames[i]!.records.get(key)!;
        expect(typeName).toBe(original.typeName);
        expect(Buffer.compare(buffer, original.buffer)).toBe(0);
      }
    }
  });
});

describe("alert documents", () => {
  test("data as a list, as a dictionary, and without framing", () => {
    const entry = encodeFrameEntry(frame);
    for (const document of [
      jsonOf([entry]),
      jsonOf({ frames: [entry], run_id: 5 }),
      utf8.encode(JSON.stringify({ frames: [entry], run_id: 5 })),
    ])
      expect(decodeAlert(document).frames.map(encodeFrame)).toEqual([encodeFrame(frame)]);
    expect(decodeAlert(jsonOf({ frames: [entry], run_id: 5 })).message).toEqual({ run_id: 5 });
  });

  test("the NaN that Python writes outside strings, and only there, is null", () => {
    const text = `{"value": {"data": {"x": NaN, "y": [-Infinity, Infinity], "z": "NaN \\" NaN", "frames": [${JSON.stringify(encodeFrameEntry(frame))}]}}}`;
    expect(decodeAlert(utf8.encode(text)).message).toEqual({
      x: null,
      y: [null, null],
      z: 'NaN " NaN',
    });
  });

  const bomb = deflateSync(new Uint8Array(300 * 2 ** 20), { level: 9 }).toString("base64");
  const flipped = encodeFrame(frame);
  flipped[30]! ^= 1;
  const packed = (pickle: Uint8Array) => deflateSync(pickle).toString("base64");

  test.each<[string, Uint8Array, RegExp]>([
    ["truncated JSON", utf8.encode('{"value": {"data": ['), /truncated or no JSON/],
    ["no alert", utf8.encode('{"a": 1}'), /no alert: no frames in it/],
    ["a number", utf8.encode("7"), /no alert/],
    ["no data", utf8.encode('{"value": {}}'), /no alert/],
    ["no frames", jsonOf([]), /no frames/],
    ["an entry of three", jsonOf([["P", "x", "y"]]), /\[stop, text\] expected/],
    ["a stop of two letters", jsonOf([["PP", "x"]]), /no alert/],
    ["no base64", jsonOf([["P", "§"]]), /frame 1 \(P\): text is no base64/],
    ["no zlib", jsonOf([["P", "AAAA"]]), /frame 1 \(P\): damaged zlib stream/],
    ["a zip bomb", jsonOf([["P", bomb]]), /inflates to more than 128 MiB/],
    [
      "a pickle of another thing",
      jsonOf([["P", packed(stringBytes("N."))]]),
      /pickle holds no I3Frame/,
    ],
    [
      "a flipped bit",
      jsonOf([["P", packed(pickleFrame(flipped, "python3"))]]),
      /frame 1 \(P\): frame P: checksum mismatch/,
    ],
    ["two events", utf8.encode('{"value": 1}\n{"value": 2}\n'), /holds 2 events/],
    ["bytes", Uint8Array.of(0xff, 0xfe, 0), /neither JSON nor a pickle/],
    ["a thousand frames", jsonOf(Array(1000).fill(encodeFrameEntry(frame))), /more than 16 frames/],
  ])("%s: one clear line", (_, bytes, problem) => {
    expect(() => decodeAlert(bytes)).toThrow(problem);
  });

  test("a frame's pickle is read in both forms", () => {
    const blob = encodeFrame(frame);
    for (const style of ["python2", "python3"] as const)
      expect(decodeFrame((readPickle(pickleFrame(blob, style)) as PickledFrame).blob!)).toEqual(
        frame,
      );
  });
});
