import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { eventJson } from "../../src/event/json.ts";
import { loadContents, loadEvent, parseEvent } from "../../src/event/load.ts";
import { findOf, keysOf, resolvePulses } from "../../src/event/objects.ts";
import { encodeAlert } from "../../src/i3/envelope.ts";
import { encodeFrame, type Frame } from "../../src/i3/frame.ts";
import type { I3Object } from "../../src/i3/objects.ts";
import { omKey, omOf, stringOf } from "../../src/i3/omkey.ts";
import type { PulseMap } from "../../src/i3/pulses.ts";
import {
  eventHeaderOf,
  makeFrame,
  maskOf,
  particleOf,
  shortMessageOf,
  superDstOf,
} from "../../src/i3/write.ts";
import { testFolder } from "../folder.ts";
import { present, shared } from "../shared.ts";

const folder = testFolder();
function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const header = eventHeaderOf({
  runId: 140000,
  eventId: 7,
  start: new Date("2024-03-01T12:00:00Z"),
  durationNs: 20000,
  subEvent: { stream: "InIceSplit", id: 0 },
});
const pulses: PulseMap = new Map(
  [
    [
      omKey(21, 30),
      [
        { time: 100, charge: 1.125, width: 8, flags: 7 },
        { time: 900, charge: 0.525, width: 8, flags: 7 },
      ],
    ],
    [omKey(62, 5), [{ time: 400, charge: 2.025, width: 8, flags: 4 }]],
  ].map(([key, series]) => [
    key,
    (series as { charge: number }[]).map((p) => ({ ...p, charge: Math.fround(p.charge) })),
  ]) as never,
);

const readout: Record<string, I3Object> = {
  QI3EventHeader: header,
  I3SuperDST: superDstOf(pulses),
  InIceDSTPulses: maskOf("I3SuperDST", pulses),
};
const physics: Record<string, I3Object> = {
  I3EventHeader: header,
  SplitInIcePulses: maskOf("InIceDSTPulses", pulses, (_, { time }) => time < 800),
  Track: particleOf({ position: [1, 2, 3], zenith: 0.5, azimuth: 1, time: 4 }),
};
const alertOf = (...frames: Frame[]) => new TextEncoder().encode(encodeAlert(frames));
const withPhysics = (objects: Record<string, I3Object>) =>
  alertOf(makeFrame("Q", readout), makeFrame("P", { ...physics, ...objects }));

describe("events", () => {
  const frames = [makeFrame("Q", readout), makeFrame("P", physics)];

  test("made by this program: alert and .i3 file hold the same", async () => {
    const bytes = Buffer.concat(frames.map(encodeFrame));
    const alert = await loadEvent(
      file("made.json", encodeAlert(frames, { formatVersion: "2023a" })),
    );
    for (const path of [file("made.i3", bytes), file("made.i3.gz", gzipSync(bytes))]) {
      const event = await loadEvent(path);
      expect(event.metadata).toEqual(alert.metadata);
      expect(event.frames).toEqual(alert.frames);
      expect(event.formatVersion).toBe("2023a");
    }
    // 2024-03-01 is MJD 60370
    expect(alert.metadata).toEqual({
      runId: 140000,
      eventId: 7,
      eventType: "None",
      mjd: 60370.5,
      isRealEvent: true,
    });
    expect(findOf(alert, "Track", "I3Particle")?.dir).toEqual({ zenith: 0.5, azimuth: 1 });
    expect(keysOf(alert)).toContain("I3SuperDST");
  });

  test("pulses through masks, unions, and what is wrong with them", () => {
    const event = parseEvent(
      withPhysics({
        Both: { type: "I3RecoPulseSeriesMapUnion", keys: ["SplitInIcePulses", "InIceDSTPulses"] },
        Long: maskOf("InIceDSTPulses", new Map([...pulses, [omKey(70, 1), []]])),
        Longer: maskOf(
          "InIceDSTPulses",
          new Map([...pulses].map(([key, series]) => [key, [...series, series[0]!]])),
        ),
        Self: maskOf("Self", pulses),
        Lost: maskOf("Nothing", pulses),
      }),
      "made",
      { isRealEvent: false },
    );
    expect(event.metadata.isRealEvent).toBe(false);
    expect(resolvePulses(event, "I3SuperDST")).toEqual(pulses);
    expect(resolvePulses(event, "InIceDSTPulses")).toEqual(pulses);
    const early = resolvePulses(event, "SplitInIcePulses");
    expect([...early].map(([key, series]) => [key, series.map(({ time }) => time)])).toEqual([
      [omKey(21, 30), [100]],
      [omKey(62, 5), [400]],
    ]);
    expect(
      resolvePulses(event, "Both")
        .get(omKey(21, 30))
        ?.map(({ time }) => time),
    ).toEqual([100, 100, 900]);
    expect(() => resolvePulses(event, "Long")).toThrow(
      /"Long": mask of 3 DOMs on "InIceDSTPulses", which has 2/,
    );
    expect(() => resolvePulses(event, "Longer")).toThrow(
      /mask of 3 pulses on a DOM of "InIceDSTPulses" that has 2/,
    );
    expect(() => resolvePulses(event, "Self")).toThrow(/made from itself \(Self → Self\)/);
    expect(() => resolvePulses(event, "Lost")).toThrow(
      /"Lost" is made from "Nothing", which is missing/,
    );
    expect(() => resolvePulses(event, "Track")).toThrow(
      /"Track" \(I3Particle\) is no pulse series/,
    );
    expect(() => resolvePulses(event, "Absent")).toThrow(
      /no pulse series "Absent"; the event has .*SplitInIcePulses/,
    );
  });

  // how the original tells the streams apart
  test.each<[string, Record<string, I3Object>]>([
    [
      "HESE",
      { AlertShortFollowupMsg: { type: "I3String", value: '{"hese": {}, "neutrino": {}}' } },
    ],
    [
      "EHE",
      { AlertShortFollowupMsg: { type: "I3String", value: '{"ehe": {"x": NaN}, "estres": {}}' } },
    ],
    ["neutrino", { AlertShortFollowupMsg: { type: "I3String", value: '{"neutrino": {}}' } }],
    ["ESTRES", { AlertShortFollowupMsg: { type: "I3String", value: '{"estres": {}}' } }],
    ["HESE", { HESE_llhratio: { type: "I3Double", value: 1 } }],
    ["ESTRES", { Estres_p_miss: { type: "I3Double", value: 1 } }],
    ["EHE", { PoleEHEOphelia_ImpLF: { type: "I3Double", value: 1 } }],
    ["None", {}],
  ])("of type %s", (type, objects) => {
    expect(parseEvent(withPhysics(objects), "made").metadata.eventType).toBe(type);
  });

  test("an event that is none is one clear line with the file's name", async () => {
    const { I3EventHeader: _, ...headless } = physics;
    const cases: [string, string | Uint8Array, RegExp][] = [
      ["empty.json", "", /empty.json: empty file$/],
      ["cut.json", encodeAlert(frames).slice(0, 300), /cut.json: truncated or no JSON/],
      ["other.json", '{"hello": "world"}', /other.json: no alert/],
      ["q.json", encodeAlert([frames[0]!]), /q.json: 0 physics frames/],
      ["pp.json", encodeAlert([frames[1]!, frames[1]!]), /2 physics frames/],
      ["qq.json", encodeAlert([frames[0]!, frames[0]!, frames[1]!]), /two Q frames/],
      ["headless.json", encodeAlert([makeFrame("P", headless)]), /has no I3EventHeader/],
      ["q.i3", encodeFrame(frames[0]!), /q.i3: 0 physics frames/],
      [
        "pp.i3",
        Buffer.concat([frames[1]!, frames[1]!].map(encodeFrame)),
        /pp.i3: several physics frames/,
      ],
    ];
    for (const [name, content, problem] of cases)
      await expect(loadEvent(file(name, content))).rejects.toThrow(problem);
    await expect(loadEvent(join(folder, "missing.json"))).rejects.toThrow(
      /missing.json: no such file/,
    );
    await expect(loadEvent(folder)).rejects.toThrow(/cannot be read \(EISDIR\)/);
  });
});

test("frames that are no event are no error to look at", async () => {
  const path = file("readout.i3", encodeFrame(makeFrame("Q", readout)));
  const contents = await loadContents(path);
  expect("metadata" in contents).toBe(false);
  expect(eventJson(contents).metadata).toBeNull();
});

describe("the pulses of alerts", () => {
  test("the message made from a header is the one in the alert", async () => {
    const event = await loadEvent(shared("events/138632_31747601.json"));
    const made = shortMessageOf(findOf(event, "I3EventHeader", "I3EventHeader")!);
    expect(event.message).toMatchObject(made);
    expect(made).toHaveProperty("unique_id", "run00138632.evt000031747601");
  });

  // the alerts' own summaries (HESE_HomogenizedQTot), by the recipe of the format's description
  test("charges add up to what was recorded at the Pole, to the last bit", async () => {
    const alerts = ["hese_event_00.json", "138632_31747601.json", "event_HESE_2017-11-28.json"];
    for (const file of present(
      alerts.map((name) => `events/${name}`),
      (file) => file,
    )) {
      const event = await loadEvent(shared(file));
      const key =
        event.formatVersion === "2023a" ? "SplitInIcePulses" : "SplitUncleanedInIcePulses";
      const isHighEfficiency = (dom: number) => {
        const [string, om] = [stringOf(dom), omOf(dom)];
        return (
          string >= 79 ||
          (string === 36 &&
            [44, 46, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59].includes(om)) ||
          (string === 43 && om === 55)
        );
      };
      const sums = [...resolvePulses(event, key)]
        .filter(([dom]) => !isHighEfficiency(dom))
        .map(([, series]) => series.reduce((sum, { charge }) => sum + charge, 0));
      const total = sums.reduce((a, b) => a + b, 0);
      const balanced = sums.filter((sum) => sum < total / 2).reduce((a, b) => a + b, 0);
      expect(balanced).toBe(findOf(event, "HESE_HomogenizedQTot", "I3Double")!.value);
    }
  });
});

/** The pickle of a text: protocol 2, BINUNICODE. */
function pickleOf(text: string): Uint8Array<ArrayBuffer> {
  const utf8 = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(utf8.length);
  const start = Buffer.from("\x80\x02X", "latin1");
  return new Uint8Array(Buffer.concat([start, length, utf8, Buffer.from(".")]));
}

describe("an alert comes in many wrappings", () => {
  const frames = [makeFrame("Q", readout), makeFrame("P", physics)];
  const text = encodeAlert(frames);
  const { value, ...about } = JSON.parse(text);
  const alert = { ...about, value };
  const skydriver = { scan_id: "a", event_i3live_json_dict: alert, reco_algo: "splinempe" };

  test.each<[string, string | Uint8Array]>([
    ["gzip", Bun.gzipSync(Buffer.from(text))],
    ["zstd", Bun.zstdCompressSync(text)],
    ["bzip2", spawnSync("bzip2", { input: text }).stdout],
    ["a pickle in gzip", Bun.gzipSync(pickleOf(text))],
    ["a pickle in bzip2", spawnSync("bzip2", { input: pickleOf(text) }).stdout],
    ["after blanks", `\n\t  ${text}`],
    ["after a byte order mark", `\ufeff${text}`],
    ["a list of one", JSON.stringify([alert])],
    ["a JSON text", JSON.stringify(text)],
    ["a value that is a JSON text", JSON.stringify({ ...about, value: JSON.stringify(value) })],
    ["SkyDriver's manifest", JSON.stringify(skydriver)],
    ["SkyDriver's request", JSON.stringify({ docker_tag: "x", event_i3live_json: text })],
    ["its request with an object", JSON.stringify({ event_i3live_json: alert })],
    ["all at once", JSON.stringify([JSON.stringify({ event_i3live_json: JSON.stringify(text) })])],
  ])("%s", async (_name, content) => {
    const event = await loadEvent(file("wrapped", content));
    expect(event.metadata).toEqual((await loadEvent(file("plain", text))).metadata);
    expect(event.frames.map(encodeFrame)).toEqual(frames.map(encodeFrame));
  });

  test.each([
    ["two of them", JSON.stringify([alert, alert]), /no alert/],
    ["nothing", "[]", /no alert/],
    ["an empty list in lists", `${"[".repeat(40)}${"]".repeat(40)}`, /no alert/],
    ["arrays without end", `${"[".repeat(100_000)}${"]".repeat(100_000)}`, /nested more than 64/],
    [
      "arrays without end beside the frames",
      text.replace('"value"', `"deep":${"[".repeat(100_000)}${"]".repeat(100_000)},"value"`),
      /nested more than 64/,
    ],
  ])("but not as %s", async (_name, content, problem) => {
    expect(loadEvent(file("wrapped.json", content))).rejects.toThrow(problem);
  });

  test("a pickle nested without end is refused as quickly", async () => {
    // EMPTY_LIST ten thousand times, then each APPENDed to the one before.
    const pickle = `\x80\x02${"]".repeat(10_000)}${"a".repeat(9_999)}.`;
    const path = file("deep.pkl", Buffer.from(pickle, "latin1"));
    expect(loadEvent(path)).rejects.toThrow(/nested too deep/);
  });

  test("what never ends is given up", async () => {
    expect(loadEvent("/dev/zero")).rejects.toThrow(/neither JSON nor a pickle/);
    const blanks = new Response(
      new ReadableStream({ pull: (stream) => stream.enqueue(Buffer.alloc(1 << 20, " ")) }),
    );
    const fifo = join(folder, "blanks.fifo");
    spawnSync("mkfifo", [fifo]);
    const writer = Bun.spawn(["sh", "-c", 'exec cat > "$0"', fifo], { stdin: blanks });
    await expect(loadEvent(fifo)).rejects.toThrow(/more than \d+ bytes are no alert/);
    writer.kill();
  });
});
