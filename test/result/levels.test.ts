import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { levelsFor } from "../../src/cli/levels_flags.ts";
import { InputError } from "../../src/config/errors.ts";
import { sizeText, traceContours } from "../../src/result/contours.ts";
import { encodeResult, readResult } from "../../src/result/files.ts";
import {
  hpdLevels,
  ic160427aLevels,
  levelsOf,
  levelsOfAlgorithm,
  levelsText,
  parseLevels,
  wilksLevels,
} from "../../src/result/levels.ts";
import { northFirst } from "../../src/result/orientation.ts";
import { resultFromScan } from "../../src/result/result.ts";
import { shared } from "../shared.ts";
import { event, example, pixel } from "./examples.ts";
import { withFolder } from "./python.ts";

const squareDegrees = (180 / Math.PI) ** 2;

/** What skyscan calibrate writes, as far as levels go. */
const calibration = {
  format: "skyscan calibration 1",
  event: { run_id: event.runId, event_id: event.eventId },
  reco_algo: "splinempe",
  light: "embedded",
  experiments: 200,
  levels: [
    { percent: 90, level: 5.1, low: 4.6, high: 5.9, scaled: 4.9 },
    { percent: 50, level: 1.5, low: 1.3, high: 1.8, scaled: 1.6 },
  ],
  scale: 1.1,
};

describe("levels", () => {
  test.each([
    ["splinempe", "statistical", [1.39, 4.61, 11.83]],
    ["splinempe_pointed", "statistical", [1.39, 4.61, 11.83]],
    ["millipede_wilks", "statistical", [1.39, 4.61, 11.83]],
    ["millipede_original", "IC160427A", [22.2, 64.2]],
    ["millipede", "IC160427A", [22.2, 64.2]],
  ])("of %s are %s ones", (algorithm, convention, values) => {
    const levels = levelsOfAlgorithm(algorithm)!;
    expect(levels.convention as string).toBe(convention);
    expect(levels.contours.map(({ level }) => level)).toEqual(values);
    expect(levels.systematicIncluded).toBe(false);
  });

  test("of an algorithm nobody knows are statistical, and say that they are not calibrated", () => {
    expect(levelsOf(example)).toMatchObject({ convention: "statistical" });
    expect(levelsOf(example).remark).toContain("statistical only");
    expect(levelsOf(example, "splinempe").remark).toBeUndefined();
  });

  test.each([
    ["wilks", wilksLevels.contours],
    ["IC160427A", ic160427aLevels.contours],
    ["hpd", hpdLevels.contours],
    [
      "90=5.5, 50=1.5",
      [
        { percent: 50, level: 1.5 },
        { percent: 90, level: 5.5 },
      ],
    ],
    ["99.73%=1e1", [{ percent: 99.73, level: 10 }]],
  ])("are read from %s", (text, contours) => {
    expect(parseLevels(text).contours).toEqual(contours);
  });

  test.each(["", "wilk", "50", "50=", "0=1", "100=3", "50=-1", "50=1,90", "50=3,90=2", "50=1e999"])(
    'refuse "%s" in one line',
    (text) => {
      expect(() => parseLevels(text)).toThrow(InputError);
      expect(() => parseLevels(text)).toThrow(/^--levels: [^\n]+$/);
    },
  );

  test.each(["map.npz", "map.json"])("are carried by %s", (name) =>
    withFolder(async (folder) => {
      const path = join(folder, name);
      const made = {
        reco_algo: "millipede_original",
        levels: levelsText(ic160427aLevels),
      };
      const map = resultFromScan(new Map([[1, [pixel(1, 0)]]]), event, true, made);
      writeFileSync(path, encodeResult(path, map));
      const read = await readResult(path);
      expect(read.metadata).toMatchObject({ other: made });
      expect(levelsOf(read)).toEqual(ic160427aLevels);
      // Whoever names another algorithm means its levels.
      expect(levelsOf(read, "splinempe")).toEqual(wilksLevels);
    }),
  );

  test("come from the manifest beside a file that does not say its algorithm", () =>
    withFolder(async (folder) => {
      const path = join(folder, "map.npz");
      expect((await levelsFor(path, example, {})).remark).toBeDefined();
      writeFileSync(
        join(folder, "map.manifest.json"),
        JSON.stringify({ scan: { reco_algo: "millipede_original" } }),
      );
      expect(await levelsFor(path, example, {})).toEqual(ic160427aLevels);
      expect(await levelsFor(path, example, { recoAlgo: "splinempe" })).toEqual(wilksLevels);
      expect(await levelsFor(path, example, { levels: "hpd" })).toEqual(hpdLevels);
    }));

  test("of a calibration serve its own event and algorithm alone", () =>
    withFolder(async (folder) => {
      const file = join(folder, "calibration.json");
      const flags = { calibration: file };
      writeFileSync(file, JSON.stringify(calibration));
      const levels = await levelsFor("map.npz", example, flags);
      expect(levels).toMatchObject({
        convention: "calibrated",
        systematicIncluded: true,
        contours: [
          { percent: 50, level: 1.5 },
          { percent: 90, level: 5.1 },
        ],
      });
      const other = { ...example, metadata: { ...example.metadata, runId: 1 } };
      const original = {
        ...example,
        metadata: { ...event, other: { reco_algo: "millipede_original" } },
      };
      for (const result of [other, original])
        expect(levelsFor("map.npz", result, flags)).rejects.toThrow(InputError);
      for (const text of ["", "{}", JSON.stringify({ ...calibration, levels: [] })]) {
        writeFileSync(file, text);
        expect(levelsFor("map.npz", example, flags)).rejects.toThrow(/calibration\.json: no /);
      }
    }));
});

// Areas as skyreader gives them with systematics=True; IceCat-1 has the same rectangles.
const published = [
  ["run00136662-evt000035405932-BRONZE-8_64_512.npz", 8.38],
  ["run00136766-evt000007637140-GOLD-8_64_512.npz", 7.49],
] as const;

describe("published maps", () => {
  test.each(published)("%s has its published area with its own levels", async (name, area) => {
    const map = northFirst(await readResult(shared("events", name)));
    const [, ninety] = traceContours(map, ic160427aLevels);
    expect(Math.abs(ninety!.area * squareDegrees - area)).toBeLessThan(0.006);
    expect(sizeText(ninety!)).toStartWith(`${area} sq deg`);
  });

  // Areas by an independent implementation on the same two maps.
  test.each([
    [published[0][0], 0.856],
    [published[1][0], 0.559],
  ])("%s has its credible region", async (name, area) => {
    const map = northFirst(await readResult(shared("events", name)));
    const [fifty, ninety] = traceContours(map, hpdLevels);
    expect(ninety!.area * squareDegrees).toBeCloseTo(area, 3);
    expect(ninety!.level).toBeGreaterThan(fifty!.level);
    expect(ninety!.lines.length).toBeGreaterThan(0);
  });

  test("an area of half a pixel is no more than small", async () => {
    const map = northFirst(await readResult(shared("events", published[1][0])));
    expect(traceContours(map, wilksLevels).map((contour) => sizeText(contour))).toEqual([
      "< 0.05 sq deg (below the map's resolution)",
      expect.stringMatching(/^0\.155 sq deg/),
      expect.any(String),
    ]);
  });
});
