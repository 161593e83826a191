import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { program } from "../programs.ts";
import { shared } from "../shared.ts";

/** Runs `skyscan sky …`. */
function sky(args: string[], input = "") {
  const run = Bun.spawnSync([...program, "sky", ...args], {
    stdin: Buffer.from(input),
  });
  return { code: run.exitCode, out: run.stdout.toString(), err: run.stderr.toString() };
}

describe("skyscan sky", () => {
  test("converts lines there and back", () => {
    // From a real event; the reference says ra 138.6545535°, dec 0.1418088°.
    const given = { zenith: 1.57163, azimuth: 4.87687, mjd: 60280.71416774572 };
    const there = sky(["to-equatorial", "--jsonl"], `${JSON.stringify(given)}\n\n`);
    expect(there.code).toBe(0);
    const { ra, dec, mjd } = JSON.parse(there.out);
    expect((ra * 180) / Math.PI).toBeCloseTo(138.6545535, 6);
    expect((dec * 180) / Math.PI).toBeCloseTo(0.1418088, 6);
    expect(mjd).toBe(given.mjd);
    const back = JSON.parse(sky(["to-detector", "--jsonl"], there.out).out);
    expect(back.zenith).toBeCloseTo(given.zenith, 8);
    expect(back.azimuth).toBeCloseTo(given.azimuth, 8);
  });

  test.each([
    [["to-equatorial", "--jsonl"], '{"zenith":1,"azimuth":2,"mjd":6e4}\n{"zenith":1}', "line 2"],
    [["to-detector", "--jsonl"], '{"ra":1,"dec":"x","mjd":6e4}', '"dec"'],
    [["to-detector", "--jsonl"], '{"ra":1,"dec":1,"mjd":1e300}', '"mjd"'],
    [["to-equatorial", "--jsonl"], "hello", "not JSON"],
    [["refine", "/no/such/file.npz"], "", "/no/such/file.npz"],
    [["refine", "x.npz", "--nsides", "64:0", "8:12"], "", "not ascending"],
  ])("%p refuses what it cannot use, in one line, with exit code 2", (args, input, why) => {
    const { code, err } = sky(args, input);
    expect(code).toBe(2);
    expect(err).toContain(why);
    expect(err.trim().split("\n")).toHaveLength(1);
  });
});

describe("skyscan sky refine", () => {
  const event = "run00136662-evt000035405932-BRONZE-8_64_512";
  const file = shared("events", `${event}.npz`);
  const nsides = ["--nsides", "8:0", "64:12", "512:24"];
  const { stages } = JSON.parse(readFileSync(shared("oracle", "pixels.json"), "utf8")).events[
    event
  ];

  for (const stage of stages)
    test(`with nsides ${stage.nsides_present.join(", ") || "none"}`, () => {
      const { out } = sky(["refine", file, ...nsides, "--json", "--use", ...stage.nsides_present]);
      expect(JSON.parse(out)).toEqual(stage.chosen);
    });

  test("all the file has, by default", () => {
    expect(JSON.parse(sky(["refine", file, "--json"]).out)).toEqual(stages.at(-1).chosen);
    expect(sky(["refine", file]).out).toContain("nside 64: 768 pixels, 0 of them new");
  });

  test("an nside the file has not", () => {
    const { code, err } = sky(["refine", file, "--use", "16"]);
    expect(code).toBe(2);
    expect(err).toContain("--use 16");
  });
});
