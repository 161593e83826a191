import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, systemClock } from "../../src/config/clock.ts";
import { MachineError } from "../../src/config/errors.ts";
import { staged, Unreachable } from "../../src/ewms/staging.ts";

const directory = mkdtempSync(join(tmpdir(), "skyscan-staging-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const cache = join(directory, "cache");
const shelf = {
  places: [join(directory, "opt"), join(directory, "cvmfs")],
  remote: "baseline_gcds",
} as const;
const source = { address: "http://data.example.org/", cache };
const name = "baseline_gcd_135417.i3";
const content = "a geometry, a calibration, a status";

beforeEach(() => {
  for (const place of [cache, ...shelf.places]) {
    rmSync(place, { recursive: true, force: true });
    mkdirSync(place);
  }
});

/** Patience with the source, s: shorter waits are back-offs. */
const shortestPatience = 15;

/**
 * Stages the file, with these answers one after the other.
 * @param isSilent patience ends at once; else never
 */
async function stage(answers: readonly (() => Response | Promise<Response>)[], isSilent = false) {
  const asked: string[] = [];
  const backoffs: number[] = [];
  const clock: Clock = {
    ...systemClock,
    after(seconds, work) {
      let isOff = false;
      if (seconds < shortestPatience) backoffs.push(seconds);
      if (seconds < shortestPatience || isSilent) setImmediate(() => isOff || work());
      return () => {
        isOff = true;
      };
    },
  };
  const fetched = staged(name, shelf, source, {
    clock,
    fetch: async (url, { signal }) => {
      asked.push(url);
      const aborted = new Promise<never>((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      });
      return await Promise.race([answers[asked.length - 1]!(), aborted]);
    },
  });
  const outcome: { path?: string | undefined; error?: Error } = await fetched.then(
    (path) => ({ path }),
    (error) => ({ error }),
  );
  return { ...outcome, asked, backoffs };
}

const whole =
  (headers: Record<string, string> = {}) =>
  () =>
    new Response(content, { headers });
const sha256 = createHash("sha256").update(content).digest("base64");
const md5 = createHash("md5").update(content).digest("base64");

describe("a large file", () => {
  test("of this machine is taken from where it lies, first place first, and nobody is asked", async () => {
    for (const place of [cache, shelf.places[1]!, shelf.places[0]!]) {
      writeFileSync(join(place, name), "");
      const { path, asked } = await stage([]);
      expect({ path, asked }).toEqual({ path: join(place, name), asked: [] });
    }
  });

  test("that is nowhere is fetched from the original's address, once", async () => {
    const { path, asked } = await stage([whole()]);
    expect(path).toBe(join(cache, name));
    expect(readFileSync(path!, "utf8")).toBe(content);
    expect(asked).toEqual(["http://data.example.org/baseline_gcds/baseline_gcd_135417.i3"]);
    expect((await stage([])).path).toBe(path!);
    expect(readdirSync(cache)).toEqual([name]);
  });

  test("is not fetched where there is no source to fetch from", async () => {
    const nobody = { clock: systemClock, fetch: () => Promise.reject(new Error("asked")) };
    expect(await staged(name, shelf, undefined, nobody)).toBe(undefined);
    expect(await staged(name, shelf, { cache }, nobody)).toBe(undefined);
  });

  const damaged: [what: string, answer: () => Response, why: RegExp][] = [
    ["too short", whole({ "content-length": "999" }), /35 bytes came, 999 were announced/],
    ["of another SHA-256", whole({ "repr-digest": `sha-256=:${md5}:` }), /another checksum/],
    ["of another digest", whole({ digest: `SHA-256=${md5}` }), /another checksum/],
    ["of another MD5", whole({ "content-md5": sha256 }), /another checksum/],
    ["refused for now", () => new Response(null, { status: 503 }), /503/],
  ];
  test.each(damaged)(
    "%s is fetched again; three times, and nothing of it stays",
    async (_, answer, why) => {
      const { error, backoffs } = await stage([answer, answer, answer]);
      expect(error).toBeInstanceOf(MachineError);
      expect(error).not.toBeInstanceOf(Unreachable);
      expect(error!.message).toMatch(why);
      expect(backoffs).toEqual([1, 2]);
      expect(readdirSync(cache)).toEqual([]);
      const mended = await stage([answer, whole({ "repr-digest": `sha-256=:${sha256}:` })]);
      expect(mended.path).toBe(join(cache, name));
    },
  );

  test("that the source does not have is not asked for again", async () => {
    const { error, asked } = await stage([() => new Response(null, { status: 404 })]);
    expect(error).toBeInstanceOf(MachineError);
    expect(error).not.toBeInstanceOf(Unreachable);
    expect(asked.length).toBe(1);
  });

  test("offline: one line that says where it was looked for; a silent source is given 15 s each time", async () => {
    const silent = () => new Promise<Response>(() => {});
    const { error, backoffs } = await stage([silent, silent, silent], true);
    expect(error).toBeInstanceOf(Unreachable);
    expect(error!.message).toBe(
      `neither in ${shelf.places.join(" nor in ")}, nor to be had from http://data.example.org/baseline_gcds/${name}: silent for 15 s`,
    );
    expect(backoffs).toEqual([1, 2]);
  });
});
