import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readJson, writeJson } from "../../src/result/json.ts";
import { readNpz, writeNpz } from "../../src/result/npz.ts";
import { provenanceFields, provenanceOf } from "../../src/result/provenance.ts";
import { summarise, summaryLines } from "../../src/result/summary.ts";
import { example } from "./examples.ts";
import { python, testWithNumpy, withFolder } from "./python.ts";

const provenance = {
  recoAlgo: "splinempe",
  light: "analytic, SPICE-Mie",
  detector: "built-in IC86 geometry, nominal calibration",
  version: "0.1.0",
  eventSha256: "ab".repeat(32),
  commandLine: "skyscan scan 'my alert.json' --auth-token …",
};
const made = {
  ...example,
  metadata: { ...example.metadata, other: provenanceFields(provenance) },
};

describe("how a map came about", () => {
  test("is in both files, and what reads one and writes the other keeps it", () => {
    const npz = readNpz(writeNpz(made), "a.npz");
    const json = readJson(writeJson(npz), "a.json");
    expect(provenanceOf(npz)).toEqual(provenance);
    expect(provenanceOf(json)).toEqual(provenance);
    expect(provenanceOf(example)).toEqual({});
  });

  test("what is not known is not claimed", () => {
    expect(provenanceFields({ recoAlgo: "dummy" })).toEqual({ reco_algo: "dummy" });
  });

  test("is said, with what the numbers mean", () => {
    const lines = summaryLines(summarise(made));
    expect(lines).toEqual(
      expect.arrayContaining([
        "algorithm       splinempe",
        "light           analytic, SPICE-Mie",
        "made by         skyscan 0.1.0",
        expect.stringMatching(/^conventions {5}ICRS; HEALPix RING, RA = φ/),
      ]),
    );
    expect(summaryLines(summarise(example)).some((line) => line.startsWith("light"))).toBe(false);
  });

  testWithNumpy("numpy reads it beside the fields skyreader knows", () =>
    withFolder((folder) => {
      const file = join(folder, "a.npz");
      writeFileSync(file, writeNpz(made));
      const read = python(
        "import sys, numpy; h = numpy.load(sys.argv[1])['header'][0]; print(h['nside'], h['run_id'], h['reco_algo'], h['command_line'])",
        file,
      );
      expect(read).toBe(`8 136766 splinempe ${provenance.commandLine}\n`);
    }),
  );
});
