import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { writeResult } from "../../src/result/files.ts";
import { parentOf } from "../../src/sky/healpix.ts";
import { program } from "../programs.ts";
import { example, pixel } from "../result/examples.ts";
import { shared } from "../shared.ts";

// Whole processes, on machines that may be busy.
setDefaultTimeout(60_000);

const alert = shared("events", "138632_31747601.json");
const hypothesis = { x: -290, y: -70, z: -190, time: 11245, zenith: 1.5716, azimuth: 4.8769 };

/** Runs the command line with an input. */
async function skyscan(args: readonly string[], lines: readonly object[] = []) {
  const child = Bun.spawn([...program, ...args], {
    stdin: new Blob([lines.map((line) => `${JSON.stringify(line)}\n`).join("")]),
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, SKYSCAN_DUMMY_SECONDS: "0,0" },
  });
  const [out, log] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  const answers = out.split("\n").filter((line) => line !== "");
  return { code: await child.exited, answers: answers.map((line) => JSON.parse(line)), log };
}

test("--json lists the energy losses of a pixel's fit, which add up to its energies", async () => {
  const simulated = resolve(import.meta.dir, "../data/simulated_muon.json");
  const pixel = ["--nside", "8", "--pixel", "340", "--json"];
  const { code, answers } = await skyscan([
    ...["reco", simulated, "--reco-algo", "millipede_wilks", ...pixel],
  ]);
  expect(code).toBe(0);
  const { losses, E_in, E_tot } = answers[0] as {
    losses: { energy: number; time: number; x: number; y: number; z: number }[];
    E_in: number;
    E_tot: number;
  };
  expect(losses.length).toBeGreaterThan(0);
  expect(losses.every(({ energy }) => energy > 0)).toBe(true);
  expect(losses.reduce((sum, { energy }) => sum + energy, 0)).toBeCloseTo(E_tot, 6);
  expect(E_in).toBeLessThanOrEqual(E_tot);
  // On one straight line, at the speed of light.
  const [first, last] = [losses[0]!, losses.at(-1)!];
  const length = Math.hypot(last.x - first.x, last.y - first.y, last.z - first.z);
  expect(length / (last.time - first.time)).toBeCloseTo(0.299792458, 9);
});

describe("skyscan reco", () => {
  const splinempe = ["reco", alert, "--reco-algo", "splinempe"];

  test("a pixel's fit", async () => {
    const { code, answers } = await skyscan([...splinempe, "--nside", "8", "--pixel", "404"]);
    expect(code).toBe(0);
    expect(answers.length).toBe(1);
    expect(Object.keys(answers[0])).toEqual([
      ...["llh", "x", "y", "z", "time", "energy", "E_in", "E_tot", "evaluations", "seconds"],
    ]);
    expect(answers[0]).toMatchObject({ energy: 17235.35364, E_in: null, E_tot: null });
    expect(answers[0].llh).toBeGreaterThan(0);
  });

  test("fits from given seeds end no higher than the seed", async () => {
    const seeds = [hypothesis, { ...hypothesis, energy: 1000 }];
    const [values, fits] = await Promise.all([
      skyscan([...splinempe, "--jsonl", "--evaluate"], seeds),
      skyscan([...splinempe, "--jsonl"], seeds),
    ]);
    expect([values.code, fits.code]).toEqual([0, 0]);
    expect(values.answers.map(Object.keys)).toEqual([["llh"], ["llh"]]);
    expect(fits.answers.map((fit) => fit.energy)).toEqual([17235.35364, 1000]);
    fits.answers.forEach((fit, i) => {
      expect(fit.llh).toBeLessThanOrEqual(values.answers[i].llh);
      expect(fit.time).toBe(hypothesis.time);
    });
  });

  test("the better of two first guesses counts", async () => {
    const far = { ...hypothesis, x: 600, y: 600, z: 400 };
    const { x, y, z, time } = hypothesis;
    const { answers } = await skyscan(
      [...splinempe, "--jsonl"],
      [hypothesis, far, { ...far, fallback: { x, y, z, time } }],
    );
    expect(answers[2].llh).toBeLessThanOrEqual(Math.min(answers[0].llh, answers[1].llh) + 1e-9);
  });

  test("a bad line ends it, with its number; what came before is answered", async () => {
    for (const [bad, message] of [
      [{ ...hypothesis, zenith: "1" }, 'line 2 of the input, "zenith": expected number'],
      [{ ...hypothesis, energie: 1 }, 'line 2 of the input, "energie"'],
      [[], "line 2 of the input"],
    ] as const) {
      const { code, answers, log } = await skyscan(
        [...splinempe, "--jsonl", "--evaluate"],
        [hypothesis, bad],
      );
      expect(code).toBe(2);
      expect(answers.length).toBe(1);
      expect(log).toContain(message);
    }
  });

  test.each([
    ["neither pixel nor input", []],
    ["both", ["--jsonl", "--nside", "8", "--pixel", "0"]],
    ["a pixel beyond the last", ["--nside", "8", "--pixel", "768"]],
    ["no power of two", ["--nside", "9", "--pixel", "0"]],
    ["an exact fit", ["--nside", "8", "--pixel", "0", "--exact"]],
    ["a variation of a given hypothesis", ["--jsonl", "--posvar", "1"]],
    ["another scan's fits for a given hypothesis", ["--jsonl", "--from", alert]],
    ["a variation beyond the last", ["--nside", "8", "--pixel", "0", "--posvar", "7"]],
    ["no number", ["--nside", "8", "--pixel", "x"]],
  ])("%s is refused", async (_, flags) => {
    const { code, answers } = await skyscan([...splinempe, ...flags]);
    expect([code, answers]).toEqual([2, []]);
  });

  test("dummies with a seed repeat themselves", async () => {
    const dummy = ["reco", alert, "--reco-algo", "dummy", "--nside", "1", "--pixel", "3"];
    const [a, b] = await Promise.all(
      [1, 2].map(() => skyscan([...dummy, "--seed", "5"]).then(({ answers }) => answers[0])),
    );
    const { seconds, ...values } = a;
    expect(b).toMatchObject(values);
  });
});

describe("skyscan event --prepare", () => {
  test("pulses of each step, vertex, exclusions and energy", async () => {
    const { code, answers } = await skyscan(["event", alert, "--prepare", "millipede", "--json"]);
    expect(code).toBe(0);
    const { pulses, vertex, exclusions, energy } = answers[0].prepared;
    expect(Object.keys(pulses)).toEqual(["hlc", "late", "cleaned"]);
    expect(pulses.cleaned["1,32"]).toEqual([[18092, 1.1749999523162842, 8, 4]]);
    expect(vertex.time).toBe(10931);
    expect(exclusions["1,44"]).toEqual([[11850, "inf"]]);
    expect(exclusions["79,1"]).toEqual([["-inf", "inf"]]);
    expect(energy).toBeNull();
  });
});

test("--from seeds a pixel from the finest coarser fit around it, as a scan does", async () => {
  const folder = mkdtempSync(join(tmpdir(), "skyscan-test-"));
  const path = join(folder, "map.json");
  // Of nside 2, pixel 20's parent is pixel 4 of nside 1; nside 4 is finer and does not count.
  const parentAt = parentOf(2, 20, 1);
  const seeded = async (llh: number) => {
    const fit = pixel(1, parentAt, { llh, x: -250, y: -60, z: -150, time: 11_200 });
    const finer = pixel(4, 0, { llh: 1, x: 0, y: 0, z: 0, time: 0 });
    const nsides = new Map([
      [1, [fit]],
      [4, [finer]],
    ]);
    await writeResult(path, { ...example, nsides });
    const args = ["reco", alert, "-a", "splinempe", "--evaluate", "--nside", "2", "--pixel", "20"];
    return (await skyscan([...args, "--from", path])).answers[0];
  };
  const args = ["reco", alert, "-a", "splinempe", "--evaluate", "--nside", "2", "--pixel", "20"];
  const unseeded = (await skyscan(args)).answers[0];
  expect(await seeded(100)).not.toEqual(unseeded);
  // A failed fit is none to begin with.
  expect(await seeded(Number.NaN)).toEqual(unseeded);
  const elsewhere = await skyscan([...args.slice(0, -1), "0", "--from", path]);
  expect(elsewhere.code).toBe(2);
  rmSync(folder, { recursive: true });
});
