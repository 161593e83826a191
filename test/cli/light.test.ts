import { describe, expect, test } from "bun:test";
import { program } from "../programs.ts";

/** Runs `skyscan light --jsonl` from source. */
async function light(args: string[], questions: object[]) {
  const child = Bun.spawn([...program, "light", ...args], {
    stdin: new Blob(questions.map((question) => `${JSON.stringify(question)}\n`)),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  const answers = out.trimEnd() === "" ? [] : out.trimEnd().split("\n");
  return { answers: answers.map((line) => JSON.parse(line)), err, code };
}

const place = { x: 0, y: 0, z: 150, zenith: Math.PI / 2, azimuth: Math.PI, dom: [30, 20, 160] };
const cascade = { source: "cascade", ...place, quantiles: [0.9, 0.1, 0.5] };
const muon = { source: "muon", ...place, quantiles: [0.1, 0.5, 0.9] };

describe("skyscan light", () => {
  test("a line in, a line out: more light of more energy, quantiles in the order asked for", async () => {
    const { answers, code } = await light(
      ["--jsonl"],
      [cascade, { ...cascade, energy: 10 }, muon, { ...muon, quantiles: undefined }],
    );
    expect(code).toBe(0);
    const [one, ten, bare, withoutTimes] = answers;
    expect(ten.amplitude / one.amplitude).toBeCloseTo(10, 9);
    expect(one.times[1]).toBeLessThan(one.times[2]);
    expect(one.times[2]).toBeLessThan(one.times[0]);
    expect(bare.times).toEqual(bare.times.toSorted((a: number, b: number) => a - b));
    expect(withoutTimes).toEqual({ amplitude: bare.amplitude, times: [] });
  });

  test("ice, hole ice and efficiency are the user's", async () => {
    const upwards = { ...cascade, dom: [0, 0, 180] };
    const [plain, denser, clear, blind] = await Promise.all(
      [
        [],
        ["--ice-scale", "absorption=2"],
        ["--hole-ice", "nominal"],
        ["--dom-efficiency", "0.5"],
      ].map(async (args) => (await light(["--jsonl", ...args], [upwards])).answers[0].amplitude),
    );
    expect(denser).toBeLessThan(0.9 * plain);
    // Without hole ice light from straight below is seen better.
    expect(clear).toBeGreaterThan(1.02 * plain);
    expect(blind / plain).toBeCloseTo(0.5, 9);
  });

  test.each([
    [["--jsonl", "--hole-ice", "muddy"], "--hole-ice"],
    [["--jsonl", "--ice-scale", "scattering=0"], "--ice-scale"],
    [["--jsonl", "--ice", "/nowhere.tsv"], "/nowhere.tsv"],
    [["--jsonl", "--ice", import.meta.path], "line"],
    [["--jsonl", "--light", "candle"], "--light"],
    [["--jsonl", "--light", "embedded", "--photon-tables", "/nowhere"], "photon tables"],
    [[], "--jsonl"],
  ] as [string[], string][])("%p: one line, exit code 2", async (args, word) => {
    const { err, code } = await light(args, [muon]);
    expect(code).toBe(2);
    expect(err).toContain(word);
  });
});
