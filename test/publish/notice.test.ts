import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { publisher } from "../../src/publish/formats.ts";
import { requireNotice } from "../../src/publish/notice.ts";
import { readResult } from "../../src/result/files.ts";
import { ic160427aLevels } from "../../src/result/levels.ts";
import type { SkyScanResult } from "../../src/result/result.ts";
import { event } from "../result/examples.ts";
import { describeShared, shared } from "../shared.ts";
import { gaussianMap } from "./maps.ts";

/** GCN's own schema and example, see data/README.md. */
const gcn = JSON.parse(readFileSync(join(import.meta.dir, "../data/gcn_schema.json"), "utf8"));
const ajv = new Ajv2020({ strictTuples: false });
addFormats(ajv);
for (const schema of gcn.schemas) ajv.addSchema(schema);
const validate = ajv.getSchema(gcn.schemas[0].$id)!;
const valid = (document: unknown): boolean => validate(document) === true;

const facts = { name: "IceCube-220624A", stream: "gold", made: new Date(1.7e12) } as const;
const noticeOf = (map: SkyScanResult, options: object = {}) =>
  JSON.parse(publisher(map, { facts, ...options })("notice") as string);

describe("GCN's schema", () => {
  test("takes its own example, so it is the whole of it", () => {
    expect(valid(gcn.example)).toBe(true);
  });

  test("takes notices of every stream, kind and error", () => {
    for (const stream of ["gold", "bronze", "cascade"] as const)
      for (const notice of [
        {},
        { revision: 0, isTest: true },
        { revision: 2, asEllipse: true, healpixUrl: "https://example.org/map.fits.gz" },
      ]) {
        const document = noticeOf(gaussianMap(1, -0.5), { facts: { ...facts, stream }, notice });
        expect(validate.errors ?? []).toEqual([]);
        expect(valid(document)).toBe(true);
      }
  });

  const notice = noticeOf(gaussianMap(1, -0.5));
  test.each([
    ["the stream instead of the pipeline", { pipeline: "gold" }],
    ["the mission page's spelling", { alert_tense: "injections" }],
    ["no map as null", { healpix_url: null }],
  ])("refuses %s; so do we", (_, wrong) => {
    expect(valid({ ...notice, ...wrong })).toBe(false);
    expect(() => requireNotice({ ...notice, ...wrong })).toThrow(
      new RegExp(`^notice: ${Object.keys(wrong)[0]}: `),
    );
  });
});

describe("a notice", () => {
  test("of a simulated event is an injection, one of the built-in light has no systematic errors in", () => {
    const map = gaussianMap(1, -0.5);
    const simulated = { ...map, metadata: { ...map.metadata, isRealEvent: false } };
    expect(noticeOf(map)).toMatchObject({ alert_tense: "current", systematic_included: false });
    const calibrated = { ...ic160427aLevels, systematicIncluded: true };
    expect(noticeOf(map, { levels: calibrated }).systematic_included).toBe(false);
    const onTables = { ...map, metadata: { ...map.metadata, other: { light: "photospline" } } };
    expect(noticeOf(onTables, { levels: calibrated }).systematic_included).toBe(true);
    expect(noticeOf(simulated).alert_tense).toBe("injection");
    expect(noticeOf(simulated, { notice: { isTest: true } }).alert_tense).toBe("test");
  });

  test("can hold the map itself", () => {
    const map = gaussianMap(1, -0.5, 0.01);
    const bytes = publisher(map, { facts })("multiorder.fits") as Uint8Array;
    const document = noticeOf(map, { notice: { healpixFile: bytes } });
    expect(valid(document)).toBe(true);
    const held = gunzipSync(Buffer.from(document.healpix_file, "base64"));
    expect(held.subarray(0, 6).toString()).toBe("SIMPLE");
  });

  test.each([
    ["--stream is needed", { facts: { made: facts.made } }],
    [
      "--name IceCube-220625A: the event is of 220624",
      { facts: { ...facts, name: "IceCube-220625A" } },
    ],
    ["--name alert: expected IceCube-YYMMDDA", { facts: { ...facts, name: "alert" } }],
    ["when it is issued", { facts: { stream: "gold" } }],
    ["notice: p_astro", { facts: { ...facts, signalness: 1.5 } }],
    ["no 90 %", { levels: { ...ic160427aLevels, contours: [{ percent: 50, level: 22.2 }] } }],
  ])("is refused with %p", (message, options) => {
    expect(() => noticeOf(gaussianMap(1, -0.5), options)).toThrow(message);
  });
});

test("errors below the map's resolution are neither noticed nor quoted", () => {
  const narrow = gaussianMap(1, -0.5, 0.001);
  expect(() => noticeOf(narrow)).toThrow("smaller than the map's pixels resolve");
  const text = publisher(narrow, { facts })("circular");
  expect(text).not.toContain("deg 90% PSF containment");
  expect(text).toContain("below the map's resolution");
});

describeShared("IC220624A", () => {
  const published = async () => ({
    ...(await readResult(shared("events/run00136766-evt000007637140-GOLD-8_64_512.npz"))),
    from: "south" as const,
    metadata: event,
  });
  const known = { ...facts, energy: 193, signalness: 0.609, farPerYear: 0.17 };

  test("has the notice that its rectangle makes, and the schema takes it", async () => {
    const document = noticeOf(await published(), { facts: known, levels: ic160427aLevels });
    expect(valid(document)).toBe(true);
    expect(document.ra).toBeCloseTo(224.1211, 4);
    expect(document.dec).toBeCloseTo(41.3118, 4);
    // 1.565 from skyreader's rounded rectangle, 1.518 from IceCat-1's.
    expect(document.ra_dec_error).toBeCloseTo(1.565, 2);
    expect(document).toMatchObject({
      id: ["136766_7637140"],
      event_name: ["IceCube-220624A"],
      trigger_time: "2022-06-24T16:13:16.405259Z",
      pipeline: "Gold Track Alert",
      alert_type: "update",
      nu_energy: 193,
      p_astro: 0.609,
    });
    expect(document.far).toBeCloseTo(5.387e-9, 12);
  });

  test("has the lines circulars quote", async () => {
    const text = publisher(await published(), { facts: known, levels: ic160427aLevels })(
      "circular",
    );
    expect(text).toContain("RA: 224.12 (+2.23 / -1.95 deg 90% PSF containment) J2000\n");
    expect(text).toContain("Dec: +41.31 (+1.56 / -1.56 deg 90% PSF containment) J2000\n");
    expect(text).toContain("Date: 2022/06/24\nTime: 16:13:16.40 UT\n");
    expect(text).toContain("purity for Gold alerts is 50%");
    expect(text).toContain("0.17 events per year");
    expect(text).toContain("7.49 sq deg");
    expect(text).toContain("IC160427A");
  });
});
