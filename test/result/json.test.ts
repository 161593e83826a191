import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../src/config/errors.ts";
import { pythonFloat, readJson, writeJson } from "../../src/result/json.ts";
import { readNpz, writeNpz } from "../../src/result/npz.ts";
import { shared } from "../shared.ts";
import { example, pixel } from "./examples.ts";
import { python, testWithNumpy, withFolder } from "./python.ts";

describe("pythonFloat", () => {
  test.each([
    [32008, "32008.0"],
    [0, "0.0"],
    [-0, "-0.0"],
    [1e-5, "1e-05"],
    [1e-4, "0.0001"],
    [1e16, "1e+16"],
    [1e15, "1000000000000000.0"],
    [1.5e300, "1.5e+300"],
    [-1.25e-7, "-1.25e-07"],
    [5e-324, "5e-324"],
    [59723.32051140454, "59723.32051140454"],
    [Number.POSITIVE_INFINITY, "Infinity"],
  ])("%p → %s", (value, text) => {
    expect(pythonFloat(value)).toBe(text);
  });

  testWithNumpy("is Python's repr", () => {
    // Random bit patterns, and decimal values of all sizes.
    const program = `
import struct, random, json
random.seed(1)
values = [struct.unpack('<d', random.randbytes(8))[0] for _ in range(3000)]
values += [round(random.uniform(-10, 10), random.randint(0, 6)) * 10.0 ** random.randint(-8, 20) for _ in range(3000)]
print(json.dumps([[v.hex(), repr(v), struct.pack('>d', v).hex()] for v in values if v - v == 0]))`;
    for (const [, repr, hex] of JSON.parse(python(program)) as [string, string, string][]) {
      expect(pythonFloat(Buffer.from(hex, "hex").readDoubleBE())).toBe(repr);
    }
  });
});

describe("json", () => {
  testWithNumpy("is byte for byte Python's json.dump with indent=4", async () => {
    const odd = {
      ...example,
      metadata: { ...example.metadata, eventType: 'a"é\n\u007f😀' },
    };
    const text = writeJson(odd);
    const program = `
import sys, json
sys.stdout.write(json.dumps(json.load(open(sys.argv[1])), indent=4))`;
    await withFolder(async (folder) => {
      const path = join(folder, "a.json");
      await Bun.write(path, text);
      expect(python(program, path)).toBe(text);
    });
  });

  test("keeps everything but the energy, NaN included; infinities, which no fit gives, become NaN", () => {
    const odd = {
      ...example,
      nsides: new Map([[8, [pixel(8, 1, { llh: Number.NaN, E_tot: -Infinity, x: Infinity })]]]),
    };
    const read = readJson(writeJson(odd), "a.json");
    expect(read.nsides.get(8)).toEqual([
      pixel(8, 1, { llh: Number.NaN, E_tot: Number.NaN, x: Number.NaN, energy: Number.NaN }),
    ]);
    expect(read.metadata).toEqual(odd.metadata!);
  });

  test("accepts bare NaN, but leaves texts alone", () => {
    const text = `{"nside-1": {"columns": ["index","llh","E_in","E_tot"], "data": [[11, NaN, 1, Infinity], [3, 2.5, "<skyreader.nan>", -Infinity]],
      "metadata": {"nside": 1, "event_type": "NaN \\" Infinity"}}}`;
    const result = readJson(text, "a.json");
    expect(result.metadata).toEqual({ eventType: 'NaN " Infinity' });
    expect(result.nsides.get(1)!.map((p) => [p.pixel, p.llh, p.E_in, p.E_tot])).toEqual([
      [3, 2.5, Number.NaN, Number.NaN],
      [11, Number.NaN, 1, Number.NaN],
    ]);
  });

  const good = {
    columns: ["index", "llh", "E_in", "E_tot"],
    data: [[0, 1, 2, 3]],
    metadata: { nside: 1 },
  };
  const cases: [string, unknown, string][] = [
    [
      "an alert",
      { type: "event" },
      "f.json: type: expected an object of columns, data and metadata",
    ],
    ["a list", [], "f.json: expected an object"],
    ["nothing", {}, "f.json: no pixels"],
    ["another key", { "nside-1": { ...good, x: 1 } }, "f.json: nside-1: expected an object of"],
    ["the wrong nside", { "nside-2": good }, "f.json: nside-2: metadata: nside is 1"],
    [
      "a wrong column",
      { "nside-1": { ...good, columns: ["index"] } },
      "f.json: nside-1: columns: ",
    ],
    [
      "a short row",
      { "nside-1": { ...good, data: [[0, 1, 2]] } },
      "f.json: nside-1: row 0: expected 4",
    ],
    [
      "a text for a number",
      {
        "nside-1": {
          ...good,
          data: [
            [0, 1, 2, 3],
            [1, "x", 2, 3],
          ],
        },
      },
      'f.json: nside-1: row 1: llh is "x", expected a number',
    ],
    [
      "a fractional index",
      { "nside-1": { ...good, data: [[0.5, 1, 2, 3]] } },
      "f.json: nside-1: row 0: index is 0.5, expected an integer",
    ],
    [
      "an unknown version",
      { "nside-1": { ...good, metadata: { nside: 1, version: 7 } } },
      "f.json: nside-1: metadata: version: expected 0 or 1",
    ],
    [
      "two events",
      {
        "nside-1": { ...good, metadata: { nside: 1, run_id: 1 } },
        "nside-2": { ...good, metadata: { nside: 2, run_id: 2 } },
      },
      "f.json: nside-2: metadata: run_id is not what the other nsides have",
    ],
  ];
  test.each(cases)("refuses %s in one line", (_, value, message) => {
    expect(() => readJson(JSON.stringify(value), "f.json")).toThrow(InputError);
    expect(() => readJson(JSON.stringify(value), "f.json")).toThrow(message);
  });
  test("refuses truncated text", () => {
    expect(() => readJson(writeJson(example).slice(0, 1000), "f.json")).toThrow("f.json: no JSON");
  });
});

describe("published results (json)", () => {
  const files = readdirSync(shared("oracle/results_json"), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".json"));
  test("there are 14", () => expect(files).toHaveLength(14));

  test.each(files)("%s", (name) => {
    const text = readFileSync(shared("oracle/results_json", name), "utf8");
    const result = readJson(text, name);
    // Six were written by an older version: NaN stands bare; seven end in a newline, one starts with a blank.
    expect(writeJson(result)).toBe(text.trim().replaceAll("NaN", '"<skyreader.nan>"'));
    const npz = writeNpz(result);
    const again = readNpz(npz, name);
    expect(writeJson(again)).toBe(writeJson(result));
    expect(Buffer.from(writeNpz(again)).equals(Buffer.from(npz))).toBe(true);
  });

  test("7 of them are reproduced to the byte", () => {
    const same = files.filter((name) => {
      const text = readFileSync(shared("oracle/results_json", name), "utf8");
      return writeJson(readJson(text, name)) === text;
    });
    expect(same).toHaveLength(7);
  });
});
